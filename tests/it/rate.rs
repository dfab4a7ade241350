//! A webhook with a rate gets no more requests in any second than that, from all nodes together; nobody else waits for it.
use std::collections::HashMap;
use std::sync::atomic::Ordering;

use callout::models::deliveries;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::support::app::{App, NOW};
use crate::support::factory::{self, Project};
use crate::support::nodes;
use crate::support::people;
use crate::support::receiver::{self, Behaviour, Receiver};

const TYPE: &str = "customer.rewarded";
/// From one look at the receiver to the next, and how many of them make a second.
const STEP: Duration = Duration::milliseconds(100);
const STEPS_A_SECOND: usize = 10;
const FORM: &str = "main form[novalidate]";

fn started() -> (App, Project, Receiver) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project, receiver::start())
}

fn path_of(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

fn post(project: &Project, count: usize) {
    let events = vec![json!({ "type": TYPE, "data": {} }); count];
    project.api().post("/v1/events/batch", &Value::Array(events)).expect(202);
}

/// Whether nothing more goes out at this moment, and all that went is recorded.
fn is_quiet(app: &App) -> bool {
    let now = app.clock.now();
    let lets_out = format!(
        "webhook_rates r where next_at <= '{now}' and exists (select from deliveries d where d.webhook_id = r.webhook_id \
         and status in (0, 3) and due_at <= '{now}') \
         and not exists (select from webhook_pace p where p.webhook_id = r.webhook_id and p.next_at > '{now}')"
    );
    // In this order: once nothing more is let out, nothing is claimed any more.
    app.db.count(&lets_out) == 0
        && app.parts.dispatcher.in_memory() == 0
        && !app.parts.dispatcher.has_without_row()
        && app.db.count("deliveries where status = 1") == 0
}

fn wait_until_quiet(app: &App) {
    app.wait_until("all that may go is out", is_quiet);
}

/// Lets time pass in steps, and tells how many requests came in each.
fn steps(app: &App, receiver: &Receiver, count: usize) -> Vec<u64> {
    let step = |_| {
        let before = receiver.count();
        app.advance(STEP);
        wait_until_quiet(app);
        receiver.count() - before
    };
    (0..count).map(step).collect()
}

/// The most that came within a second, wherever it begins.
fn most_in_a_second(each: &[u64]) -> u64 {
    each.windows(STEPS_A_SECOND).map(|second| second.iter().sum()).max().expect("more than a second")
}

#[test]
fn it_gets_as_much_as_its_rate_in_a_second_and_no_more_oldest_due_first() {
    let (app, project, receiver) = started();
    project.webhook(&receiver.url("/"), json!({ "rate_per_s": 5, "body": "flat" }));
    for number in 0..20 {
        project.event(TYPE, json!({ "number": number }));
        app.clock.advance(Duration::MILLISECOND);
    }
    wait_until_quiet(&app);
    assert_eq!(receiver.count(), 1, "the first goes at once");
    let each = steps(&app, &receiver, 40);
    assert_eq!(receiver.count(), 20);
    assert_eq!(each.iter().filter(|came| **came > 0).count(), 19, "one by one: {each:?}");
    assert_eq!(most_in_a_second(&each), 5, "{each:?}");
    let body = |request: &receiver::Received| serde_json::from_slice::<Value>(request.text().as_bytes());
    let numbers: Vec<Value> =
        receiver.received().iter().map(|request| body(request).expect("JSON")["number"].clone()).collect();
    assert_eq!(numbers, (0..20).map(Value::from).collect::<Vec<_>>());
}

#[test]
fn a_high_rate_is_nearly_used_up_and_not_exceeded_after_a_pause_either() {
    let (app, project, receiver) = started();
    project.webhook(&receiver.url("/"), json!({ "rate_per_s": 40 }));
    app.clock.advance(Duration::HOUR);
    post(&project, 160);
    wait_until_quiet(&app);
    let burst = receiver.count();
    assert_eq!(burst, 4, "a tenth of a second's worth");
    let each = [vec![burst], steps(&app, &receiver, 30)].concat();
    let most = most_in_a_second(&each);
    assert!((34..=40).contains(&most), "{most} in {each:?}");
    assert!(receiver.count() >= 104, "{each:?}");
}

#[test]
fn nodes_keep_to_the_rate_together() {
    let (app, project, receiver) = started();
    let other = nodes::beside(&app);
    project.webhook(&receiver.url("/"), json!({ "rate_per_s": 10 }));
    post(&project, 40);
    wait_until_quiet(&app);
    let mut each = Vec::new();
    for step in 0..45 {
        let before = receiver.count();
        app.clock.advance(STEP);
        let first = if step % 2 == 0 { &app } else { &other };
        first.wait_until("all that may go is out", |_| {
            is_quiet(&app) && other.parts.dispatcher.in_memory() == 0
        });
        each.push(receiver.count() - before);
    }
    assert_eq!(receiver.count(), 40, "{each:?}");
    assert!(most_in_a_second(&each) <= 10, "{each:?}");
    let sent = |app: &App| app.parts.dispatcher.counters().attempts.load(Ordering::Relaxed);
    assert!(sent(&app) > 0 && sent(&other) > 0, "both took part");
}

#[test]
fn claims_at_the_same_moment_let_out_no_more_than_one_would() {
    let (mut app, project, receiver) = started();
    project.webhook(&receiver.url("/"), json!({ "rate_per_s": 100 }));
    post(&project, 400);
    wait_until_quiet(&app);
    app.stop();
    let url = app.db.url();
    let mut each = Vec::new();
    for step in 1..=30 {
        let now = NOW + Duration::HOUR + STEP * step;
        let claimed: Vec<usize> = std::thread::scope(|scope| {
            let claim = |node| {
                let url = &url;
                scope.spawn(move || {
                    let mut conn = PgConnection::establish(url).expect("connect");
                    let claim = |conn: &mut PgConnection| {
                        let node = Uuid::from_u128(node);
                        deliveries::claim_in_turn(conn, node, now, 512, 64, &HashMap::new(), 1_000)
                    };
                    let look = conn.transaction(claim).expect("claim");
                    assert!(look.rated.values().all(|at| *at > now), "it knows when to look again");
                    assert!(look.rows.iter().all(|row| row.by_rate && !row.in_turn));
                    look.rows.len()
                })
            };
            let nodes: Vec<_> = (0..3).map(claim).collect();
            nodes.into_iter().map(|node| node.join().expect("no panic")).collect()
        });
        each.push(claimed.iter().sum::<usize>() as u64);
    }
    let most = most_in_a_second(&each);
    assert!((88..=100).contains(&most), "{most} in {each:?}");
}

#[test]
fn it_is_never_handed_over_and_holds_up_nobody_else() {
    let (app, project, limited) = started();
    let free = receiver::start();
    project.webhook(&limited.url("/"), json!({ "name": "limited", "rate_per_s": 1 }));
    post(&project, 100);
    let handed_over = "hand_overs where deliveries is not null";
    assert_eq!((app.db.count("deliveries"), app.db.count(handed_over)), (100, 0), "each has its row at once");
    project.webhook(&free.url("/"), json!({ "name": "free" }));
    post(&project, 200);
    app.wait_until("the other has all", |_| free.count() == 200);
    wait_until_quiet(&app);
    assert_eq!(limited.count(), 1);
    assert!(app.db.count("deliveries where status = 0 and claims = 0") >= 299 - 1, "it waits untouched");
}

#[test]
fn another_rate_holds_for_what_waits_and_without_one_all_goes() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/"), json!({ "rate_per_s": 1 }));
    let path = path_of(&webhook);
    post(&project, 60);
    wait_until_quiet(&app);
    assert_eq!(steps(&app, &receiver, 20).iter().sum::<u64>() + 1, 3);
    project.api().patch(&path, &json!({ "rate_per_s": 10 })).expect(200);
    let each = steps(&app, &receiver, 30);
    assert!((20..=30).contains(&each.iter().sum::<u64>()), "{each:?}");
    assert!(most_in_a_second(&each) <= 10, "{each:?}");
    project.api().patch(&path, &json!({ "rate_per_s": null })).expect(200);
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 60, "all at once");
    assert_eq!(app.db.count("webhook_rates"), 0);
}

#[test]
fn what_was_on_its_way_when_the_rate_was_set_goes_back_to_wait() {
    let app = App::start_with(|config, _| config.max_in_flight_per_webhook = 1);
    let project = factory::project(&app, "Shop");
    let slow = Behaviour { delay: std::time::Duration::from_millis(300), ..Behaviour::default() };
    let receiver = receiver::start_with(slow);
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    post(&project, 8);
    project.api().patch(&path_of(&webhook), &json!({ "rate_per_s": 1 })).expect(200);
    wait_until_quiet(&app);
    assert!(receiver.count() <= 4, "{} requests", receiver.count());
    let waiting = 8 - receiver.count();
    assert_eq!(app.db.count("deliveries where status = 0 and attempt_count = 0") as u64, waiting);
    assert_eq!(steps(&app, &receiver, 20).iter().sum::<u64>(), 2, "one a second from then on");
}

#[test]
fn retries_and_resends_count_too() {
    let (app, project, receiver) = started();
    receiver.set(Behaviour::status(500));
    project.webhook(&receiver.url("/"), json!({ "rate_per_s": 2, "retries": [1] }));
    post(&project, 4);
    wait_until_quiet(&app);
    let each = steps(&app, &receiver, 50);
    assert_eq!((receiver.count(), app.db.count("deliveries where status = 4")), (8, 4));
    assert!(most_in_a_second(&each) <= 2, "{each:?}");
    receiver.set(Behaviour::default());
    for delivery in project.deliveries() {
        let id = delivery["id"].as_str().expect("an id");
        project.api().post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202);
    }
    wait_until_quiet(&app);
    let each = steps(&app, &receiver, 30);
    assert!(most_in_a_second(&each) <= 2, "{each:?}");
    app.wait_for("delivered", 4);
}

#[test]
fn one_that_is_slowed_as_well_keeps_to_both() {
    let (app, project, receiver) = started();
    receiver.set(Behaviour::status(503));
    project.webhook(&receiver.url("/"), json!({ "rate_per_s": 5, "retries": [86_000] }));
    post(&project, 40);
    wait_until_quiet(&app);
    let failing = steps(&app, &receiver, 40);
    assert!(most_in_a_second(&failing) <= 5, "{failing:?}");
    assert_eq!(app.db.count("webhook_pace"), 1);
    assert!(failing[25..].iter().sum::<u64>() <= 2, "slowed: {failing:?}");
    receiver.set(Behaviour::default());
    let mending = steps(&app, &receiver, 150);
    assert!(most_in_a_second(&mending) <= 5, "{mending:?}");
    assert_eq!((app.db.count("webhook_pace"), app.parts.dispatcher.slowed()), (0, 0), "{mending:?}");
    assert_eq!(app.db.count("deliveries where status = 0"), 0, "it drained: {mending:?}");
}

#[test]
fn one_that_is_deleted_lets_go_of_what_waits() {
    let (app, project, receiver) = started();
    let webhook = project.webhook(&receiver.url("/"), json!({ "rate_per_s": 1 }));
    post(&project, 20);
    wait_until_quiet(&app);
    project.api().delete(&path_of(&webhook)).expect(204);
    app.dispatch_until_idle();
    assert_eq!((app.db.count("webhook_rates"), receiver.count()), (0, 1));
    app.wait_for("cancelled", 19);
}

#[test]
fn the_api_takes_and_tells_it_and_null_takes_it_away() {
    let (app, project, receiver) = started();
    let made = project.webhook(&receiver.url("/"), json!({ "rate_per_s": 25 }));
    let path = path_of(&made);
    let told = || project.api().get(&path).expect(200).json()["rate_per_s"].clone();
    assert_eq!((&made["rate_per_s"], told()), (&json!(25), json!(25)));
    project.api().patch(&path, &json!({ "description": "no matter" })).expect(200);
    assert_eq!((told(), app.db.count("webhook_rates")), (json!(25), 1));
    for wrong in [json!(0), json!(1_001), json!(-5), json!(2.5), json!("5"), json!(true)] {
        let refused = project.api().patch(&path, &json!({ "rate_per_s": wrong })).expect(422).json();
        assert!(refused.to_string().contains("/rate_per_s"), "{refused}");
    }
    project.api().patch(&path, &json!({ "rate_per_s": 1_000 })).expect(200);
    assert_eq!(told(), json!(1_000));
    project.api().patch(&path, &json!({ "rate_per_s": null })).expect(200);
    assert_eq!((told(), app.db.count("webhook_rates")), (Value::Null, 0));
    let whole = json!({ "target_url": receiver.url("/"), "events": [TYPE], "rate_per_s": 1 });
    project.api().put(&path, &whole).expect(200);
    assert_eq!((told(), app.db.count("webhook_rates")), (json!(1), 1));
    project.api().put(&path, &json!({ "target_url": receiver.url("/"), "events": [TYPE] })).expect(200);
    assert_eq!((told(), app.db.count("webhook_rates")), (Value::Null, 0), "what is not named is as at first");
}

#[test]
fn the_form_takes_it_and_the_webhooks_page_says_it() {
    let (app, project, receiver) = started();
    let admin = people::owner(&app);
    let list = format!("/p/{}/settings/webhooks", project.id);
    let new = admin.get(&format!("{list}/new")).expect(200).page();
    assert_eq!(new.form(FORM).value("rate_per_s"), Some(""), "no limit at first");
    let form = new.form(FORM).with("target_url", &receiver.url("/")).with("which", "all");
    for wrong in ["0", "1001", "many"] {
        let refused = admin.submit(&list, &form.clone().with("rate_per_s", wrong)).expect(422).page();
        assert!(refused.text("#rate_per_s-error").contains("1 to 1,000"), "{wrong}");
        assert_eq!(refused.form(FORM).value("rate_per_s"), Some(wrong), "as it was typed");
        assert!(!refused.has("details:not([open]) #rate_per_s"), "not hidden");
    }
    admin.submit(&list, &form.with("rate_per_s", "5")).expect(303);
    let webhook = project.api().get("/v1/webhooks").expect(200).json()["data"][0].clone();
    assert_eq!(webhook["rate_per_s"], 5);
    let page = format!("{list}/{}", webhook["id"].as_str().expect("an id"));
    let shown = admin.get(&page).expect(200).page();
    assert!(
        shown.text(".beside-state").contains("At most 5 requests a second."),
        "{}",
        shown.text(".beside-state")
    );
    assert_eq!(shown.form(FORM).value("rate_per_s"), Some("5"));
    admin.submit(&page, &shown.form(FORM).with("rate_per_s", "")).expect(303);
    let shown = admin.get(&page).expect(200).page();
    assert!(!shown.text(".beside-state").contains("At most"), "no limit, nothing said");
    assert_eq!(app.db.count("webhooks where rate_per_s is not null"), 0);
}
