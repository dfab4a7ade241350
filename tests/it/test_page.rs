//! The page that tests a webhook, with and without scripts.
use callout::models::projects::members::Role;
use serde_json::json;

use crate::support::app::App;
use crate::support::client::Client;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver::{self, Behaviour, Receiver};

const FORM: &str = "#test-form";

struct Scene {
    app: App,
    project: Project,
    receiver: Receiver,
    admin: Client,
    path: String,
}

fn scene() -> Scene {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/in"), json!({ "name": "Till" }));
    let id = webhook["id"].as_str().expect("an id");
    let path = format!("/p/{}/settings/webhooks/{id}/test", project.id);
    let admin = people::member(&app, project.id, Role::Admin);
    Scene { app, project, receiver, admin, path }
}

#[test]
fn the_form_comes_with_the_sample_and_shows_what_the_receiver_said() {
    let Scene { app: _app, project, receiver, admin, path } = scene();
    let page = admin.get(&path).expect(200).page();
    let form = page.form(FORM);
    assert_eq!(form.value("type"), Some("customer.rewarded"));
    assert_eq!(page.texts("optgroup:first-of-type option"), ["customer.rewarded"]);
    assert!(form.value("data").is_some_and(|data| data.starts_with("{\n")), "{form:?}");

    let sent = admin.submit(&path, &form).expect(200).page();
    assert_eq!(sent.text("#answer h2"), "Delivered: 200 OK");
    assert_eq!(sent.text("#response-body"), "received");
    assert!(sent.text("#answer .timing-table").contains("In all"));
    assert_eq!(receiver.count(), 1);
    let link = sent.attribute("#answer .test-outcome a", "href").expect("a link");
    let delivery = admin.get(&link).expect(200).page();
    assert!(delivery.texts(".state").contains(&"Test".to_owned()), "marked in its detail");
    for list in ["history", "events"] {
        let listed = admin.get(&format!("/p/{}/{list}", project.id)).expect(200).page();
        assert!(listed.texts("td .state").contains(&"Test".to_owned()), "marked in the list of {list}");
    }
}

#[test]
fn a_failure_looks_unlike_a_success() {
    let Scene { app: _app, project: _project, receiver, admin, path } = scene();
    receiver.set(Behaviour::status(503));
    let form = admin.get(&path).expect(200).page().form(FORM);
    let sent = admin.submit(&path, &form).expect(200).page();
    assert_eq!(sent.text("#answer h2"), "Failed: 503 Service Unavailable");
    assert!(sent.has(".test-outcome.is-bad") && !sent.has(".test-outcome.is-good"));
}

#[test]
fn a_mistake_in_the_data_is_told_with_its_place_and_keeps_what_was_typed() {
    let Scene { app, project: _project, receiver, admin, path } = scene();
    let form = admin.get(&path).expect(200).page().form(FORM);
    let typed = "{\n  \"customer\": <b>\n}";
    for data in [typed, "{\r\n  \"customer\": <b>\r\n}"] {
        let refused = admin.submit(&path, &form.clone().with("data", data)).expect(422).page();
        assert_eq!(refused.text("#data-error"), "Line 2, column 15: expected a value.");
        assert_eq!(refused.form(FORM).value("data"), Some(typed));
    }
    let empty = admin.submit(&path, &form.clone().with("data", " ")).expect(422).page();
    assert!(empty.has("#data-error") && !empty.has("#answer .test-outcome"));
    let no_type = admin.submit(&path, &form.with("type", "no.such").with("data", typed)).expect(422).page();
    assert!(no_type.has("#type-error"));
    assert_eq!(no_type.form(FORM).value("data"), Some(typed));
    assert_eq!((receiver.count(), app.db.count("events")), (0, 0));
}

#[test]
fn another_types_sample_is_loaded_without_scripts() {
    let Scene { app: _app, project: _project, receiver: _receiver, admin, path } = scene();
    let form = admin.get(&path).expect(200).page().form(FORM);
    let answer = admin.submit(&path, &form.with("type", "voucher.created").and("load", "sample")).expect(303);
    let page = admin.follow(&answer).expect(200).page();
    let loaded = page.form(FORM);
    assert_eq!(loaded.value("type"), Some("voucher.created"));
    assert!(loaded.value("data").is_some_and(|data| data.contains("\"voucher\"")), "{loaded:?}");
    assert_eq!(
        admin.get(&format!("{path}?type=nonsense")).expect(200).page().form(FORM).value("type"),
        Some("customer.rewarded")
    );
}

#[test]
fn what_htmx_gets_is_a_part_of_the_page() {
    let Scene { app: _app, project: _project, receiver: _receiver, admin, path } = scene();
    let form = admin.get(&path).expect(200).page().form(FORM);
    let scripted = admin.clone().by_htmx();
    let part = scripted.get(&format!("{path}?type=voucher.created")).expect(200);
    assert_eq!(part.header("hx-retarget"), Some("#test-form"));
    let whole = admin.get(&format!("{path}?type=voucher.created")).expect(200);
    assert!(whole.body.contains(part.body.trim()) && part.body.len() < whole.body.len());

    let refused = scripted.submit(&path, &form.clone().with("data", "{")).expect(422);
    assert_eq!(refused.header("hx-retarget"), Some("#test-form"));
    assert!(refused.page().has("#test-form #data-error") && !refused.page().has("#answer"));
    let sent = scripted.submit(&path, &form).expect(200);
    assert!(sent.header("hx-retarget").is_none() && sent.page().has("#answer .is-good"));
    assert!(!sent.page().has("#test-form"), "what is typed stays as it is");
    // After a refusal the form is brought along once, so that nothing wrong stands in it any more.
    let again = scripted.submit(&path, &refused.page().form(FORM).with("data", "{}")).expect(200);
    assert_eq!(again.header("hx-retarget"), Some("#test"));
    assert!(again.page().has("#test-form") && again.page().has("#answer .is-good"));
}

#[test]
fn too_many_tests_are_refused_on_the_page_and_keep_what_was_typed() {
    let Scene { app: _app, project: _project, receiver, admin, path } = scene();
    let form = admin.get(&path).expect(200).page().form(FORM).with("data", "{\"mine\": 1}");
    for _ in 0..20 {
        admin.submit(&path, &form).expect(200);
    }
    let refused = admin.submit(&path, &form).expect(422).page();
    assert!(refused.text("#test-form [role=alert]").contains("20 times a minute"));
    assert_eq!(refused.form(FORM).value("data"), Some("{\"mine\": 1}"));
    assert_eq!(receiver.count(), 20);
}

#[test]
fn a_test_is_offered_where_the_webhook_is() {
    let Scene { app: _app, project, receiver: _receiver, admin, path } = scene();
    let list = format!("/p/{}/settings/webhooks", project.id);
    let edit = path.trim_end_matches("/test");
    for place in [list.as_str(), edit] {
        assert!(admin.get(place).expect(200).page().has(&format!("a[href='{path}']")), "{place}");
    }
    let id = edit.rsplit('/').next().expect("an id");
    project.api().patch(&format!("/v1/webhooks/{id}"), &json!({ "active": false })).expect(200);
    let page = admin.get(&path).expect(200).page();
    assert!(page.text(FORM).contains("paused"));
    assert!(admin.submit(&path, &page.form(FORM)).expect(200).page().has(".is-good"));
}
