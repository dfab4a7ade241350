//! Webhooks that are paused, resumed, edited or deleted, the master switch, and what that does to what waits.
use std::time::Duration as RealDuration;

use callout::base::ids::WebhookId;
use callout::models::deliveries::{self, HeldChoice};
use callout::models::projects::Role;
use diesel::Connection as _;
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::nodes;
use crate::support::people;
use crate::support::problems::problem;
use crate::support::receiver::{self, Behaviour, Misbehaviour};

const TYPE: &str = "customer.rewarded";

fn started() -> (App, Project) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project)
}

fn path_of(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

fn change(project: &Project, webhook: &Value, change: Value) -> Value {
    project.api().patch(&path_of(webhook), &change).expect(200).json()
}

fn switch_all(project: &Project, on: bool) {
    project.api().patch("/v1/project", &json!({ "webhooks_enabled": on })).expect(200);
}

#[test]
fn a_paused_webhook_receives_nothing_and_the_event_says_why() {
    let ((app, project), receiver) = (started(), receiver::start());
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let paused = change(&project, &webhook, json!({ "active": false }));
    assert_eq!((&paused["active"], &paused["disabled"]), (&json!(false), &Value::Null));
    let event = project.event(TYPE, json!({}));
    assert_eq!(event["deliveries"], 0);
    let path = format!("/v1/events/{}", event["id"].as_str().expect("an id"));
    let told = project.api().get(&path).expect(200).json();
    assert_eq!(told["deliveries"], json!([]));
    let mut reason = json!({ "webhook_id": webhook["id"], "name": webhook["name"], "reason": "paused",
        "detail": "It was paused when the event arrived.", "since": paused["off_since"] });
    assert_eq!(told["not_delivered_to"], json!([reason]));
    // What is switched on again takes what comes from then on.
    change(&project, &webhook, json!({ "active": true }));
    assert_eq!(project.event(TYPE, json!({}))["deliveries"], 1);
    app.wait_for("delivered", 1);
    assert_eq!(receiver.count(), 1);
    reason["since"] = Value::Null;
    assert_eq!(project.api().get(&path).expect(200).json()["not_delivered_to"], json!([reason]));
}

#[test]
fn an_event_says_of_every_webhook_why_it_got_nothing() {
    let ((app, project), receiver) = (started(), receiver::start());
    project.webhook(&receiver.url("/"), json!({ "name": "takes it" }));
    project.webhook(&receiver.url("/"), json!({ "name": "other type", "events": ["voucher.created"] }));
    project.webhook(&receiver.url("/"), json!({ "name": "paused", "active": false }));
    let event = project.event(TYPE, json!({}));
    app.clock.advance(Duration::SECOND);
    project.webhook(&receiver.url("/"), json!({ "name": "later" }));
    let path = format!("/v1/events/{}", event["id"].as_str().expect("an id"));
    let told = project.api().get(&path).expect(200).json();
    assert_eq!(told["deliveries"].as_array().map(Vec::len), Some(1));
    let mut reasons: Vec<_> = told["not_delivered_to"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["name"].as_str().expect("a name"), one["reason"].as_str().expect("a reason")))
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons, [("later", "created_later"), ("other type", "not_subscribed"), ("paused", "paused")]);
}

#[test]
fn what_waits_for_a_paused_webhook_is_held_and_goes_out_when_it_is_resumed() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(500)));
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    change(&project, &webhook, json!({ "active": false }));
    app.wait_for("held", 1);
    assert_eq!(project.deliveries()[0]["next_attempt_at"], Value::Null);
    app.advance(Duration::days(2));
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 1);
    receiver.set(Behaviour::default());
    change(&project, &webhook, json!({ "active": true }));
    app.wait_for("delivered", 1);
    assert_eq!(receiver.count(), 2);
}

#[test]
fn what_was_held_may_be_cancelled_instead() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(500)));
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    change(&project, &webhook, json!({ "active": false }));
    let id: WebhookId = webhook["id"].as_str().expect("an id").parse().expect("an id");
    let now = app.clock.now();
    let resumed = app.db.conn().transaction(|conn| {
        assert_eq!(deliveries::held_count(conn, project.id, id).expect("count"), 1);
        deliveries::resume_webhook(conn, project.id, id, HeldChoice::Cancel, now).expect("resume");
        Ok::<_, diesel::result::Error>(())
    });
    resumed.expect("commit");
    app.wait_for("cancelled", 1);
    project.event(TYPE, json!({}));
    receiver::received(&receiver, 2);
}

#[test]
fn pausing_also_stops_what_waits_in_memory() {
    let app = App::start_with(|config, _| config.max_in_flight_per_webhook = 1);
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({ "timeout_ms": 1_000, "retries": [60, 60] }));
    for _ in 0..5 {
        project.event(TYPE, json!({}));
    }
    receiver::received(&receiver, 1);
    change(&project, &webhook, json!({ "active": false }));
    app.wait_for("held", 4);
    // The one under way failed, and is held when its retry is due.
    app.wait_for("retrying", 1);
    app.advance(Duration::minutes(2));
    app.wait_for("held", 5);
    assert_eq!(receiver.count(), 1);
    receiver.set(Behaviour::default());
    change(&project, &webhook, json!({ "active": true }));
    app.wait_for("delivered", 5);
}

#[test]
fn the_master_switch_holds_everything_and_loses_nothing() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(500)));
    project.webhook(&receiver.url("/a"), json!({ "name": "a" }));
    let paused = project.webhook(&receiver.url("/b"), json!({ "name": "b" }));
    change(&project, &paused, json!({ "active": false }));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    switch_all(&project, false);
    assert_eq!(project.api().get("/v1/project").expect(200).json()["webhooks_enabled"], false);
    assert_eq!(project.event(TYPE, json!({}))["deliveries"], 1, "made, and held");
    app.wait_for("held", 1);
    app.advance(Duration::minutes(2));
    app.wait_for("held", 2);
    assert_eq!(receiver.count(), 1);
    receiver.set(Behaviour::default());
    switch_all(&project, true);
    app.wait_for("delivered", 2);
    assert!(receiver.received().iter().all(|received| received.path == "/a"));
}

#[test]
fn the_master_switch_stops_one_project_only() {
    let ((app, project), receiver) = (started(), receiver::start());
    let other = factory::project(&app, "Other");
    project.webhook(&receiver.url("/shop"), json!({}));
    other.webhook(&receiver.url("/other"), json!({}));
    switch_all(&project, false);
    project.event(TYPE, json!({}));
    other.event(TYPE, json!({}));
    app.wait_for("held", 1);
    app.wait_for("delivered", 1);
    assert_eq!(receiver.received()[0].path, "/other");
}

#[test]
fn what_waits_for_a_deleted_webhook_is_cancelled_and_stays_in_the_history() {
    let app = App::start_with(|config, _| config.max_in_flight_per_webhook = 1);
    let receiver = receiver::start_with(Behaviour::status(500));
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({ "timeout_ms": 1_000 }));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    receiver.set(Behaviour::misbehaving(Misbehaviour::Hang));
    project.event(TYPE, json!({}));
    project.event(TYPE, json!({}));
    receiver::received(&receiver, 2);
    project.api().delete(&path_of(&webhook)).expect(204);
    problem(&project.api().delete(&path_of(&webhook)), 404);
    problem(&project.api().get(&path_of(&webhook)), 404);
    // One waited for its retry, one in memory; the one under way fails and has no retry to wait for.
    app.wait_for("cancelled", 2);
    app.wait_for("retrying", 1);
    app.advance(Duration::minutes(2));
    app.wait_for("cancelled", 3);
    assert_eq!(receiver.count(), 2);
    for delivery in project.deliveries() {
        assert_eq!(delivery["target_url"], webhook["target_url"], "{delivery}");
        project.delivery(delivery["id"].as_str().expect("an id"));
    }
    assert_eq!(project.event(TYPE, json!({}))["deliveries"], 0);
    // Its name is free again.
    project.webhook(&receiver.url("/"), json!({ "name": webhook["name"] }));
}

#[test]
fn what_waits_goes_to_the_new_address_when_the_webhook_is_edited() {
    let app = App::start_with(|config, _| config.max_in_flight_per_webhook = 1);
    let project = factory::project(&app, "Shop");
    let (old, new) = (receiver::start_with(Behaviour::status(500)), receiver::start());
    let webhook = project.webhook(&old.url("/old"), json!({}));
    project.event(TYPE, json!({ "n": 1 }));
    app.wait_for("retrying", 1);
    old.set(Behaviour { delay: RealDuration::from_millis(500), ..Behaviour::status(500) });
    project.event(TYPE, json!({ "n": 2 }));
    project.event(TYPE, json!({ "n": 3 }));
    receiver::received(&old, 2);
    change(&project, &webhook, json!({ "target_url": new.url("/new") }));
    app.wait_for("delivered", 1);
    app.wait_for("retrying", 2);
    app.advance(Duration::minutes(2));
    app.wait_for("delivered", 3);
    assert_eq!((old.count(), new.count()), (2, 3));
    for received in new.received() {
        let body: Value = serde_json::from_slice(&received.body).expect("JSON");
        assert_eq!(body["source"]["target_url"], new.url("/new"));
    }
    for delivery in project.deliveries() {
        let attempts = project.delivery(delivery["id"].as_str().expect("an id"))["attempts"].clone();
        let urls: Vec<_> =
            attempts.as_array().expect("attempts").iter().map(|attempt| attempt["url"].clone()).collect();
        assert_eq!(urls.last(), Some(&json!(new.url("/new"))));
        assert!(urls.len() == 1 || urls[0] == old.url("/old"), "{urls:?}");
    }
}

#[test]
fn every_change_counts_from_the_next_accepted_event_on_whichever_node_takes_it() {
    let ((app, project), receiver) = (started(), receiver::start());
    let second = nodes::beside(&app);
    let webhook = project.webhook(&receiver.url("/"), json!({ "name": "first" }));
    let elsewhere = second.client().with_key(&project.token);
    let deliveries = || {
        let event = json!({ "type": TYPE, "data": {} });
        elsewhere.post("/v1/events", &event).expect(202).json()["deliveries"].clone()
    };
    assert_eq!(deliveries(), 1);
    for _ in 0..10 {
        change(&project, &webhook, json!({ "active": false }));
        assert_eq!(deliveries(), 0);
        change(&project, &webhook, json!({ "active": true, "events": ["voucher.created"] }));
        assert_eq!(deliveries(), 0);
        change(&project, &webhook, json!({ "all_events": true }));
        assert_eq!(deliveries(), 1);
        let other = project.webhook(&receiver.url("/"), json!({ "name": "second" }));
        assert_eq!(deliveries(), 2);
        project.api().delete(&path_of(&other)).expect(204);
        assert_eq!(deliveries(), 1);
        change(&project, &webhook, json!({ "events": [TYPE], "all_events": false }));
    }
    switch_all(&project, false);
    deliveries();
    app.wait_for("held", 1);
}

#[test]
fn two_nodes_send_every_delivery_once() {
    let ((app, project), receiver) = (started(), receiver::start());
    let second = nodes::beside(&app);
    project.webhook(&receiver.url("/"), json!({}));
    let batch: Value = (0..50).map(|n| json!({ "type": TYPE, "data": { "n": n } })).collect();
    std::thread::scope(|scope| {
        for node in [&app, &second] {
            let (address, token, batch) = (node.address, &project.token, &batch);
            scope.spawn(move || {
                let client = crate::support::client::Client::new(address).with_key(token);
                for _ in 0..4 {
                    client.post("/v1/events/batch", batch).expect(202);
                }
            });
        }
    });
    app.wait_for("delivered", 400);
    assert_eq!(receiver.count(), 400);
    assert_eq!(app.db.count("attempts"), 400);
}

#[test]
fn a_change_on_one_node_reaches_what_another_has_in_memory() {
    let app = App::start_with(|config, _| config.max_in_flight_per_webhook = 1);
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    for _ in 0..5 {
        project.event(TYPE, json!({}));
    }
    receiver::received(&receiver, 1);
    let second = nodes::beside(&app);
    let client = crate::support::client::Client::new(second.address).with_key(&project.token);
    client.patch(&path_of(&webhook), &json!({ "active": false })).expect(200);
    // Only the second node is woken meanwhile: the first one looks by itself.
    second.wait_until("the first one holds them", |_| app.db.count("deliveries where status = 5") == 4);
    assert_eq!(receiver.count(), 1);
}

#[test]
fn a_node_whose_rows_were_forgotten_makes_them_anew_and_accepts_events() {
    let ((app, project), receiver) = (started(), receiver::start());
    project.webhook(&receiver.url("/"), json!({}));
    app.db.execute("delete from hand_overs");
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
}

#[test]
fn what_of_an_event_cannot_be_read_any_more_is_not_sent() {
    let ((app, project), receiver) = (started(), receiver::start());
    project.webhook(&receiver.url("/"), json!({}));
    switch_all(&project, false);
    project.event(TYPE, json!({ "object": "voucher" }));
    // A packed text of 255 bytes, cut short.
    app.db.execute("update events set data = '\\x01ff00000010'");
    switch_all(&project, true);
    app.wait_for("cancelled", 1);
    assert_eq!(receiver.count(), 0);
}

#[test]
fn nothing_is_resent_while_all_webhooks_are_switched_off() {
    let ((app, project), receiver) = (started(), receiver::start());
    let support = people::member(&app, project.id, Role::Support);
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    let delivery = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    let page = format!("/p/{}/history/{delivery}", project.id);
    let resend = support.get(&page).expect(200).page().form("main form[action$='/resend']");
    project.api().patch("/v1/project", &json!({ "webhooks_enabled": false })).expect(200);
    let shown = support.get(&page).expect(200).page();
    assert!(shown.has("main form button[disabled]"));
    assert!(shown.text("#resend-hindrance").contains("switched off"), "{}", shown.text(".standing"));
    let answer = support.submit(&page, &resend).expect(303);
    let told = support.follow(&answer).expect(200).page();
    assert!(told.text(".notice-bad[role=alert]:not([hidden])").contains("switched off"));
    let refused = problem(&project.api().post(&format!("/v1/deliveries/{delivery}/resend"), &json!({})), 409);
    assert!(refused["detail"].as_str().is_some_and(|why| why.contains("switched off")), "{refused}");
    app.wait_for("delivered", 1);
    assert_eq!(receiver.count(), 1);
}
