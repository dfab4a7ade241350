//! From an event to the receiver and into the history.
use serde_json::json;

use crate::support::app::App;
use crate::support::factory;
use crate::support::receiver::{self, Behaviour};

#[test]
fn an_accepted_event_reaches_its_webhook_and_the_history() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/in"), json!({}));
    let accepted = project.event("customer.rewarded", json!({ "customer": { "id": "cust_1" } }));
    assert_eq!(accepted["deliveries"], 1);

    let received = receiver::received(&receiver, 1);
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/in"));
    let id = received[0].header("webhook-id").expect("an id").to_owned();
    assert_eq!(received[0].header("x-callout-event"), Some("customer.rewarded"));

    app.wait_for("delivered", 1);
    let delivery = project.delivery(&id);
    assert_eq!(delivery["status"], "delivered");
    assert_eq!(delivery["webhook_id"], webhook["id"]);
    assert_eq!(delivery["attempts"][0]["response"]["status"], 200);
}

#[test]
fn a_failed_attempt_is_repeated_when_its_time_has_come_and_not_before() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::status(503)));
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event("customer.rewarded", json!({}));
    app.wait_for("retrying", 1);
    assert_eq!(receiver.count(), 1);

    receiver.set(Behaviour::default());
    app.advance(time::Duration::seconds(50));
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 1, "the first retry is a minute later, give or take a tenth");
    app.advance(time::Duration::seconds(20));
    app.wait_for("delivered", 1);
    let ids: Vec<_> = receiver.received().iter().map(|r| r.header("webhook-id").map(str::to_owned)).collect();
    assert_eq!(ids[0], ids[1], "the same delivery");
}

#[test]
fn what_was_not_sent_before_a_stop_is_sent_after_the_start() {
    let (mut app, receiver) = (App::start(), receiver::start_with(Behaviour::status(503)));
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event("customer.rewarded", json!({}));
    app.wait_for("retrying", 1);
    app.stop();
    receiver.set(Behaviour::default());
    app.restart();
    app.advance(time::Duration::minutes(2));
    app.wait_for("delivered", 1);
}
