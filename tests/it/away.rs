//! A database that is gone for a while, and a clock that is set: nothing is lost, nothing is stuck, and the clock makes
//! nothing go out twice.
use std::time::Duration as RealDuration;

use callout::base::postgres::PrivatePostgres;
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::arrived::{TYPE, all_arrived, nothing_is_left, two_webhooks};
use crate::support::factory::{self, Project};
use crate::support::load::Load;
use crate::support::receiver::{self, Behaviour, Misbehaviour};
use crate::support::serve;
use crate::support::wait::eventually;

#[test]
fn a_database_that_is_gone_for_half_a_minute_costs_nothing_that_was_accepted() {
    let (folder, receiver) = (tempfile::tempdir().expect("a folder"), receiver::start());
    let open = || PrivatePostgres::open(folder.path()).expect("a Postgres");
    let postgres = open();
    let url = postgres.url();
    let app = App::start_with(|config, _| config.database_url = Some(url.clone()));
    let token = serve::project_in(&app.parts.config.data_dir, &url, "Shop");
    let client = app.client().with_key(&token);
    two_webhooks(&client, &receiver);
    let load = Load::start(app.address, &token, TYPE, 4);
    load.wait_for_more(100);
    postgres.stop();
    eventually("refusals", || (load.refused().len() > 3).then_some(()));
    let not_ready = eventually("being not ready", || {
        Some(app.client().get("/readyz")).filter(|answer| answer.status != 200)
    });
    assert_eq!(not_ready.status, 503);
    assert!(not_ready.header("retry-after").is_some());
    let page = app.client().get("/sign-in").expect(503);
    assert!(page.header("retry-after").is_some());
    assert!(page.page().text("main").contains("cannot reach its database"), "{}", page.body);
    app.clock.advance(Duration::seconds(30));

    let _postgres = open();
    load.wait_for_more(100);
    for refused in load.refused() {
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    }
    let accepted = load.stop();
    all_arrived(&receiver, &accepted);
    nothing_is_left(&client);
    eventually("readiness", || (app.client().get("/readyz").status == 200).then_some(()));
    drop(app);
}

/// In which day's table each event is.
fn days(app: &App) -> Vec<String> {
    app.db.texts("select tableoid::regclass::text from events order by id")
}

fn ids(receiver: &receiver::Receiver) -> Vec<String> {
    let mut ids: Vec<_> =
        receiver.received().iter().filter_map(|r| r.header("webhook-id").map(str::to_owned)).collect();
    ids.sort();
    ids
}

fn started(settings: Value, behaviour: Behaviour) -> (App, Project, receiver::Receiver) {
    let app = App::start_with(|config, _| config.max_in_flight_per_webhook = 1);
    let (project, receiver) = (factory::project(&app, "Shop"), receiver::start_with(behaviour));
    project.webhook(&receiver.url("/"), settings);
    (app, project, receiver)
}

#[test]
fn a_clock_that_is_set_forward_makes_nothing_go_out_twice() {
    let slow = Behaviour { delay: RealDuration::from_millis(600), ..Behaviour::default() };
    let (app, project, receiver) = started(json!({}), slow);
    project.event(TYPE, json!({ "n": 1 }));
    project.event(TYPE, json!({ "n": 2 }));
    receiver::received(&receiver, 1);
    // One is being sent, one waits for its slot.
    app.advance(Duration::hours(20));
    project.event(TYPE, json!({ "n": 3 }));
    app.wait_for("delivered", 3);
    app.dispatch_until_idle();
    let ids = ids(&receiver);
    assert_eq!(ids.len(), 3, "each once");
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(app.db.count("attempts where failure_kind is not null"), 0);
    assert_eq!(days(&app), ["events_20261121", "events_20261121", "events_20261122"]);
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_waiting_and_makes_nothing_go_out_twice() {
    let hanging = Behaviour::misbehaving(Misbehaviour::Hang);
    let (app, project, receiver) = started(json!({ "timeout_ms": 2_000, "retries": [60, 60] }), hanging);
    for n in 0..12 {
        project.event(TYPE, json!({ "n": n }));
    }
    // Eight times the one slot are in memory, the rest is in the table only.
    app.wait_until("some wait in the table", |app| app.db.count("deliveries where status = 0") > 0);
    receiver::received(&receiver, 1);
    receiver.set(Behaviour::default());
    app.advance(Duration::hours(-20));
    project.event(TYPE, json!({ "n": 12 }));
    app.wait_for("delivered", 12);
    app.wait_for("retrying", 1);
    assert_eq!(receiver.count(), 13, "the one that hung, and the others once");
    assert_eq!(days(&app).iter().filter(|day| *day == "events_20261120").count(), 1);
    app.advance(Duration::minutes(2));
    app.wait_for("delivered", 13);
    let mut ids = ids(&receiver);
    assert_eq!(ids.len(), 14);
    ids.dedup();
    assert_eq!(ids.len(), 13);
    let told = project.deliveries();
    assert_eq!(told.len(), 13, "all are found by their ids");
    told.iter().for_each(|one| drop(project.delivery(one["id"].as_str().expect("an id"))));
}

#[test]
fn a_lease_that_was_given_by_a_clock_hours_ahead_ends_after_the_clock_was_set_right() {
    let (mut app, project, receiver) = started(json!({}), Behaviour::default());
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    // As a node leaves it that ended while its clock was wrong.
    let left = "delete from attempts; update deliveries set status = 1, attempt_count = 0, ended_at = null, \
                claimed_by = gen_random_uuid(), due_at = '2026-11-21 20:00:00+00'";
    app.db.execute(left);
    app.advance(Duration::hours(-1));
    app.wait_until("its lease is as long as one can be", |app| {
        app.db.count("deliveries where status = 1 and due_at <= '2026-11-21 11:00:45+00'") == 1
    });
    app.advance(Duration::seconds(46));
    app.wait_for("delivered", 1);
    // And if nobody was there to see the clock being set.
    app.stop();
    app.db.execute(left);
    app.restart();
    assert_eq!(app.db.count("deliveries where due_at <= '2026-11-21 11:01:31+00'"), 1);
    app.advance(Duration::seconds(46));
    app.wait_for("delivered", 1);
    assert_eq!(receiver.count(), 3);
}
