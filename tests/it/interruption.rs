//! Attempts that our own stop, crash or slowness cuts short: recorded, repeated at once, and at no retry's cost.
use std::time::Duration as RealDuration;

use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::nodes;
use crate::support::receiver::{self, Behaviour, Misbehaviour};

const TYPE: &str = "customer.rewarded";

/// A program that does not wait long for attempts when it stops.
fn impatient() -> App {
    App::start_with(|_, overrides| overrides.stop_grace = Some(RealDuration::from_millis(50)))
}

fn only(project: &Project) -> Value {
    let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    project.delivery(&id)
}

#[test]
fn a_stop_lets_attempts_under_way_end() {
    let mut app = App::start();
    let receiver =
        receiver::start_with(Behaviour { delay: RealDuration::from_millis(400), ..Behaviour::default() });
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    receiver::received(&receiver, 1);
    app.stop();
    assert_eq!(app.db.count("deliveries where status = 2"), 1, "delivered and recorded");
    assert_eq!(app.db.count("attempts"), 1);
}

#[test]
fn an_attempt_that_a_stop_cuts_short_is_repeated_after_the_start_and_costs_no_retry() {
    let mut app = impatient();
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "retries": "none", "timeout_ms": 30_000 }));
    project.event(TYPE, json!({}));
    receiver::received(&receiver, 1);
    app.stop();
    assert_eq!(app.db.count("deliveries where status = 1"), 0, "the claim was given back");
    assert_eq!(app.db.text("select retries_used from deliveries"), "0");
    receiver.set(Behaviour::default());
    app.restart();
    app.wait_for("delivered", 1);
    let project = project.again(&app);
    let delivery = only(&project);
    assert_eq!(delivery["attempt_count"], 2);
    assert_eq!(delivery["attempts"][0]["failure"]["kind"], "interrupted", "{delivery}");
    assert!(delivery["attempts"][0]["request"]["headers"]["webhook-id"].is_string(), "as it was sent");
    assert_eq!(delivery["attempts"][1]["failure"], Value::Null);
    let ids: Vec<_> = receiver.received().iter().map(|r| r.header("webhook-id").map(str::to_owned)).collect();
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn what_waits_in_memory_goes_back_at_a_stop_without_an_attempt() {
    let mut app = App::start_with(|config, overrides| {
        config.max_in_flight_per_webhook = 1;
        overrides.stop_grace = Some(RealDuration::from_millis(50));
    });
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "timeout_ms": 30_000 }));
    for _ in 0..5 {
        project.event(TYPE, json!({}));
    }
    receiver::received(&receiver, 1);
    app.stop();
    assert_eq!(app.db.count("deliveries where status = 0 and attempt_count = 0"), 4);
    assert_eq!(app.db.count("attempts"), 1);
    receiver.set(Behaviour::default());
    app.restart();
    app.wait_for("delivered", 5);
    assert_eq!(receiver.count(), 6);
}

#[test]
fn a_crashed_nodes_claims_are_taken_back_at_its_start_and_not_later() {
    let (mut app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let node = std::fs::read_to_string(app.parts.config.data_dir.join("node.id")).expect("the node's id");
    app.stop();
    // As a kill would have left it: claimed, the outcome never written.
    app.db.execute(&format!(
        "delete from attempts; update deliveries set status = 1, attempt_count = 0, ended_at = null, \
         claimed_by = '{}', due_at = '2026-11-21 12:00:25+00'",
        node.trim()
    ));
    app.restart();
    app.wait_for("delivered", 1);
    let project = project.again(&app);
    assert_eq!(only(&project)["attempts"][0]["failure"]["kind"], "interrupted");
    assert_eq!(receiver.count(), 2);
}

#[test]
fn another_nodes_claim_is_left_alone_until_its_lease_ends() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    app.db.execute(
        "delete from attempts; update deliveries set status = 1, attempt_count = 0, ended_at = null, \
         claimed_by = gen_random_uuid(), due_at = '2026-11-21 12:00:25+00'",
    );
    let _second = nodes::beside(&app);
    app.advance(Duration::seconds(24));
    // The claimer looked at the table after the clock had moved: an event that came later is delivered.
    project.event("voucher.created", json!({}));
    project.webhook(&receiver.url("/other"), json!({ "name": "other", "events": ["voucher.created"] }));
    project.event("voucher.created", json!({}));
    app.wait_for("delivered", 1);
    assert_eq!(app.db.count("deliveries where status = 1"), 1);
    app.advance(Duration::seconds(1));
    app.wait_for("delivered", 2);
    assert_eq!(receiver.count(), 3);
}

#[test]
fn an_attempt_that_outlives_its_lease_changes_nothing_any_more() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "retries": "none", "timeout_ms": 20_000 }));
    receiver.set(Behaviour { delay: RealDuration::from_millis(1_500), ..Behaviour::status(500) });
    project.event(TYPE, json!({}));
    receiver::received(&receiver, 1);
    receiver.set(Behaviour::default());
    app.advance(Duration::seconds(36));
    app.wait_for("delivered", 1);
    // The first attempt's answer comes in late: it is in the history, and the delivery stays delivered.
    app.wait_until("the late attempt is recorded", |app| {
        app.db.count("attempts where number = 1 and response_status = 500") == 1
    });
    let delivery = only(&project);
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    assert_eq!(delivery["attempt_count"], 2);
    assert_eq!(receiver.count(), 2);
}
