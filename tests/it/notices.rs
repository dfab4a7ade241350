//! People are told of webhooks that were disabled, in the projects that they work for and nowhere else.
use callout::models::projects::members;
use callout::models::{notices, projects::Role};
use serde_json::json;
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::people;
use crate::support::receiver;

const TYPE: &str = "customer.rewarded";

/// A project of which a webhook was disabled by a 410.
fn disabled(app: &App, name: &str) -> Project {
    let project = factory::project(app, name);
    let receiver = receiver::start();
    project.webhook(&receiver.url("/?status=410"), json!({ "name": format!("Till of {name}") }));
    let before = app.db.count("notices");
    project.event(TYPE, json!({}));
    app.wait_until("it is told", |app| app.db.count("notices") == before + 1);
    project
}

#[test]
fn who_works_for_the_project_is_told_until_they_looked_and_nobody_else_is() {
    let app = App::start();
    let project = disabled(&app, "Shop");
    let other = factory::project(&app, "Other");
    let admin = people::member(&app, project.id, Role::Admin);
    let support = people::member(&app, project.id, Role::Support);
    let viewer = people::member(&app, project.id, Role::Viewer);
    let user = people::person(&app, "stranger@example.com", "Stranger", false);
    members::set(&mut app.db.conn(), other.id, user.id, Role::Admin, app.clock.now()).expect("a role");
    let stranger = people::signed_in(&app, "stranger@example.com", people::PASSWORD);
    let owner = people::owner(&app);
    app.advance(Duration::SECOND);
    for who in [&admin, &support, &owner] {
        assert_eq!(
            who.get("/account").expect(200).page().attribute(".bell", "aria-label").as_deref(),
            Some("Notices, 1 new")
        );
        let page = who.get("/notices").expect(200).page();
        assert_eq!((page.count(".told"), page.count(".told-new")), (1, 1));
        assert!(
            page.text(".told").contains("Till of Shop was disabled: its receiver answered 410."),
            "{}",
            page.text(".told")
        );
        assert!(!page.has(".bell-count"), "they are looking at it");
        let again = who.get("/notices").expect(200).page();
        assert_eq!((again.count(".told"), again.count(".told-new")), (1, 0));
        assert!(!who.get("/account").expect(200).page().has(".bell-count"));
    }
    assert!(admin.get("/notices").expect(200).page().has(".told a[href*='/settings/webhooks/']"));
    let seen = support.get("/notices").expect(200).page();
    assert!(!seen.has(".told a[href*='/settings/']"), "settings are not theirs");
    support.get(&seen.attribute(".told a[href*='/history/']", "href").expect("a link")).expect(200);
    for who in [&viewer, &stranger] {
        assert!(!who.get("/account").expect(200).page().has(".bell-count"));
        assert!(who.get("/notices").expect(200).page().has(".empty-state"));
    }
}

#[test]
fn who_does_not_want_to_be_told_finds_the_notices_and_no_count() {
    let app = App::start();
    let project = disabled(&app, "Shop");
    let admin = people::member(&app, project.id, Role::Admin);
    let form = admin.get("/account").expect(200).page().form("form[action='/account/notices']");
    assert_eq!(form.value("told"), Some("yes"));
    admin.submit("/account", &form.without("told")).expect(303);
    assert!(!admin.get("/account").expect(200).page().has(".bell-count"));
    assert_eq!(admin.get("/notices").expect(200).page().count(".told"), 1);
    let form = admin.get("/account").expect(200).page().form("form[action='/account/notices']");
    assert_eq!(form.value("told"), None);
}

#[test]
fn retries_that_are_used_up_are_told_too_and_pausing_by_hand_is_not() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let receiver = receiver::start();
    let used_up = json!({ "name": "Desk", "retries": "none", "when_used_up": "disable" });
    project.webhook(&receiver.url("/?status=500"), used_up);
    let paused = project.webhook(&receiver.url("/"), json!({ "name": "paused" }));
    let path = format!("/v1/webhooks/{}", paused["id"].as_str().expect("an id"));
    project.api().patch(&path, &json!({ "active": false })).expect(200);
    project.event(TYPE, json!({}));
    app.wait_until("it is told", |app| app.db.count("notices") == 1);
    let admin = people::member(&app, project.id, Role::Admin);
    assert!(
        admin.get("/notices").expect(200).page().text(".told").contains("failed through all its retries")
    );
    let page = admin.get(&format!("/p/{}/settings/webhooks", project.id)).expect(200).page();
    assert!(page.text(".webhooks").contains("Last answer 500"));
}

#[test]
fn a_notice_is_kept_for_ninety_days() {
    let app = App::start();
    disabled(&app, "Shop");
    let (mut conn, now) = (app.db.conn(), app.clock.now());
    assert_eq!(notices::forget_old(&mut conn, now + Duration::days(89)).expect("forget"), 0);
    assert_eq!(notices::forget_old(&mut conn, now + Duration::days(91)).expect("forget"), 1);
}
