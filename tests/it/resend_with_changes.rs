//! A delivery again, to another webhook or with edited data: by a program.
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";
const REASON: &str = "The amount was wrong.";

struct Stage {
    app: App,
    project: Project,
    loyalty: (Value, Receiver),
    /// Takes no event of the type.
    lake: (Value, Receiver),
    /// Takes everything.
    all: (Value, Receiver),
    /// The delivery to the first.
    delivery: Value,
}

fn started() -> Stage {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let webhook = |name: &str, settings: Value| {
        let receiver = receiver::start();
        let mut settings = settings;
        settings["name"] = name.into();
        (project.webhook(&receiver.url("/"), settings), receiver)
    };
    let loyalty = webhook("Loyalty", json!({}));
    let lake = webhook("Lake", json!({ "events": ["voucher.created"], "body": "flat" }));
    let all = webhook("All", json!({ "all_events": true, "events": [] }));
    let posted = json!({
        "type": TYPE, "id": "order-1", "entity_id": "cust_1", "group_id": "order-1", "data": { "amount": 10, "id": 7 }
    });
    project.post_event(&posted).expect(202);
    app.wait_for("delivered", 2);
    let deliveries = project.deliveries();
    let is_first = |one: &&Value| one["webhook_id"] == loyalty.0["id"];
    let delivery = deliveries.iter().find(is_first).expect("one").clone();
    Stage { delivery, app, project, loyalty, lake, all }
}

impl Stage {
    fn path(&self) -> String {
        format!("/v1/deliveries/{}/resend", text(&self.delivery["id"]))
    }

    fn resend(&self, changes: Value) -> Value {
        let sent = self.project.api().post(&self.path(), &changes).expect(202).json();
        self.app.dispatch_until_idle();
        sent
    }

    fn original(&self) -> Value {
        self.project.delivery(text(&self.delivery["id"]))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn body(received: &receiver::Received) -> Value {
    serde_json::from_slice(&received.body).expect("JSON")
}

#[test]
fn edited_data_are_an_event_of_their_own_that_only_the_chosen_webhook_gets() {
    let stage = started();
    let before = stage.original();
    let sent = stage.resend(json!({ "data": { "amount": 9, "id": 7 }, "reason": REASON }));
    assert_ne!(sent["id"], stage.delivery["id"]);
    assert_ne!(sent["event_id"], stage.delivery["event_id"]);
    assert_eq!((&sent["webhook_id"], &sent["event_type"]), (&stage.loyalty.0["id"], &json!(TYPE)));
    let counts = [&stage.loyalty, &stage.lake, &stage.all].map(|(_, receiver)| receiver.count());
    assert_eq!(counts, [2, 0, 1], "whatever the others subscribe to");
    let got = &stage.loyalty.1.received()[1];
    let (first, again) = (body(&stage.loyalty.1.received()[0]), body(got));
    assert_eq!(got.header("webhook-id"), sent["id"].as_str());
    assert_eq!((&again["id"], &again["event"]["id"]), (&sent["id"], &sent["event_id"]));
    assert_eq!(again["data"], json!({ "amount": 9, "id": 7 }));
    for same in ["created_at", "type", "source"] {
        assert_eq!(again[same], first[same], "{same}");
    }
    for same in ["type", "entity_id", "group_id", "created_at"] {
        assert_eq!(again["event"][same], first["event"][same], "{same}");
    }

    // The original is as it was, and both are marked.
    let after = stage.original();
    for same in ["status", "attempt_count", "body", "attempts", "event_id"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let mark = &after["resends"][0];
    assert_eq!((&mark["delivery_id"], &mark["edited"]), (&sent["id"], &json!(true)));
    assert_eq!((&mark["reason"], &mark["by"]["name"]), (&json!(REASON), &json!("all")));
    assert_eq!((&after["resent_from"], &mark["by"]["type"]), (&Value::Null, &json!("key")));
    let copy = stage.project.delivery(text(&sent["id"]));
    assert_eq!(copy["status"], "delivered");
    assert_eq!(copy["resent_from"], sent["resent_from"]);
    assert_eq!(copy["resent_from"]["delivery_id"], stage.delivery["id"]);
    let event = |id: &Value| stage.project.api().get(&format!("/v1/events/{}", text(id))).expect(200).json();
    let original = event(&stage.delivery["event_id"]);
    assert_eq!(original["data"], json!({ "amount": 10, "id": 7 }));
    assert_eq!(original["resends"][0]["event_id"], sent["event_id"]);
    let copied = event(&sent["event_id"]);
    assert_eq!(copied["resent_from"]["event_id"], stage.delivery["event_id"]);
    // It has no id of the caller's, and nobody is told to have missed it.
    assert_eq!((&copied["external_id"], &copied["not_delivered_to"]), (&Value::Null, &json!([])));
    let known = json!({ "type": TYPE, "id": "order-1", "data": {} });
    assert_eq!(
        stage.project.post_event(&known).expect(200).json()["id"],
        stage.delivery["event_id"],
        "the caller's id stays the original's"
    );
}

#[test]
fn another_webhook_gets_the_same_event_in_its_own_format_whatever_it_subscribes_to() {
    let stage = started();
    let changes = json!({ "webhook_id": stage.lake.0["id"], "reason": REASON });
    let sent = stage.resend(changes.clone());
    assert_eq!(sent["event_id"], stage.delivery["event_id"]);
    assert_eq!(body(&receiver::received(&stage.lake.1, 1)[0]), json!({ "amount": 10, "id": 7 }));
    assert_eq!((stage.loyalty.1.count(), stage.all.1.count()), (1, 1));
    // There is one delivery for each pair: it is sent again.
    stage.app.advance(time::Duration::SECOND);
    let again = stage.resend(changes);
    assert_eq!((&again["id"], stage.lake.1.count()), (&sent["id"], 2));
    let copy = stage.project.delivery(text(&sent["id"]));
    assert_eq!((&copy["attempt_count"], &copy["resent_from"]["edited"]), (&json!(2), &json!(false)));
    assert_eq!(stage.original()["resends"].as_array().map(Vec::len), Some(2));
    // The same data, written otherwise, are no edit.
    stage.app.advance(time::Duration::SECOND);
    let same = json!({ "data": { "amount": 10.0, "id": 7.0 }, "reason": REASON });
    assert_eq!(stage.resend(same)["id"], stage.delivery["id"]);
}

#[test]
fn a_change_needs_a_reason_and_sound_data_and_a_webhook_that_can_be_called() {
    let stage = started();
    let refused = |changes: Value, status: u16| {
        let told = stage.project.api().post(&stage.path(), &changes).expect(status).json();
        told["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned()
    };
    let data = json!({ "amount": 9 });
    assert_eq!(refused(json!({ "data": data }), 422), "/reason");
    assert_eq!(refused(json!({ "data": data, "reason": "oops" }), 422), "/reason");
    assert_eq!(refused(json!({ "data": data, "reason": "x".repeat(501) }), 422), "/reason");
    assert_eq!(refused(json!({ "data": [1], "reason": REASON }), 422), "/data");
    assert_eq!(refused(json!({ "webhook_id": "wh_1", "reason": REASON }), 422), "/webhook_id");
    assert_eq!(refused(json!({ "why": REASON }), 422), "/why");
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    let deep: Value = serde_json::from_str(&deep).expect("JSON");
    assert_eq!(refused(json!({ "data": { "deep": deep }, "reason": REASON }), 422), "/data");
    let large = json!({ "data": { "x": "x".repeat(256 * 1024) }, "reason": REASON });
    refused(large, 413);
    // Of another project.
    let other = factory::project(&stage.app, "Other");
    let theirs = other.webhook(&stage.lake.1.url("/"), json!({}));
    assert_eq!(refused(json!({ "webhook_id": theirs["id"], "reason": REASON }), 422), "/webhook_id");
    other.api().post(&stage.path(), &json!({ "data": data, "reason": REASON })).expect(404);
    // Off.
    let lake = format!("/v1/webhooks/{}", text(&stage.lake.0["id"]));
    stage.project.api().patch(&lake, &json!({ "active": false })).expect(200);
    refused(json!({ "webhook_id": stage.lake.0["id"], "data": data, "reason": REASON }), 409);
    stage.project.api().patch("/v1/project", &json!({ "allowed_hosts": ["shop.example"] })).expect(200);
    assert_eq!(
        refused(json!({ "webhook_id": stage.all.0["id"], "data": data, "reason": REASON }), 422),
        "/webhook_id"
    );
    stage.app.dispatch_until_idle();
    assert_eq!([&stage.loyalty.1, &stage.lake.1, &stage.all.1].map(Receiver::count), [1, 0, 1]);
    assert_eq!((stage.app.db.count("events"), stage.app.db.count("resends")), (1, 0));
}

#[test]
fn without_a_body_it_is_sent_again_as_it_was_and_a_copy_of_a_test_is_a_test() {
    let stage = started();
    let sent = stage.resend(json!({}));
    assert_eq!((&sent["id"], sent.get("resent_from")), (&stage.delivery["id"], None));
    let tested = format!("/v1/webhooks/{}/test", text(&stage.loyalty.0["id"]));
    let tested = stage.project.api().post(&tested, &json!({ "data": { "a": 1 } })).expect(200).json();
    let path = format!("/v1/deliveries/{}/resend", text(&tested["delivery_id"]));
    let changes = json!({ "data": { "a": 2 }, "reason": REASON });
    let sent = stage.project.api().post(&path, &changes).expect(202).json();
    assert_eq!(sent["test"], true);
    stage.app.dispatch_until_idle();
    let event = format!("/v1/events/{}", text(&sent["event_id"]));
    assert_eq!(stage.project.api().get(&event).expect(200).json()["test"], true);
}

#[test]
fn what_was_sent_with_changes_is_remembered_as_long_as_either_delivery_is_kept() {
    let stage = started();
    stage.resend(json!({ "data": {}, "reason": REASON }));
    let kept = || stage.app.db.count("resends");
    let drop_behind = |days: i64| {
        let now = stage.app.clock.now() + time::Duration::days(days);
        callout::models::resends::drop_behind(&mut stage.app.db.conn(), time::Duration::days(30), now)
            .expect("an answer")
    };
    assert_eq!((drop_behind(40), kept()), (0, 1), "both are there");
    stage.app.db.execute(&format!(
        "delete from deliveries where id = '{}'",
        text(&stage.delivery["id"]).trim_start_matches("whs_")
    ));
    assert_eq!((drop_behind(40), kept()), (0, 1), "the copy is there");
    stage.app.db.execute("delete from deliveries");
    assert_eq!((drop_behind(10), kept()), (0, 1));
    assert_eq!((drop_behind(40), kept()), (1, 0));
}
