//! Finding events: by family, tests, and those that reached nobody, each with the reason.
use callout::models::projects::members::Role;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver;

const TYPE: &str = "customer.rewarded";

fn started() -> (App, Project, Client, String) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let support = people::member(&app, project.id, Role::Support);
    let path = format!("/p/{}/events", project.id);
    (app, project, support, path)
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

fn found(project: &Project, query: &str) -> usize {
    let answer = project.api().get(&format!("/v1/events?{query}")).expect(200).json();
    answer["data"].as_array().expect("a list").len()
}

#[test]
fn events_are_found_by_family_test_and_whether_they_reached_anybody_in_pages_and_api() {
    let (app, project, support, path) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    project.event("voucher.created", json!({}));
    project.event("voucher.deleted", json!({}));
    project.api().post(&format!("/v1/webhooks/{}/test", id(&webhook)), &json!({})).expect(200);
    app.wait_for("delivered", 2);
    for (query, count) in [
        ("event_family=voucher", 2),
        ("event_family=voucher&type=customer.rewarded", 0),
        ("reached=nobody", 2),
        ("reached=nobody&event_family=customer", 0),
        ("reached=somebody&event_family=customer", 2),
    ] {
        let page = support.get(&format!("{path}?{query}")).expect(200).page();
        assert_eq!((found(&project, query), page.count(".rows tbody tr")), (count, count), "{query}");
    }
    assert_eq!((found(&project, "test=true"), found(&project, "test=false")), (1, 3));
    assert_eq!(support.get(&format!("{path}?test=1")).expect(200).page().count(".rows tbody tr"), 1);
    for query in ["reached=x", "event_family=x", "test=x"] {
        project.api().get(&format!("/v1/events?{query}")).expect(422);
        let page = support.get(&format!("{path}?{query}")).expect(200).page();
        assert_eq!(page.count(".rows tbody tr"), 0, "{query}");
        assert!(page.text(".filter-chip").contains("not understood"), "{query}");
    }
}

#[test]
fn an_event_that_reached_nobody_says_why_in_one_line() {
    let (app, project, support, path) = started();
    let receiver = receiver::start();
    let line = || support.get(&path).expect(200).page().texts(".row-silence").remove(0);
    project.event(TYPE, json!({}));
    assert_eq!(line(), "There was no webhook yet.");
    app.clock.advance(time::Duration::SECOND);
    let till = project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    app.clock.advance(time::Duration::SECOND);
    project.event("voucher.created", json!({}));
    assert_eq!(line(), "No webhook subscribes to this type.");
    let change = |settings| {
        project.api().patch(&format!("/v1/webhooks/{}", id(&till)), &settings).expect(200);
    };
    change(json!({ "filter": [{ "path": "data.customer.tier", "is": "gold" }] }));
    app.clock.advance(time::Duration::SECOND);
    project.event(TYPE, json!({ "customer": { "tier": "tin" } }));
    assert_eq!(line(), "Till filters it out.");
    change(json!({ "active": false, "filter": null }));
    app.clock.advance(time::Duration::SECOND);
    let missed = project.event(TYPE, json!({}));
    assert_eq!(line(), "Till was paused.");
    assert_eq!(found(&project, "reached=nobody"), 4);

    let told = project.api().get(&format!("/v1/events/{}", id(&missed))).expect(200).json();
    let reason = &told["not_delivered_to"][0];
    assert_eq!(
        (&reason["reason"], &reason["detail"]),
        (&json!("paused"), &json!("It was paused when the event arrived."))
    );
    assert!(
        reason["since"].as_str().is_some_and(|since| since.starts_with("2026-11-21T12:00:0")),
        "{reason}"
    );
    let page = support.get(&format!("{path}/{}", id(&missed))).expect(200).page();
    let told = page.texts(".told").join(" ");
    assert!(told.contains("It is since"), "{told}");

    // Sent after all, it has reached somebody.
    project
        .api()
        .post(&format!("/v1/webhooks/{}/resume", id(&till)), &json!({ "missed": "send" }))
        .expect(200);
    app.advance(time::Duration::seconds(3));
    app.wait_for("delivered", 1);
    assert_eq!(line(), "Sent later.");
    assert_eq!(found(&project, "reached=nobody"), 3);
}

#[test]
fn what_is_held_says_by_what_on_the_events_page_and_in_the_api() {
    let (_app, project, support, path) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let desk = json!({ "name": "Desk", "active": false, "when_paused": "hold" });
    project.webhook(&receiver.url("/"), desk);
    project.api().patch("/v1/project", &json!({ "webhooks_enabled": false })).expect(200);
    let event = project.event(TYPE, json!({}));
    let told = project.api().get(&format!("/v1/events/{}", id(&event))).expect(200).json();
    let mut held: Vec<&Value> =
        told["deliveries"].as_array().expect("a list").iter().map(|one| &one["held_by"]).collect();
    held.sort_unstable_by_key(|word| word.to_string());
    assert_eq!(held, [&json!("all_off"), &json!("paused")]);
    let page = support.get(&format!("{path}/{}", id(&event))).expect(200).page();
    let text = page.text(".told");
    let told = page.texts(".told-row").join(" ");
    assert!(told.contains("Webhooks of this project were switched off."), "{text}");
    assert!(told.contains("Its webhook is paused."), "{text}");
}
