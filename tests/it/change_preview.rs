//! Before events and filter of a webhook are saved: what they would have sent of the last events.
use std::time::Instant;

use callout::models::events;
use callout::models::webhooks::Settings;
use callout::rules::filter::Filter;
use serde_json::{Value, json};

use crate::support::factory::{self, Project};
use crate::support::people;

const TYPE: &str = "customer.rewarded";
const OTHER: &str = "voucher.created";
const URL: &str = "http://127.0.0.1:9/";

fn post(project: &Project, count: usize, event_type: &str, data: impl Fn(usize) -> Value) {
    let events: Vec<Value> = (0..count).map(|n| json!({ "type": event_type, "data": data(n) })).collect();
    project.api().post("/v1/events/batch", &json!(events)).expect(202);
}

fn id(webhook: &Value) -> &str {
    webhook["id"].as_str().expect("an id")
}

fn settings(types: &[&str], filter: &str) -> Settings {
    Settings {
        events: types.iter().map(|name| (*name).to_owned()).collect(),
        filter: Filter::from_text(filter).expect("a filter"),
        ..Settings::default()
    }
}

#[test]
fn a_draft_is_compared_with_what_is_saved_over_the_last_events() {
    let (_app, project, admin, path) = people::at_webhooks();
    let webhook = project.webhook(URL, json!({ "active": false }));
    post(&project, 30, TYPE, |n| json!({ "n": n }));
    post(&project, 20, OTHER, |_| json!({}));
    let preview = format!("{path}/preview");
    let htmx = admin.by_htmx();
    let ask = |fields: &[(&str, &str)]| htmx.post_form(&preview, fields);
    let types = [("which", "chosen"), ("events", TYPE), ("events", OTHER)];
    let saved = ("webhook", id(&webhook));
    let told = |fields: &[(&str, &str)]| ask(fields).expect(200).page().text(".preview-words");
    let with_saved: Vec<_> = types.into_iter().chain([saved]).collect();
    assert_eq!(told(&with_saved), "Of the last 50 events this would have sent 50 instead of 30.");
    assert_eq!(
        told(&types),
        "Of the last 50 events this would have sent 50.",
        "a new one has nothing to compare"
    );
    let filtered: Vec<_> = with_saved.iter().copied().chain([("filter", "data.n >= 25")]).collect();
    assert_eq!(told(&filtered), "Of the last 50 events this would have sent 5 instead of 30.");
    let same = [("which", "chosen"), ("events", TYPE), saved];
    assert_eq!(told(&same), "Of the last 50 events this would have sent 30, as many as the saved settings.");
    let saved_still = project.api().get(&format!("/v1/webhooks/{}", id(&webhook))).expect(200).json();
    assert_eq!(
        (&saved_still["filter"], &saved_still["events"]),
        (&Value::Null, &json!([TYPE])),
        "nothing is saved"
    );
}

#[test]
fn with_a_filter_the_newest_events_are_shown_with_the_condition_that_failed() {
    let (app, project, admin, path) = people::at_webhooks();
    for amount in 0..12 {
        post(&project, 1, TYPE, |_| json!({ "amount": amount }));
        app.advance(time::Duration::seconds(1));
    }
    post(&project, 1, TYPE, |_| json!({}));
    app.advance(time::Duration::seconds(1));
    post(&project, 3, OTHER, |_| json!({}));
    let fields = [("which", "chosen"), ("events", TYPE), ("filter", "data.amount >= 11\ndata.amount != 3")];
    let page = admin.post_form(&format!("{path}/preview"), &fields).expect(200).page();
    assert_eq!(page.count(".preview-rows li"), 10);
    let verdicts = page.texts(".preview-rows .state");
    assert_eq!(verdicts[..3], ["Not taken", "Taken", "Not taken"]);
    let why = page.texts(".preview-why");
    assert_eq!(why[0], "data.amount >= 11: there is nothing");
    assert_eq!(why[1], "data.amount >= 11: found 10");
    let link = page.attribute(".preview-rows a", "href").expect("a link");
    admin.get(&link).expect(200);
}

#[test]
fn tests_are_not_looked_at_and_without_events_nothing_is_claimed() {
    let (_app, project, admin, path) = people::at_webhooks();
    let webhook = project.webhook(URL, json!({}));
    project.api().post(&format!("/v1/webhooks/{}/test", id(&webhook)), &json!({})).expect(200);
    let page = admin.by_htmx().post_form(&format!("{path}/preview"), &[("which", "all")]).expect(200).page();
    assert!(page.text(".preview-words").starts_with("No event has arrived yet"));
}

#[test]
fn without_scripts_the_form_comes_back_as_it_was_typed_with_the_preview_in_it() {
    let (_app, project, admin, path) = people::at_webhooks();
    let webhook = project.webhook(URL, json!({ "filter": [{ "path": "data.n", "max": 4 }] }));
    post(&project, 10, TYPE, |n| json!({ "n": n }));
    let edit = admin.get(&format!("{path}/{}", id(&webhook))).expect(200).page();
    assert_eq!(edit.text("#filter").trim(), "data.n <= 4");
    let action = edit.attribute(".preview-ask", "formaction").expect("an address");
    assert_eq!(action, format!("{path}/preview"));
    let fields = [("which", "all"), ("name", "Typed"), ("filter", "data.n <= 1"), ("webhook", id(&webhook))];
    let page = admin.post_form(&action, &fields).expect(200).page();
    assert_eq!(page.attribute("#name", "value").as_deref(), Some("Typed"));
    assert_eq!(page.text("#filter").trim(), "data.n <= 1");
    assert_eq!(page.text(".preview-words"), "Of the last 10 events this would have sent 2 instead of 5.");
    let new = admin.post_form(&action, &fields[..3]).expect(200).page();
    assert_eq!(new.text(".preview-words"), "Of the last 10 events this would have sent 2.");
}

#[test]
fn a_mistake_in_the_filter_is_told_with_its_line_in_the_preview_and_when_saving() {
    let (_app, project, admin, path) = people::at_webhooks();
    let webhook = project.webhook(URL, json!({}));
    let fields = [("which", "all"), ("filter", "data.a = 1\ndata.b > 2")];
    let message = "Line 2: Write >= instead of >: limits are part of their range.";
    let preview = admin.post_form(&format!("{path}/preview"), &fields).expect(422).page();
    assert_eq!(preview.text(".preview-words"), message);
    let page = format!("{path}/{}", id(&webhook));
    let form = admin.get(&page).expect(200).page().form("#settings");
    let refused = admin.submit(&page, &form.clone().with("filter", fields[1].1)).expect(422).page();
    assert_eq!(refused.text("#filter-error"), message);
    admin.submit(&page, &form.with("filter", "data.a = 1")).expect(303);
    let saved = project.api().get(&format!("/v1/webhooks/{}", id(&webhook))).expect(200).json();
    assert_eq!(saved["filter"], json!([{ "path": "data.a", "is": 1 }]));
}

#[test]
fn another_projects_webhook_is_not_there() {
    let (app, _project, admin, path) = people::at_webhooks();
    let webhook = factory::project(&app, "Other").webhook(URL, json!({}));
    admin.post_form(&format!("{path}/preview"), &[("which", "all"), ("webhook", id(&webhook))]).expect(404);
}

#[test]
fn a_thousand_events_are_looked_at_and_no_more() {
    let (app, project, _admin, _path) = people::at_webhooks();
    let filler: String = (0..90).map(|n| format!("word{n} ")).collect();
    let lines: Vec<Value> = (0..10).map(|n| json!({ "sku": format!("A-{n}"), "amount": n * 125 })).collect();
    for n in [1, 2] {
        post(&project, 600, TYPE, |_| json!({ "lines": lines, "about": filler, "n": n }));
        app.advance(time::Duration::seconds(1));
    }
    let draft = settings(&[TYPE], "data.n >= 2");
    let stored = settings(&[TYPE], "data.n <= 1\ndata.lines[*].sku = A-9\ndata.gone missing");
    let conn = &mut app.db.conn();
    let began = Instant::now();
    let preview =
        events::preview(conn, project.id, &draft, Some(&stored), app.clock.now()).expect("a preview");
    println!("1,000 events of about 1 KiB with two filters: {:?}", began.elapsed());
    let began = Instant::now();
    events::preview(conn, project.id, &settings(&[TYPE], ""), None, app.clock.now()).expect("a preview");
    println!("1,000 events by their types alone: {:?}", began.elapsed());
    assert_eq!(preview.looked_at, events::LOOKED_AT_MAX);
    assert_eq!((preview.after, preview.before), (600, 400));
}
