//! Maintenance windows: from then until then a webhook is off and holds what comes.
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::problems::problem;
use crate::support::receiver::{self, Receiver};
use callout::models::projects::Role;

const TYPE: &str = "customer.rewarded";

/// A webhook with a window from 13:00 until 14:00; it is 12:00.
fn started() -> (App, Project, Receiver, Value) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let receiver = receiver::start();
    let window = json!({ "from": "2026-11-21T13:00:00Z", "until": "2026-11-21T15:00:00+01:00" });
    let webhook = project.webhook(&receiver.url("/"), json!({ "maintenance": window }));
    (app, project, receiver, webhook)
}

fn path_of(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

fn told(project: &Project, webhook: &Value) -> Value {
    project.api().get(&path_of(webhook)).expect(200).json()
}

fn change(project: &Project, webhook: &Value, change: Value) -> Value {
    project.api().patch(&path_of(webhook), &change).expect(200).json()
}

fn wait_until_on(app: &App, is_on: bool) {
    let condition = format!("webhooks where active = {is_on} and in_maintenance = {}", !is_on);
    app.wait_until("the window has turned it", |app| app.db.count(&condition) == 1);
}

#[test]
fn within_its_window_a_webhook_holds_what_comes_and_at_the_end_it_goes_out() {
    let (app, project, receiver, webhook) = started();
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    app.advance(Duration::minutes(61));
    wait_until_on(&app, false);
    assert_eq!(project.event(TYPE, json!({}))["deliveries"], 1);
    app.wait_for("held", 1);
    let during = told(&project, &webhook);
    assert_eq!(
        (&during["active"], &during["off_since"]),
        (&json!(false), &json!("2026-11-21T13:01:00.000Z"))
    );
    let admin = people::member(&app, project.id, Role::Admin);
    let list = format!("/p/{}/settings/webhooks", project.id);
    let listed = admin.get(&list).expect(200).page();
    assert_eq!(listed.text(".webhook .state"), "Maintenance");
    assert!(listed.text(".webhook-why").contains("Maintenance until 2026-11-21 14:00:00 UTC"));
    let page = admin.get(&format!("{list}/{}", webhook["id"].as_str().expect("an id"))).expect(200).page();
    assert!(
        page.text("aside").contains("Maintenance until 2026-11-21 14:00:00 UTC"),
        "{}",
        page.text("aside")
    );
    app.advance(Duration::HOUR);
    wait_until_on(&app, true);
    app.wait_for("delivered", 2);
    assert_eq!((receiver.count(), &told(&project, &webhook)["maintenance"]), (2, &Value::Null));
}

#[test]
fn resuming_ends_a_window_early_and_it_does_not_begin_again() {
    let (app, project, _receiver, webhook) = started();
    app.advance(Duration::minutes(61));
    wait_until_on(&app, false);
    project.event(TYPE, json!({}));
    project.api().post(&format!("{}/resume", path_of(&webhook)), &json!({})).expect(200);
    app.wait_for("delivered", 1);
    assert_eq!(told(&project, &webhook)["maintenance"], Value::Null);
}

#[test]
fn a_window_that_is_taken_away_or_put_off_switches_its_webhook_on_again() {
    let (app, project, _receiver, webhook) = started();
    app.advance(Duration::minutes(61));
    wait_until_on(&app, false);
    let later = json!({ "from": "2026-11-21T16:00:00Z", "until": "2026-11-21T17:00:00Z" });
    assert_eq!(change(&project, &webhook, json!({ "maintenance": later }))["active"], true);
    app.advance(Duration::hours(3));
    wait_until_on(&app, false);
    assert_eq!(change(&project, &webhook, json!({ "maintenance": null }))["active"], true);
}

#[test]
fn a_window_is_nothing_to_one_that_is_off_already_and_is_gone_at_its_end() {
    let (app, project, receiver, webhook) = started();
    change(&project, &webhook, json!({ "active": false }));
    app.advance(Duration::minutes(61));
    assert_eq!(project.event(TYPE, json!({}))["deliveries"], 0);
    app.advance(Duration::HOUR);
    app.wait_until("it is gone", |app| app.db.count("webhooks where hold_until is null and not active") == 1);
    assert_eq!(receiver.count(), 0);
}

#[test]
fn a_window_in_the_past_is_refused() {
    let (app, project, _receiver, webhook) = started();
    let past = json!({ "from": "2026-11-21T10:00:00Z", "until": "2026-11-21T11:00:00Z" });
    let refused = problem(&project.api().patch(&path_of(&webhook), &json!({ "maintenance": past })), 422);
    assert_eq!(refused["errors"][0]["pointer"], "/maintenance/until");
    let admin = people::member(&app, project.id, Role::Admin);
    let page = format!("/p/{}/settings/webhooks/{}", project.id, webhook["id"].as_str().expect("an id"));
    let form = admin.get(&page).expect(200).page().form("form[action$='/maintenance']");
    assert_eq!(form.value("from"), Some("2026-11-21T13:00"));
    let wrong = form.clone().with("from", "2026-11-21T10:00").with("until", "2026-11-21T11:00");
    let sent = admin.submit(&page, &wrong).expect(303);
    assert!(
        admin
            .follow(&sent)
            .expect(200)
            .page()
            .text(".notice-bad[role=alert]:not([hidden])")
            .contains("over already")
    );
    let set = form.with("from", "2026-11-21T18:00").with("until", "2026-11-21T18:30:00Z");
    admin.submit(&page, &set).expect(303);
    let window = json!({ "from": "2026-11-21T18:00:00.000Z", "until": "2026-11-21T18:30:00.000Z" });
    assert_eq!(told(&project, &webhook)["maintenance"], window);
}
