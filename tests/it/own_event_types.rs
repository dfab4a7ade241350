//! Event types of a project's own: added, posted, subscribed to, tested, described and taken away.
use callout::models::projects::members::Role;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::nodes;
use crate::support::people;
use crate::support::problems::problem;
use crate::support::receiver;

const PARCEL: &str = "custom.parcel.shipped";

/// Adds a type with a sample.
fn add(project: &Project, name: &str) -> Value {
    let own = json!({ "type": name, "description": "A parcel left.", "sample": { "parcel": "P-1", "weight_g": 850 } });
    project.api().post("/v1/event-types", &own).expect(201).json()
}

fn posted(project: &Project, name: &str) -> u16 {
    project.post_event(&json!({ "type": name, "data": {} })).status
}

#[test]
fn an_own_type_is_posted_subscribed_to_and_delivered() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    assert_eq!(posted(&project, PARCEL), 422);
    add(&project, PARCEL);
    let receiver = receiver::start();
    project.webhook(&receiver.url("/in"), json!({ "events": [PARCEL] }));
    let accepted = project.event(PARCEL, json!({ "parcel": "P-7" }));
    assert_eq!((&accepted["deliveries"], &accepted["type"]), (&json!(1), &json!(PARCEL)));
    assert!(accepted["id"].as_str().is_some_and(|id| id.starts_with("ev_")), "{accepted}");
    project.event("customer.created", json!({}));
    app.wait_for("delivered", 1);
    let request = &receiver::received(&receiver, 1)[0];
    assert_eq!(request.header("x-callout-event"), Some(PARCEL));
    let batch = json!([{ "type": PARCEL, "data": {} }, { "type": "customer.created", "data": {} }]);
    assert_eq!(project.api().post("/v1/events/batch", &batch).expect(202).json()["accepted"], 2);
}

#[test]
fn an_unknown_own_type_is_refused_with_the_nearest_and_nothing_is_written() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    add(&project, PARCEL);
    let mistyped = json!({ "type": "custom.parcel.shiped", "data": {}, "id": "own-1" });
    let told = problem(&project.post_event(&mistyped), 422);
    assert_eq!(told["errors"][0]["pointer"], "/type", "{told}");
    assert!(told["detail"].as_str().is_some_and(|text| text.contains(PARCEL)), "{told}");
    let near = problem(&project.post_event(&json!({ "type": "costum.parcel.shipped", "data": {} })), 422);
    assert!(near["detail"].as_str().is_some_and(|text| text.contains(PARCEL)), "{near}");

    let batch = json!([{ "type": PARCEL, "data": {} }, mistyped, { "type": "custom.no", "data": {} }]);
    let told = problem(&project.api().post("/v1/events/batch", &batch), 422);
    let pointers: Vec<&Value> =
        told["errors"].as_array().expect("errors").iter().map(|one| &one["pointer"]).collect();
    assert_eq!(pointers, ["/1/type", "/2/type"]);
    assert_eq!(app.db.count("events") + app.db.count("external_ids"), 0);

    let webhook = json!({ "target_url": "http://127.0.0.1:9/", "events": ["custom.parcel.shiped"] });
    let told = problem(&project.api().post("/v1/webhooks", &webhook), 422);
    assert!(told["detail"].as_str().is_some_and(|text| text.contains(PARCEL)), "{told}");
}

#[test]
fn one_project_never_sees_anothers_types() {
    let app = App::start();
    let (shop, other) = (factory::project(&app, "Shop"), factory::project(&app, "Other"));
    add(&shop, PARCEL);
    assert_eq!((posted(&shop, PARCEL), posted(&other, PARCEL)), (202, 422));
    let path = format!("/v1/event-types/{PARCEL}");
    for answer in
        [other.api().get(&path), other.api().put(&path, &json!({ "sample": {} })), other.api().delete(&path)]
    {
        problem(&answer, 404);
    }
    let listed = other.api().get("/v1/event-types").expect(200);
    assert!(!listed.body.contains(PARCEL));
    let told = problem(&other.post_event(&json!({ "type": "custom.parcel.shiped", "data": {} })), 422);
    assert!(!told["detail"].as_str().is_some_and(|text| text.contains(PARCEL)), "{told}");
    shop.api().get(&path).expect(200);
}

#[test]
fn a_type_that_one_node_adds_is_taken_by_the_other_at_once_and_no_longer_once_it_is_gone() {
    let first = App::start();
    let second = nodes::beside(&first);
    let here = factory::project(&first, "Shop");
    let there = second.client().with_key(&here.token);
    let event = json!({ "type": PARCEL, "data": {} });
    there.post("/v1/events", &event).expect(422);
    add(&here, PARCEL);
    there.post("/v1/events", &event).expect(202);
    here.post_event(&event).expect(202);
    there.delete(&format!("/v1/event-types/{PARCEL}")).expect(204);
    here.post_event(&event).expect(422);
    there.post("/v1/events", &event).expect(422);
}

#[test]
fn the_api_tells_a_type_as_it_does_those_of_the_catalogue() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let api = project.api();
    let fixed = api.get("/v1/event-types").expect(200).json()["data"].as_array().map_or(0, Vec::len);
    let made = add(&project, PARCEL);
    let schema = json!({ "type": "object", "properties": {
        "parcel": { "type": "string" }, "weight_g": { "type": "integer" } } });
    let told = json!({ "type": PARCEL, "families": ["custom"], "group": "custom", "description": "A parcel left.",
        "documented": true, "schema": schema, "sample": { "parcel": "P-1", "weight_g": 850 } });
    assert_eq!(made, told);
    let path = format!("/v1/event-types/{PARCEL}");
    assert_eq!(api.get(&path).expect(200).json(), told);
    let all = api.get("/v1/event-types").expect(200).json();
    assert_eq!(
        all["data"].as_array().map(|all| (all.len(), all.last() == Some(&told))),
        Some((fixed + 1, true))
    );
    assert_eq!(api.put(&path, &told).expect(200).json(), told, "an answer can be sent back");
    let changed =
        api.put(&path, &json!({ "sample": { "n": 1 }, "schema": { "type": "object" } })).expect(200).json();
    assert_eq!((&changed["description"], &changed["schema"]), (&json!(""), &json!({ "type": "object" })));
    problem(&api.post("/v1/event-types", &told), 409);
    problem(&api.put("/v1/event-types/customer.created", &json!({ "sample": {} })), 409);
    for (wrong, pointer) in [
        (json!({ "type": "parcel.shipped", "sample": {} }), "/type"),
        (json!({ "type": "custom.a", "sample": [] }), "/sample"),
        (json!({ "type": "custom.a" }), "/sample"),
        (json!({ "type": "custom.a", "sample": {}, "schema": { "type": "array" } }), "/schema"),
        (json!({ "type": "custom.a", "sample": {}, "documented": false }), "/documented"),
        (json!({ "type": "custom.a", "sample": {}, "title": "A" }), "/title"),
        (json!({ "type": 7, "sample": {} }), "/type"),
    ] {
        let told = problem(&api.post("/v1/event-types", &wrong), 422);
        assert_eq!(told["errors"].as_array().map(Vec::len), Some(1), "{told}");
        assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
    }
}

#[test]
fn a_test_takes_an_own_types_sample_and_a_webhook_of_own_types_only_begins_with_one() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    add(&project, PARCEL);
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({ "events": [PARCEL], "body": "flat" }));
    let path = format!("/v1/webhooks/{}/test", webhook["id"].as_str().expect("an id"));
    for body in [json!({}), json!({ "type": PARCEL })] {
        let tested = project.api().post(&path, &body).expect(200).json();
        assert_eq!(tested["event_type"], PARCEL);
        assert_eq!(tested["request"]["body"], r#"{"parcel":"P-1","weight_g":850}"#);
    }
    let told = problem(&project.api().post(&path, &json!({ "type": "custom.parcel" })), 422);
    assert_eq!(told["errors"][0]["pointer"], "/type");
}

#[test]
fn a_deleted_type_goes_from_the_webhooks_that_chose_it_and_its_history_stays() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    add(&project, PARCEL);
    let events = json!({ "name": "Both", "events": [PARCEL, "customer.created"] });
    let both = project.webhook("http://127.0.0.1:9/", events);
    let id = project.event(PARCEL, json!({}))["id"].as_str().expect("an id").to_owned();
    project.api().delete(&format!("/v1/event-types/{PARCEL}")).expect(204);
    problem(&project.api().delete(&format!("/v1/event-types/{PARCEL}")), 404);
    let path = format!("/v1/webhooks/{}", both["id"].as_str().expect("an id"));
    let kept = project.api().get(&path).expect(200).json();
    assert_eq!(kept["events"], json!(["customer.created"]));
    project.api().put(&path, &kept).expect(200);
    let event = project.api().get(&format!("/v1/events/{id}")).expect(200).json();
    assert_eq!((&event["type"], event["deliveries"].as_array().map(Vec::len)), (&json!(PARCEL), Some(1)));
    assert_eq!(posted(&project, PARCEL), 422);
}

#[test]
fn a_project_has_at_most_two_hundred_types_of_its_own() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    app.db.execute(&format!(
        "insert into event_types select id, 'custom.n' || n, '', '{{}}', null, now(), now() \
         from projects, generate_series(1, 199) n where name = '{}'",
        project.name
    ));
    add(&project, PARCEL);
    let told =
        problem(&project.api().post("/v1/event-types", &json!({ "type": "custom.more", "sample": {} })), 409);
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("at most 200")), "{told}");
}

const FORM: &str = "main form[novalidate]";

#[test]
fn an_admin_adds_a_type_in_the_pages_and_its_page_tells_what_the_reference_tells() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let admin = people::member(&app, project.id, Role::Admin);
    let path = format!("/p/{}/settings/event-types", project.id);
    let empty = admin.get(&path).expect(200).page();
    assert_eq!(empty.attribute(".empty-state a", "href"), Some(format!("{path}/new")));

    let form = admin.get(&format!("{path}/new")).expect(200).page().form(FORM);
    assert_eq!(form.value("name"), Some("custom."));
    let wrong = form.with("name", "parcel").with("description", "A parcel left.").with("sample", "{\n  b\n}");
    let refused = admin.submit(&path, &wrong).expect(422).page();
    assert!(refused.text("#name-error").contains("begins with"), "{}", refused.text("#name-error"));
    assert!(refused.text("#sample-error").contains("Line 2, column 3"), "{}", refused.text("#sample-error"));
    let form = refused.form(FORM);
    assert_eq!((form.value("name"), form.value("description")), (Some("parcel"), Some("A parcel left.")));
    let right = form.with("name", PARCEL).with("sample", "{\r\n  \"parcel\": { \"id\": \"P-1\" }\r\n}");
    let sent = admin.submit(&path, &right).expect(303);
    let link = format!("{path}/{PARCEL}");
    assert_eq!(sent.header("location"), Some(link.as_str()));
    assert_eq!(admin.submit(&path, &right).expect(422).page().count("#name-error"), 1, "the name is taken");

    let page = admin.follow(&sent).expect(200).page();
    assert!(page.has("[id='field-parcel.id']") && page.source().contains(PARCEL));
    assert!(page.text("#sample-json").contains("P-1"));
    assert!(
        page.text("#post-curl").contains(&format!("\"type\":\"{PARCEL}\"")),
        "{}",
        page.text("#post-curl")
    );
    let listed = admin.get(&path).expect(200).page();
    assert_eq!(listed.texts("tbody td"), [PARCEL, "A parcel left.", "No webhook"]);

    let edit = admin.get(&format!("{link}/edit")).expect(200).page().form(FORM);
    let changed =
        edit.with("schema", r#"{"properties":{"weight_g":{"type":"integer","description":"In grams."}}}"#);
    let shown = admin.follow(&admin.submit(&link, &changed).expect(303)).expect(200).page();
    assert!(shown.text("[id='field-weight_g']").contains("In grams."));
    assert_eq!(posted(&project, PARCEL), 202);
    app.client().get(&format!("/reference/{PARCEL}")).expect(404);
}

#[test]
fn own_types_stand_with_the_check_boxes_and_can_be_chosen_for_a_test() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let admin = people::member(&app, project.id, Role::Admin);
    add(&project, PARCEL);
    let receiver = receiver::start();
    let path = format!("/p/{}/settings/webhooks", project.id);
    let form = admin.get(&format!("{path}/new")).expect(200).page().form("main form[novalidate]");
    let looked_at = form.clone().with("which", "some").and("events", PARCEL);
    let fields: Vec<(&str, &str)> = looked_at.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let shown = admin.post_form(&format!("{path}/preview-request"), &fields).expect(200).page();
    assert!(shown.text("#request-body").contains("P-1"), "{}", shown.text("#request-body"));
    assert_eq!(shown.texts("#preview_type option"), [PARCEL]);
    assert!(shown.texts("#trial_type option").contains(&PARCEL.to_owned()));
    let made =
        admin.submit(&path, &form.with("target_url", &receiver.url("/")).and("events", PARCEL)).expect(303);
    let edit = made.header("location").expect("a place").trim_end_matches("/created").to_owned();
    let form = admin.get(&edit).expect(200).page().form(FORM);
    assert_eq!(form.value("events"), Some(PARCEL), "ticked");
    admin.submit(&edit, &form.with("description", "Parcels.")).expect(303);

    let test = admin.get(&format!("{edit}/test")).expect(200).page();
    let form = test.form("#test-form");
    assert_eq!((form.value("type"), test.text("#data").contains("P-1")), (Some(PARCEL), true));
    let sent = admin.submit(&format!("{edit}/test"), &form).expect(200).page();
    assert!(sent.has(".is-good"), "{}", sent.text("#answer"));
    assert_eq!(receiver::received(&receiver, 1)[0].header("x-callout-event"), Some(PARCEL));
    let own = admin.get(&format!("/p/{}/settings/event-types/{PARCEL}", project.id)).expect(200).page();
    assert_eq!(own.attribute(".ref-facts a", "href"), Some(edit));
}

#[test]
fn before_a_type_is_deleted_the_webhooks_that_chose_it_are_named() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let admin = people::member(&app, project.id, Role::Admin);
    add(&project, PARCEL);
    project.webhook("http://127.0.0.1:9/", json!({ "name": "Till", "events": [PARCEL] }));
    project.webhook("http://127.0.0.1:9/", json!({ "name": "Desk", "events": [PARCEL, "customer.created"] }));
    project.webhook("http://127.0.0.1:9/", json!({ "name": "Log", "all_events": true }));
    let event = project.event(PARCEL, json!({}))["id"].as_str().expect("an id").to_owned();
    let list = format!("/p/{}/settings/event-types", project.id);
    let path = format!("{list}/{PARCEL}/delete");
    let asked = admin.get(&path).expect(200).page();
    let told = asked.texts("main li").join("\n");
    assert!(told.contains("Till chose nothing else") && told.contains("Desk chose it, and keeps"), "{told}");
    assert!(!told.contains("Log"), "{told}");
    admin.get(&format!("{list}/{PARCEL}")).expect(200);
    let gone = admin.submit(&path, &asked.form("main form[action$='/delete']")).expect(303);
    assert!(admin.follow(&gone).expect(200).page().has(".empty-state"));
    admin.get(&format!("{list}/{PARCEL}")).expect(404);
    for page in [format!("events/{event}"), "events".to_owned(), "history".to_owned()] {
        let page = admin.get(&format!("/p/{}/{page}", project.id)).expect(200).page();
        assert!(page.text("main").contains(PARCEL), "{}", page.text("main"));
    }
}
