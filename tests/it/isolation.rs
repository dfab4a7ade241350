//! A slow receiver holds nobody else up: not the API, not other webhooks, not the database's connections.
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory;
use crate::support::receiver::{self, Behaviour, Misbehaviour};

const TYPE: &str = "customer.rewarded";

/// Far less than the time limit of what hangs, far more than an answer takes.
const PROMPT: Duration = Duration::from_secs(5);

fn batch(events: usize) -> Value {
    (0..events).map(|n| json!({ "type": TYPE, "data": { "n": n } })).collect()
}

#[test]
fn nobody_holds_a_connection_while_calling_out() {
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let app = App::start_with(|_, overrides| overrides.stop_grace = Some(Duration::ZERO));
    let project = factory::project(&app, "Shop");
    for n in 0..4 {
        let settings = json!({ "name": n.to_string(), "timeout_ms": 30_000 });
        project.webhook(&receiver.url(&format!("/{n}")), settings);
    }
    project.api().post("/v1/events/batch", &batch(64)).expect(202);
    receiver::received(&receiver, 4 * 64);
    // All 64 slots of 4 webhooks hang, four times the pool's connections.
    let began = Instant::now();
    app.client().get("/readyz").expect(200);
    app.wait_for("sending", 4 * 64);
    let deliveries = project.deliveries();
    assert!(deliveries.iter().all(|delivery| delivery["status"] == "sending"), "{deliveries:?}");
    project.event("voucher.created", json!({}));
    project.api().get("/v1/events").expect(200);
    project.api().patch("/v1/project", &json!({ "name": "Shop 2" })).expect(200);
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    let mine = "pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    app.wait_until("no transaction is open while 256 attempts are", |app| {
        app.db.count(&format!("{mine} and state like 'idle in transaction%'")) == 0
    });
    assert_eq!(app.db.count("deliveries where status = 1"), 4 * 64);
}

#[test]
fn a_hanging_webhook_with_a_long_queue_delays_no_other() {
    let (slow, fast) = (receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang)), receiver::start());
    let app = App::start_with(|_, overrides| overrides.stop_grace = Some(Duration::ZERO));
    let project = factory::project(&app, "Shop");
    project.webhook(&slow.url("/"), json!({ "name": "slow", "timeout_ms": 30_000 }));
    project.webhook(&fast.url("/"), json!({ "name": "fast" }));
    let began = Instant::now();
    // More than memory has room for, for one webhook.
    for _ in 0..3 {
        project.api().post("/v1/events/batch", &batch(500)).expect(202);
    }
    app.wait_for("delivered", 1_500);
    assert!(began.elapsed() < 3 * PROMPT, "{:?}", began.elapsed());
    assert_eq!((fast.count(), slow.count()), (1_500, 64));
}

#[test]
fn a_webhook_is_called_at_most_so_often_at_a_time() {
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let other = receiver::start();
    let app = App::start_with(|config, overrides| {
        config.max_in_flight_per_webhook = 3;
        overrides.stop_grace = Some(Duration::ZERO);
    });
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "name": "slow", "timeout_ms": 30_000 }));
    project.webhook(&other.url("/"), json!({ "name": "fast" }));
    project.api().post("/v1/events/batch", &batch(100)).expect(202);
    app.wait_for("delivered", 100);
    assert_eq!(receiver.count(), 3);
}

/// Three webhooks that hang for `timeout_ms`, a node that sends 8 at a time, and 8 events.
fn three_hang(receiver: &receiver::Receiver, timeout_ms: u32) -> App {
    let app = App::start_with(|config, overrides| {
        config.max_in_flight = 8;
        overrides.stop_grace = Some(Duration::ZERO);
    });
    let project = factory::project(&app, "Shop");
    for n in 0..3 {
        let settings = json!({ "name": n.to_string(), "timeout_ms": timeout_ms, "retries": "none" });
        project.webhook(&receiver.url(&format!("/{n}")), settings);
    }
    project.api().post("/v1/events/batch", &batch(8)).expect(202);
    app
}

#[test]
fn all_attempts_together_are_at_most_so_many_at_a_time() {
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let app = three_hang(&receiver, 30_000);
    // Not all eight: some room is always kept for a webhook that has nothing under way.
    receiver::received(&receiver, 5);
    app.wait_until("everything was accepted", |app| app.db.count("deliveries") == 24);
    assert!((5..=8).contains(&receiver.count()), "{}", receiver.count());
}

#[test]
fn what_hangs_frees_its_slot_when_its_time_is_up() {
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let app = three_hang(&receiver, 1_000);
    app.wait_for("failed", 24);
    assert_eq!(receiver.count(), 24);
}

#[test]
fn what_does_not_fit_into_memory_is_fetched_from_the_table() {
    let receiver = receiver::start();
    let app = App::start_with(|config, _| {
        config.max_in_flight = 2;
        config.max_in_flight_per_webhook = 1;
    });
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    let began = Instant::now();
    project.api().post("/v1/events/batch", &batch(300)).expect(202);
    app.wait_for("delivered", 300);
    assert_eq!(receiver.count(), 300);
    assert!(began.elapsed() < 3 * PROMPT, "{:?}", began.elapsed());
}

#[test]
fn however_many_receivers_hang_there_is_room_for_one_that_answers() {
    let (slow, fast) = (receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang)), receiver::start());
    let app = App::start_with(|config, overrides| {
        (config.max_in_flight, config.max_in_flight_per_webhook) = (16, 8);
        overrides.stop_grace = Some(Duration::ZERO);
    });
    let (greedy, other) = (factory::project(&app, "Greedy"), factory::project(&app, "Other"));
    for n in 0..10 {
        greedy.webhook(
            &slow.url("/"),
            json!({ "name": n.to_string(), "timeout_ms": 30_000, "retries": "none" }),
        );
    }
    other.webhook(&fast.url("/"), json!({}));
    let began = Instant::now();
    greedy.api().post("/v1/events/batch", &batch(100)).expect(202);
    other.api().post("/v1/events/batch", &batch(100)).expect(202);
    app.wait_for("delivered", 100);
    assert!(began.elapsed() < 3 * PROMPT, "{:?}", began.elapsed());
}
