//! A webhook's filter: which events it lets through, what is told of the others, and how it is set.
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::problems::{pointers, problem};
use crate::support::receiver;

fn started() -> (App, Project) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project)
}

fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

fn untold(project: &Project, event: &Value) -> Value {
    let path = format!("/v1/events/{}", event["id"].as_str().expect("an id"));
    project.api().get(&path).expect(200).json()["not_delivered_to"].clone()
}

#[test]
fn an_event_goes_to_the_webhooks_whose_filter_takes_it_and_the_others_are_told_why() {
    let (app, project) = started();
    let receiver = receiver::start();
    let one = project.webhook(
        &receiver.url("/one"),
        json!({ "name": "one", "filter": [{ "path": "data.campaign.id", "is": "camp_1" },
            { "path": "data.amount", "min": 10 }] }),
    );
    project.webhook(&receiver.url("/all"), json!({ "name": "all" }));
    let taken = project.event("customer.rewarded", json!({ "amount": 10.0, "campaign": { "id": "camp_1" } }));
    assert_eq!(taken["deliveries"], 2);
    let other = project.event("customer.rewarded", json!({ "amount": 9, "campaign": { "id": "camp_1" } }));
    assert_eq!(other["deliveries"], 1);
    app.wait_for("delivered", 3);
    let mut paths: Vec<String> = receiver.received().iter().map(|got| got.path.clone()).collect();
    paths.sort();
    assert_eq!(paths, ["/all", "/all", "/one"]);
    assert_eq!(untold(&project, &taken), json!([]));
    let told = &untold(&project, &other)[0];
    assert_eq!(
        (&told["webhook_id"], &told["reason"], &told["since"]),
        (&one["id"], &json!("filter"), &Value::Null)
    );
}

#[test]
fn events_of_one_batch_are_each_judged_by_their_own_data() {
    let (app, project) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({ "filter": [{ "path": "data.n", "is_one_of": [1, 3] }] }));
    let batch: Vec<Value> = (0..5)
        .map(|n| json!({ "type": "customer.rewarded", "id": n.to_string(), "data": { "n": n } }))
        .collect();
    let told = project.api().post("/v1/events/batch", &json!(batch)).expect(202).json();
    let made: Vec<i64> = told["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|e| e["deliveries"].as_i64().unwrap())
        .collect();
    assert_eq!(made, [0, 1, 0, 1, 0]);
    app.wait_for("delivered", 2);
}

#[test]
fn a_filter_is_read_back_as_it_was_given_and_goes_with_null() {
    let (_app, project) = started();
    let filter = json!([
        { "path": "data.order.amount", "min": 1.0, "max": 20 },
        { "path": "data.items[*].\"a.b\"", "is_one_of": ["x", 9_007_199_254_740_993_u64, null, true] },
        { "path": "data.x", "exists": false },
    ]);
    let made = project.webhook("http://127.0.0.1:9/", json!({ "filter": filter }));
    assert_eq!(made["filter"], filter);
    let api = project.api();
    assert_eq!(api.get(&path(&made)).expect(200).json()["filter"], filter);
    let named = api.patch(&path(&made), &json!({ "name": "other" })).expect(200).json();
    assert_eq!(named["filter"], filter, "what is not named stays");
    // An answer may be sent back as it is, but for the secret.
    assert_eq!(api.patch(&path(&made), &named).expect(200).json()["filter"], filter);
    assert_eq!(api.patch(&path(&made), &json!({ "filter": null })).expect(200).json()["filter"], Value::Null);
    api.patch(&path(&made), &json!({ "filter": filter })).expect(200);
    let replaced = api.put(&path(&made), &json!({ "target_url": "http://127.0.0.1:9/", "all_events": true }));
    assert_eq!(replaced.expect(200).json()["filter"], Value::Null, "PUT sets back what is not named");
}

#[test]
fn a_change_of_the_filter_counts_for_the_next_event() {
    let (app, project) = started();
    let receiver = receiver::start();
    let made = project.webhook(&receiver.url("/"), json!({ "filter": [{ "path": "data.n", "is": 1 }] }));
    assert_eq!(project.event("customer.rewarded", json!({ "n": 2 }))["deliveries"], 0);
    project.api().patch(&path(&made), &json!({ "filter": [{ "path": "data.n", "is": 2 }] })).expect(200);
    assert_eq!(project.event("customer.rewarded", json!({ "n": 2 }))["deliveries"], 1);
    app.wait_for("delivered", 1);
}

#[test]
fn a_stored_filter_that_cannot_be_read_lets_nothing_through() {
    let (app, project) = started();
    let receiver = receiver::start();
    let made = project.webhook(&receiver.url("/"), json!({ "filter": [{ "path": "data.n", "is": 1 }] }));
    app.db.execute(
        "update webhooks set filter = '[{\"path\": \"data.n\", \"resembles\": 1}]'; \
         update projects set settings_version = settings_version + 1",
    );
    let event = project.event("customer.rewarded", json!({ "n": 1 }));
    assert_eq!(untold(&project, &event)[0]["reason"], "filter");
    let told = project.api().get(&path(&made)).expect(200).json();
    assert_eq!(told["filter"][0]["path"], "data.\"a filter that cannot be read\"");
}

#[test]
fn a_wrong_condition_is_told_with_its_place_and_what_to_do() {
    let (_app, project) = started();
    let good = json!({ "path": "data.a", "is": 1 });
    let post = |filter: Value| {
        let body = json!({ "target_url": "http://127.0.0.1:9/", "all_events": true, "filter": filter });
        problem(&project.api().post("/v1/webhooks", &body), 422)
    };
    let told = post(json!([good, good, { "path": "amount", "min": 1 }]));
    assert_eq!(pointers(&told), ["/filter/2"], "{told}");
    let message = told["errors"][0]["message"].as_str().expect("a message");
    assert_eq!(
        message,
        "Condition 3: The path \"amount\" must begin with \"data.\", such as data.campaign.id."
    );
    for filter in [json!("data.a = 1"), json!([]), json!(vec![good; 21])] {
        assert_eq!(pointers(&post(filter)), ["/filter"]);
    }
}

#[test]
fn a_paused_webhook_missed_only_what_its_filter_takes_and_a_test_does_not_look_at_it() {
    let (_app, project) = started();
    let receiver = receiver::start();
    let made = project.webhook(
        &receiver.url("/"),
        json!({ "active": false, "filter": [{ "path": "data.never", "exists": true }] }),
    );
    let event = project.event("customer.rewarded", json!({}));
    assert_eq!(untold(&project, &event)[0]["reason"], "filter");
    let told = project.api().post(&format!("{}/test", path(&made)), &json!({})).expect(200).json();
    assert_eq!(told["status"], "delivered");
}
