//! Replays: many deliveries sent again, and what became of each.
use callout::models::projects::members::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::nodes;
use crate::support::people;
use crate::support::problems::problem;
use crate::support::receiver::{self, Behaviour, Received, Receiver};

const TYPE: &str = "customer.rewarded";

/// A receiver that got so many deliveries, of which the table says that they failed: no receiver is slowed for them.
fn failed(count: usize) -> (App, Project, Receiver) {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    // Each in a millisecond of its own, so that their order is known.
    for n in 0..count {
        project.event(TYPE, json!({ "n": n }));
        app.clock.advance(Duration::milliseconds(1));
    }
    app.wait_for("delivered", i64::try_from(count).expect("few"));
    app.db.execute("update deliveries set status = 4");
    (app, project, receiver)
}

fn replay(project: &Project, body: Value) -> String {
    let made = project.api().post("/v1/replays", &body).expect(202).json();
    made["id"].as_str().expect("an id").to_owned()
}

fn told(project: &Project, id: &str) -> Value {
    project.api().get(&format!("/v1/replays/{id}")).expect(200).json()
}

fn switch(project: &Project, id: &str, how: &str) -> Value {
    project.api().post(&format!("/v1/replays/{id}/{how}"), &json!({})).expect(200).json()
}

#[track_caller]
fn until(app: &App, project: &Project, id: &str, status: &str) -> Value {
    app.wait_until(&format!("the replay is {status}"), |_| told(project, id)["status"] == status);
    told(project, id)
}

fn webhook_ids(received: &[Received]) -> Vec<String> {
    let id = |one: &Received| one.header("webhook-id").expect("an id").to_owned();
    received.iter().map(id).collect()
}

#[test]
fn everything_that_failed_is_sent_again_once_with_the_same_webhook_id() {
    let (app, project, receiver) = failed(30);
    let before = webhook_ids(&receiver::received(&receiver, 30));
    let counting = json!({ "filter": { "status": ["failed"] }, "count_only": true });
    let counted = project.api().post("/v1/replays", &counting).expect(200).json();
    assert_eq!(counted, json!({ "matched": 30, "matched_more": false, "delivered": 0, "under_way": 0 }));
    let id = replay(&project, json!({ "filter": { "status": ["failed"] } }));
    let done = until(&app, &project, &id, "done");
    assert_eq!((&done["total"], &done["delivered"], &done["waiting"]), (&json!(30), &json!(30), &json!(0)));
    app.dispatch_until_idle();
    let (mut first, mut again) = (before, webhook_ids(&receiver.received())[30..].to_vec());
    first.sort_unstable();
    again.sort_unstable();
    assert_eq!(again, first);
    let items = project.api().get(&format!("/v1/replays/{id}/items?limit=20")).expect(200).json();
    assert_eq!(items["data"].as_array().map(Vec::len), Some(20));
    assert!(items["data"].as_array().expect("items").iter().all(|item| item["state"] == "delivered"));
    let cursor = items["next_cursor"].as_str().expect("a cursor");
    let rest = project.api().get(&format!("/v1/replays/{id}/items?cursor={cursor}")).expect(200).json();
    assert_eq!((rest["data"].as_array().map(Vec::len), &rest["next_cursor"]), (Some(10), &Value::Null));
}

#[test]
fn what_was_delivered_since_is_left_out_unless_it_is_asked_for() {
    let (app, project, receiver) = failed(3);
    let one = project.deliveries()[1]["id"].as_str().expect("an id").to_owned();
    let all = project.deliveries().iter().map(|delivery| delivery["id"].clone()).collect::<Vec<_>>();
    project.api().post(&format!("/v1/deliveries/{one}/resend"), &json!({})).expect(202);
    app.wait_for("delivered", 1);
    let id = replay(&project, json!({ "delivery_ids": all }));
    let done = until(&app, &project, &id, "done");
    assert_eq!((&done["delivered"], &done["skipped"]["delivered"]), (&json!(2), &json!(1)), "{done}");
    let left =
        project.api().get(&format!("/v1/replays/{id}/items?state=skipped_delivered")).expect(200).json();
    assert_eq!(left["data"][0]["delivery_id"], one.as_str());
    assert_eq!(receiver.count(), 3 + 3);
    // Who asks for what is delivered wants it.
    let id = replay(&project, json!({ "filter": { "status": "delivered" } }));
    assert_eq!(until(&app, &project, &id, "done")["delivered"], 3);
    assert_eq!(receiver.count(), 3 + 3 + 3);
}

#[test]
fn what_cannot_be_sent_is_left_out_with_the_reason() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::status(500)));
    let project = factory::project(&app, "Shop");
    let path = |webhook: &Value| format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"));
    let make = |name: &str| project.webhook(&receiver.url("/"), json!({ "name": name, "retries": "none" }));
    let (_on, off, deleted) = (make("on"), make("off"), make("deleted"));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 3);
    project.api().patch(&path(&off), &json!({ "active": false })).expect(200);
    project.api().delete(&path(&deleted)).expect(204);
    receiver.set(Behaviour::default());
    let id = replay(&project, json!({ "filter": { "status": ["failed"] } }));
    let done = until(&app, &project, &id, "done");
    let skipped = json!({
        "delivered": 0, "webhook_off": 1, "webhook_deleted": 1, "not_kept": 0, "under_way": 0, "existing": 0
    });
    assert_eq!((&done["delivered"], &done["skipped"]), (&json!(1), &skipped));
}

#[test]
fn a_replay_waits_for_the_master_switch_and_can_be_paused_resumed_and_cancelled() {
    let (app, project, receiver) = failed(5);
    let switch_all = |on: bool| {
        project.api().patch("/v1/project", &json!({ "webhooks_enabled": on })).expect(200);
    };
    switch_all(false);
    let filter = json!({ "status": ["failed"] });
    let [first, second] = [(); 2].map(|()| replay(&project, json!({ "filter": filter })));
    for id in [&first, &second] {
        app.wait_until("it is counted", |_| told(&project, id)["counting"] == false);
        assert_eq!(switch(&project, id, "pause")["status"], "paused");
        assert_eq!(switch(&project, id, "pause")["status"], "paused");
    }
    switch_all(true);
    assert_eq!(switch(&project, &first, "cancel")["status"], "cancelled");
    for how in ["resume", "pause"] {
        problem(&project.api().post(&format!("/v1/replays/{first}/{how}"), &json!({})), 409);
    }
    assert_eq!((receiver.count(), &told(&project, &second)["waiting"]), (5, &json!(5)));
    switch(&project, &second, "resume");
    assert_eq!(until(&app, &project, &second, "done")["delivered"], 5);
    assert_eq!((receiver.count(), &told(&project, &first)["waiting"]), (10, &json!(5)));
    problem(&project.api().post(&format!("/v1/replays/{second}/cancel"), &json!({})), 409);
}

#[test]
fn a_replay_goes_on_after_a_restart_and_on_another_node_and_sends_nothing_twice() {
    let (mut app, project, receiver) = failed(60);
    let id = replay(&project, json!({ "filter": { "status": ["failed"] }, "rate_per_s": 10 }));
    // The clock stands: some go, and the rest waits for it.
    app.wait_until("it has begun", |_| told(&project, &id)["delivered"] == 1);
    app.restart();
    let project = project.again(&app);
    assert_eq!(told(&project, &id)["status"], "running");
    let _other = nodes::beside(&app);
    for _ in 0..60 {
        app.advance(Duration::milliseconds(200));
        app.dispatch_until_idle();
        std::thread::yield_now();
    }
    app.wait_until("it is done", |app| {
        app.advance(Duration::milliseconds(100));
        told(&project, &id)["status"] == "done"
    });
    assert_eq!(told(&project, &id)["delivered"], 60);
    let mut again = webhook_ids(&receiver.received())[60..].to_vec();
    again.sort_unstable();
    again.dedup();
    assert_eq!((again.len(), receiver.count()), (60, 120));
}

#[test]
fn a_replay_that_mostly_fails_stops_by_itself_and_can_be_resumed() {
    let (app, project, receiver) = failed(100);
    receiver.set(Behaviour::status(500));
    let body = json!({ "filter": { "status": ["failed"] }, "rate_per_s": 10, "stop_at_failure_percent": 20 });
    let id = replay(&project, body);
    // A receiver that fails so often is called in turns, which the clock lets out, as it does the rate.
    let until = |status: &str| {
        app.wait_until(&format!("the replay is {status}"), |app| {
            app.advance(Duration::milliseconds(500));
            told(&project, &id)["status"] == status
        });
        told(&project, &id)
    };
    let stopped = until("stopped");
    let tried = stopped["failed"].as_i64().expect("a number");
    assert!((20..100).contains(&tried), "{stopped}");
    receiver.set(Behaviour::default());
    assert_eq!(switch(&project, &id, "resume")["status"], "running");
    let done = until("done");
    let results = ["delivered", "failed"].map(|state| done[state].as_i64().expect("a number"));
    assert!(results.iter().sum::<i64>() == 100 && results[1] < 60, "{done}");
}

#[test]
fn what_is_asked_for_wrongly_is_told_field_by_field() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    for (body, pointer) in [
        (json!({}), "/filter"),
        (json!({ "filter": {} }), "/filter"),
        (json!({ "filter": [] }), "/filter"),
        (json!({ "filter": { "status": ["lost"] } }), "/filter/status"),
        (json!({ "filter": { "colour": "red" } }), "/filter/colour"),
        (json!({ "filter": { "since": "yesterday" } }), "/filter/since"),
        (json!({ "filter": { "test": "maybe" } }), "/filter/test"),
        (json!({ "filter": { "status": "failed" }, "rate_per_s": 1001 }), "/rate_per_s"),
        (
            json!({ "filter": { "status": "failed" }, "stop_at_failure_percent": 0 }),
            "/stop_at_failure_percent",
        ),
        (json!({ "filter": { "status": "failed" }, "order": "random" }), "/order"),
        (json!({ "filter": { "status": "failed" }, "colour": "red" }), "/colour"),
        (json!({ "delivery_ids": [] }), "/delivery_ids"),
        (json!({ "delivery_ids": ["wh_1"] }), "/delivery_ids/0"),
    ] {
        let told = problem(&project.api().post("/v1/replays", &body), 422);
        assert_eq!(told["errors"][0]["pointer"], pointer, "{body}: {told}");
    }
}

#[test]
fn another_projects_deliveries_and_replays_are_out_of_reach() {
    let (app, project, receiver) = failed(2);
    let other = factory::project(&app, "Other");
    let id = replay(&project, json!({ "filter": { "event_type": "no.such.type" } }));
    for call in ["", "/items"] {
        problem(&other.api().get(&format!("/v1/replays/{id}{call}")), 404);
    }
    for call in ["/pause", "/resume", "/cancel"] {
        problem(&other.api().post(&format!("/v1/replays/{id}{call}"), &json!({})), 404);
    }
    let named: Vec<Value> = project.deliveries().iter().map(|one| one["id"].clone()).collect();
    let foreign = replay(&other, json!({ "delivery_ids": named }));
    assert_eq!(until(&app, &other, &foreign, "done")["skipped"]["not_kept"], 2);
    assert_eq!(receiver.count(), 2);
    assert_eq!(other.api().get("/v1/replays").expect(200).json()["data"].as_array().map(Vec::len), Some(1));
    let viewer = people::member(&app, project.id, Role::Viewer);
    assert_eq!(viewer.get(&format!("/p/{}/replays", project.id)).status, 403);
}
