//! Maintenance windows: from then until then a webhook is off and holds what comes.
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::problems::problem;
use crate::support::receiver::{self, Receiver};
use callout::models::deliveries;
use callout::models::projects::Role;
use callout::models::webhooks::LastStraw;
use callout::rules::retry::DisableKind;
use diesel::Connection as _;

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
    let refused = admin.submit(&page, &wrong).expect(422).page();
    assert!(refused.text("#maintenance-error").contains("over already"));
    let typed = refused.form("form[action$='/maintenance']");
    assert_eq!(
        (typed.value("from"), typed.value("until")),
        (Some("2026-11-21T10:00"), Some("2026-11-21T11:00"))
    );
    let far = json!({ "from": "2026-12-01T00:00:00Z", "until": "9999-12-31T23:59:59-23:59" });
    problem(&project.api().patch(&path_of(&webhook), &json!({ "maintenance": far })), 422);
    let set = form.with("from", "2026-11-21T18:00").with("until", "2026-11-21T18:30:00Z");
    admin.submit(&page, &set).expect(303);
    let window = json!({ "from": "2026-11-21T18:00:00.000Z", "until": "2026-11-21T18:30:00.000Z" });
    assert_eq!(told(&project, &webhook)["maintenance"], window);
}

#[test]
fn switched_off_by_hand_within_its_window_a_webhook_stays_off_and_the_same_window_once_more_ends_nothing() {
    let (app, project, _receiver, webhook) = started();
    app.advance(Duration::minutes(61));
    wait_until_on(&app, false);
    let mut same = told(&project, &webhook);
    let same = same.as_object_mut().expect("an object");
    same.retain(|name, _| ["name", "target_url", "all_events", "events", "maintenance"].contains(&&**name));
    let put = project.api().put(&path_of(&webhook), &json!(same)).expect(200).json();
    assert_eq!((&put["active"], put["maintenance"].is_null()), (&json!(false), false));
    assert_eq!(app.db.count("webhooks where in_maintenance"), 1);
    change(&project, &webhook, json!({ "active": false }));
    app.advance(Duration::HOUR);
    app.wait_until("it is gone", |app| app.db.count("webhooks where hold_until is null and not active") == 1);
}

#[test]
fn what_its_receiver_ended_no_window_wakes_and_no_pause_explains_away() {
    let (app, project, _receiver, webhook) = started();
    app.advance(Duration::minutes(61));
    wait_until_on(&app, false);
    let id = webhook["id"].as_str().expect("an id").parse().expect("an id");
    let straw =
        LastStraw { kind: DisableKind::Gone, detail: "Answered 410.", delivery: None, status: Some(410) };
    app.db
        .conn()
        .transaction(|conn| deliveries::disable_webhook(conn, project.id, id, straw, app.clock.now()))
        .expect("disable");
    assert_eq!(app.db.count("notices"), 1);
    app.advance(Duration::HOUR);
    app.wait_until("it is gone", |app| app.db.count("webhooks where hold_until is null and not active") == 1);
    change(&project, &webhook, json!({ "active": false }));
    let admin = people::member(&app, project.id, Role::Admin);
    let list = format!("/p/{}/settings/webhooks/{}", project.id, webhook["id"].as_str().expect("an id"));
    let paused = admin.post_form(&format!("{list}/pause"), &[("when_paused", "hold")]).expect(303);
    assert!(
        admin
            .follow(&paused)
            .expect(200)
            .page()
            .texts(".notice")
            .join(" ")
            .contains("was disabled meanwhile")
    );
    let told = told(&project, &webhook);
    assert_eq!(
        (&told["disabled"]["kind"], &told["off_since"]),
        (&json!("gone"), &json!("2026-11-21T13:01:00.000Z"))
    );
}
