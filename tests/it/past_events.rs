//! Past events to a webhook that did not get them: counted first, then sent as a replay.
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::receiver::{self, Behaviour, Receiver};

const TYPE: &str = "customer.rewarded";

struct Stage {
    app: App,
    project: Project,
    receiver: Receiver,
    webhook: Value,
}

/// So many events that nobody took, `{"n": …}`, each a second after the one before, then a webhook for their type.
fn started(events: i64, settings: Value) -> Stage {
    started_with(events, settings, Behaviour::default())
}

fn started_with(events: i64, settings: Value, behaviour: Behaviour) -> Stage {
    let (app, receiver) = (App::start(), receiver::start_with(behaviour));
    let project = factory::project(&app, "Shop");
    for n in 0..events {
        project.event(TYPE, json!({ "n": n }));
        app.advance(Duration::SECOND);
    }
    project.event("voucher.created", json!({ "n": 0 }));
    let webhook = project.webhook(&receiver.url("/"), settings);
    Stage { app, project, receiver, webhook }
}

impl Stage {
    fn asked(&self, more: Value) -> Value {
        let mut asked = json!({ "events": { "webhook_id": self.webhook["id"] } });
        for (name, value) in more.as_object().into_iter().flatten() {
            match ["event_type", "since", "until"].contains(&name.as_str()) {
                true => asked["events"][name] = value.clone(),
                false => asked[name] = value.clone(),
            }
        }
        asked
    }

    fn count(&self, more: Value) -> Value {
        let mut asked = self.asked(more);
        asked["count_only"] = true.into();
        self.project.api().post("/v1/replays", &asked).expect(200).json()
    }

    fn begin(&self, more: Value) -> Value {
        let made = self.project.api().post("/v1/replays", &self.asked(more)).expect(202).json();
        // It waits for whoever accepted an event before it was made.
        self.app.advance(Duration::seconds(3));
        made
    }

    fn replay(&self, made: &Value) -> Value {
        let id = made["id"].as_str().expect("an id");
        self.project.api().get(&format!("/v1/replays/{id}")).expect(200).json()
    }

    fn wait_for(&self, made: &Value, status: &str) -> Value {
        self.app.wait_until(&format!("it is {status}"), |_| self.replay(made)["status"] == status);
        self.replay(made)
    }

    fn numbers(&self) -> Vec<i64> {
        let number = |one: &receiver::Received| {
            let body: Value = serde_json::from_slice(&one.body).expect("JSON");
            body["data"]["n"].as_i64().expect("a number")
        };
        self.receiver.received().iter().map(number).collect()
    }
}

#[test]
fn a_new_webhook_gets_the_past_events_of_its_types_each_once() {
    let stage = started(5, json!({}));
    let counted = stage.count(json!({}));
    assert_eq!((&counted["matched"], &counted["existing"]), (&json!(5), &json!(0)), "{counted}");
    let made = stage.begin(json!({}));
    assert_eq!(made["events"]["webhook_id"], stage.webhook["id"]);
    assert_eq!(made["filter"], Value::Null);
    let done = stage.wait_for(&made, "done");
    assert_eq!((&done["total"], &done["delivered"]), (&json!(5), &json!(5)), "{done}");
    let mut numbers = stage.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    let id = done["id"].as_str().expect("an id");
    let items = stage.project.api().get(&format!("/v1/replays/{id}/items")).expect(200).json();
    let items = items["data"].as_array().expect("a list");
    assert!(items.len() == 5 && items.iter().all(|item| item["state"] == "delivered"), "{items:?}");

    // What it got already is left out, whatever became of it.
    stage
        .app
        .db
        .execute("update deliveries set status = 4 where id = (select min(id::text)::uuid from deliveries)");
    assert_eq!(stage.count(json!({}))["existing"], 5);
    let again = stage.begin(json!({}));
    let done = stage.wait_for(&again, "done");
    assert_eq!((&done["total"], stage.receiver.count()), (&json!(0), 5));
}

#[test]
fn its_filter_applies_and_tests_and_edited_copies_and_other_times_and_types_are_left_out() {
    let settings = json!({
        "events": [TYPE, "voucher.created"],
        "filter": [{ "path": "data.n", "min": 2 }],
    });
    let stage = started(6, settings);
    let other = stage.project.webhook(&stage.receiver.url("/other"), json!({ "name": "Other" }));
    let path = format!("/v1/webhooks/{}/test", other["id"].as_str().expect("an id"));
    let tested = stage.project.api().post(&path, &json!({ "data": { "n": 50 } })).expect(200).json();
    let resend = format!("/v1/deliveries/{}/resend", tested["delivery_id"].as_str().expect("an id"));
    let changes = json!({ "data": { "n": 60 }, "reason": "To see what happens" });
    stage.project.api().post(&resend, &changes).expect(202);
    stage.app.db.execute("update events set test = false where id = (select event_id from resends)");
    stage.app.dispatch_until_idle();
    let before = stage.receiver.count();
    let since = "2026-11-21T12:00:03Z";
    assert_eq!(stage.count(json!({ "since": since }))["matched"], 3);
    assert_eq!(stage.count(json!({ "event_type": "voucher.created" }))["matched"], 0);
    let done =
        stage.wait_for(&stage.begin(json!({ "since": since, "until": "2026-11-21T12:00:05Z" })), "done");
    assert_eq!((&done["total"], stage.receiver.count() - before), (&json!(2), 2), "{done}");
    let refused =
        stage.project.api().post("/v1/replays", &stage.asked(json!({ "event_type": "badge_earned" })));
    let refused = refused.expect(422).json();
    assert_eq!(refused["errors"][0]["pointer"], "/events/event_type", "{refused}");
    let nobody = json!({ "events": { "webhook_id": "wh_01983f0c5a7e7c3a9d41b6a2f0c4e511" } });
    stage.project.api().post("/v1/replays", &nobody).expect(422);
}

#[test]
fn what_is_no_longer_kept_is_counted_and_left_out() {
    let stage = started(3, json!({}));
    stage.app.db.execute("update events set data = '' where id = (select min(id::text)::uuid from events)");
    assert_eq!(stage.count(json!({}))["not_kept"], 1);
    let done = stage.wait_for(&stage.begin(json!({})), "done");
    assert_eq!((&done["delivered"], &done["skipped"]["not_kept"]), (&json!(2), &json!(1)), "{done}");
}

#[test]
fn it_goes_out_at_its_rate_in_its_order_and_lives_through_a_restart() {
    let mut stage = started(4, json!({}));
    let made = stage.begin(json!({ "rate_per_s": 1, "order": "newest_first" }));
    receiver::received(&stage.receiver, 1);
    stage.app.restart();
    stage.project = stage.project.again(&stage.app);
    for sent in 2..=4 {
        stage.app.advance(Duration::SECOND);
        receiver::received(&stage.receiver, sent);
    }
    let done = stage.wait_for(&made, "done");
    assert_eq!((stage.numbers(), &done["delivered"]), (vec![3, 2, 1, 0], &json!(4)));
}

#[test]
fn it_is_paused_resumed_and_cancelled_like_every_replay_and_stops_when_too_many_fail() {
    let stage = started(3, json!({}));
    let made = stage.begin(json!({ "rate_per_s": 1 }));
    receiver::received(&stage.receiver, 1);
    let switch = |word: &str| {
        let id = made["id"].as_str().expect("an id");
        stage.project.api().post(&format!("/v1/replays/{id}/{word}"), &json!({})).expect(200).json()
    };
    assert_eq!(switch("pause")["status"], "paused");
    stage.app.advance(Duration::seconds(5));
    assert_eq!(stage.receiver.count(), 1);
    switch("resume");
    receiver::received(&stage.receiver, 2);
    switch("cancel");
    stage.app.advance(Duration::seconds(5));
    stage.app.dispatch_until_idle();
    assert_eq!((stage.receiver.count(), stage.app.db.count("deliveries")), (2, 2));

    let settings = json!({ "retries": "none" });
    let failing = started_with(200, settings, Behaviour::status(500));
    let made = failing.begin(json!({}));
    let stopped = failing.wait_for(&made, "stopped");
    assert!(stopped["failed"].as_i64() >= Some(20), "{stopped}");
}

#[test]
fn a_replay_that_another_version_made_is_stopped_and_sends_nothing() {
    let stage = started(2, json!({}));
    let made = stage.begin(json!({}));
    stage.wait_for(&made, "done");
    let (unknown, wrong) = (r#"'{"colour":"red"}'"#, r#"'{"webhook":1}'"#);
    for (filter, events) in [(unknown, "null"), ("null", wrong)] {
        stage.app.db.execute(&format!(
            "update replays set status = 0, is_collected = false, filter = {filter}, events = {events}, look_at = '{}'",
            stage.app.clock.now()
        ));
        let stopped = stage.wait_for(&made, "stopped");
        assert_eq!(stopped["filter"], Value::Null);
    }
    assert_eq!(stage.receiver.count(), 2);
}
