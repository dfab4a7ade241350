//! Webhooks whose receivers keep failing are slowed, and drain gently once they answer; nobody else is.
use callout::models::deliveries::{AT_A_TIME_FULL, FAILURES_MAX};
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::nodes;
use crate::support::people;
use crate::support::receiver::{self, Behaviour, Receiver};

const TYPE: &str = "customer.rewarded";
/// Sends under way to a webhook.
const SLOTS: usize = 4;
/// What may have been on its way when a webhook was slowed, beside the failures that slowed it.
const BEFORE_MAX: u64 = FAILURES_MAX as u64 + SLOTS as u64;

fn started() -> (App, Project) {
    let app = App::start_with(|config, _| config.max_in_flight_per_webhook = SLOTS);
    let project = factory::project(&app, "Shop");
    (app, project)
}

fn post(project: &Project, count: usize) {
    let events = vec![json!({ "type": TYPE, "data": {} }); count];
    project.api().post("/v1/events/batch", &Value::Array(events)).expect(202);
}

/// Returns when the webhook is slowed and nothing of it is in memory or unwritten.
fn wait_until_slowed(app: &App) {
    app.wait_until("it is slowed", |app| app.db.count("webhook_pace") == 1);
    wait_until_quiet(app);
}

/// Returns when all that was sent is recorded.
fn wait_until_quiet(app: &App) {
    app.wait_until("all is in the table", |app| {
        !app.parts.dispatcher.has_without_row()
            && app.parts.dispatcher.in_memory() == 0
            && app.db.count("deliveries where status = 1") == 0
    });
}

/// Lets so many seconds pass, one by one, and tells how many requests came in each.
fn seconds(app: &App, receiver: &Receiver, count: usize) -> Vec<u64> {
    let second = |_| {
        let before = receiver.count();
        let attempts = app.db.count("attempts");
        app.advance(Duration::SECOND);
        let turn = app.db.count(&format!("webhook_pace where next_at <= '{}'", app.clock.now())) > 0;
        if turn {
            app.wait_until("the turn is taken", |app| app.db.count("attempts") > attempts);
        }
        wait_until_quiet(app);
        receiver.count() - before
    };
    (0..count).map(second).collect()
}

#[test]
fn a_receiver_that_keeps_failing_gets_few_requests_however_much_is_due() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(503)));
    project.webhook(&receiver.url("/"), json!({}));
    post(&project, 500);
    wait_until_slowed(&app);
    assert!(receiver.count() <= BEFORE_MAX, "{} requests", receiver.count());
    // What comes now waits behind the others.
    post(&project, 100);
    wait_until_quiet(&app);
    assert!(receiver.count() <= BEFORE_MAX, "{} requests", receiver.count());
    let each = seconds(&app, &receiver, 130);
    let turns: Vec<usize> = each.iter().enumerate().filter(|(_, n)| **n > 0).map(|(at, _)| at + 1).collect();
    assert_eq!(turns, [1, 3, 7, 15, 31, 63, 123], "1, 2, 4 … seconds apart, at most 60");
    assert!(each.iter().all(|n| *n <= 1), "{each:?}");
    assert_eq!(app.db.count("attempts"), receiver.count() as i64);
    assert_eq!(app.db.count("deliveries where attempt_count > 1"), 0, "the oldest first, each in its turn");
    let tried = app.db.count("deliveries where attempt_count = 1 and retries_used = 1 and status = 3");
    let waits = app.db.count("deliveries where attempt_count = 0 and retries_used = 0 and status = 0");
    assert_eq!((tried, waits), (receiver.count() as i64, 600 - tried), "waiting uses up no retry");
    assert_eq!(app.db.text("select failures from webhook_pace"), receiver.count().to_string());
}

#[test]
fn once_it_answers_more_goes_out_with_each_turn_until_it_is_slowed_no_more() {
    let ((app, project), receiver) = (started_with_share(64), receiver::start_with(Behaviour::status(503)));
    project.webhook(&receiver.url("/"), json!({ "retries": [86_000] }));
    post(&project, 500);
    wait_until_slowed(&app);
    let before = receiver.count();
    receiver.set(Behaviour::default());
    let mut expected = 1;
    while app.db.count("webhook_pace") == 1 {
        let came = seconds(&app, &receiver, 1)[0];
        let is_over = app.db.count("webhook_pace") == 0;
        assert!(came == expected || (is_over && came > expected), "{came} instead of {expected}");
        expected *= 2;
    }
    assert_eq!(expected, AT_A_TIME_FULL as u64, "its usual share");
    app.dispatch_until_idle();
    assert_eq!(app.db.count("deliveries where status = 2"), 500 - before as i64);
    assert_eq!(app.parts.dispatcher.slowed(), 0);
    receiver.clear();
    post(&project, 20);
    app.wait_until("what comes goes straight out", |_| receiver.count() == 20);
}

fn started_with_share(slots: usize) -> (App, Project) {
    let app = App::start_with(|config, _| config.max_in_flight_per_webhook = slots);
    let project = factory::project(&app, "Shop");
    (app, project)
}

#[test]
fn a_receiver_that_fails_again_while_it_drains_is_taken_back_by_half() {
    let ((app, project), receiver) = (started_with_share(64), receiver::start_with(Behaviour::status(503)));
    project.webhook(&receiver.url("/"), json!({ "retries": [86_000] }));
    post(&project, 500);
    wait_until_slowed(&app);
    receiver.set(Behaviour::default());
    assert_eq!(seconds(&app, &receiver, 4), [1, 2, 4, 8]);
    receiver.set(Behaviour::status(500));
    assert_eq!(seconds(&app, &receiver, 6), [16, 8, 4, 2, 1, 0], "and then further and further apart");
}

#[test]
fn healthy_webhooks_get_all_at_once_while_another_is_slowed() {
    let ((app, project), failing) = (started(), receiver::start_with(Behaviour::status(503)));
    let healthy = receiver::start();
    project.webhook(&failing.url("/"), json!({ "name": "failing" }));
    project.webhook(&healthy.url("/"), json!({ "name": "healthy" }));
    post(&project, 200);
    wait_until_slowed(&app);
    app.wait_until("the healthy one has all", |_| healthy.count() == 200);
    post(&project, 200);
    app.wait_until("the healthy one has all", |_| healthy.count() == 400);
    wait_until_quiet(&app);
    assert!(failing.count() <= BEFORE_MAX, "{} requests", failing.count());
    assert_eq!(app.parts.dispatcher.slowed(), 1);
    app.wait_for("delivered", 400);
}

#[test]
fn a_receiver_that_fails_now_and_then_is_not_slowed() {
    let ((app, project), receiver) = (started(), receiver::start());
    let webhook = project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    for _ in 0..3 {
        receiver.set(Behaviour::status(500));
        for _ in 1..FAILURES_MAX {
            project.event(TYPE, json!({}));
            app.dispatch_until_idle();
        }
        receiver.set(Behaviour::default());
        project.event(TYPE, json!({}));
        app.dispatch_until_idle();
    }
    // A test says nothing about how it fares.
    receiver.set(Behaviour::status(500));
    for _ in 0..FAILURES_MAX {
        let path = format!("/v1/webhooks/{}/test", webhook["id"].as_str().expect("an id"));
        project.api().post(&path, &json!({})).expect(200);
    }
    assert_eq!(app.db.count("webhook_pace"), 0);
    app.wait_until("the node knows", |app| app.parts.dispatcher.slowed() == 0);
}

#[test]
fn nodes_keep_the_pace_together() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(503)));
    project.webhook(&receiver.url("/"), json!({ "retries": [86_000] }));
    post(&project, 300);
    wait_until_slowed(&app);
    let other = nodes::beside(&app);
    other.wait_until("the other knows", |other| other.parts.dispatcher.slowed() == 1);
    wait_until_quiet(&app);
    receiver.clear();
    for _ in 0..70 {
        other.parts.wakeup.wake();
        seconds(&app, &receiver, 1);
    }
    assert!((5..=7).contains(&receiver.count()), "{} requests", receiver.count());
    assert_eq!(app.db.count("webhook_pace"), 1);
}

#[test]
fn resuming_it_or_leading_it_elsewhere_resets_the_pace() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(503)));
    let webhook = project.webhook(&receiver.url("/"), json!({ "retries": [86_000] }));
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"));
    post(&project, 50);
    wait_until_slowed(&app);
    project.api().patch(&path, &json!({ "description": "no matter" })).expect(200);
    assert_eq!(app.db.count("webhook_pace"), 1);
    project.api().patch(&path, &json!({ "active": false })).expect(200);
    assert_eq!(app.db.count("webhook_pace"), 0);
    receiver.set(Behaviour::default());
    project.api().patch(&path, &json!({ "active": true })).expect(200);
    app.dispatch_until_idle();
    assert_eq!(app.db.count("deliveries where status in (0, 5)"), 0, "all went out, in no time");

    receiver.set(Behaviour::status(503));
    post(&project, 50);
    wait_until_slowed(&app);
    let mended = receiver::start();
    project.api().patch(&path, &json!({ "target_url": mended.url("/") })).expect(200);
    app.dispatch_until_idle();
    assert_eq!(app.db.count("deliveries where status = 0"), 0);
    assert!(mended.count() > 0);
}

#[test]
fn its_page_the_list_and_the_metrics_say_that_it_is_slowed() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(503)));
    let webhook = project.webhook(&receiver.url("/"), json!({ "name": "Till" }));
    let owner = people::owner(&app);
    let list = format!("/p/{}/settings/webhooks", project.id);
    let page = format!("{list}/{}", webhook["id"].as_str().expect("an id"));
    let metrics = || project.api().get("/metrics").expect(200).body;
    assert!(metrics().contains("callout_webhooks_slowed 0\n"), "{}", metrics());
    assert!(!owner.get(&page).expect(200).page().has(".banner"));
    post(&project, 50);
    wait_until_slowed(&app);
    assert!(metrics().contains("callout_webhooks_slowed 1\n"), "{}", metrics());
    let failures = receiver.count();
    let shown = owner.get(&page).expect(200).page();
    assert_eq!(shown.text("h1 .state"), "Slowed");
    let banner = shown.text(".alert-warning.banner");
    assert!(banner.contains(&format!("{failures} attempts in a row failed")), "{banner}");
    assert!(banner.contains("Answered 503."), "{banner}");
    let row = owner.get(&list).expect(200).page();
    assert_eq!(row.text(".webhook .state"), "Slowed");
    assert!(row.text(".webhook-why").contains("Answered 503."), "{}", row.text(".webhook-why"));
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"));
    let told = project.api().get(&path).expect(200).json();
    let failure = json!({ "kind": "response_status", "detail": "Answered 503." });
    let next_at = "2026-11-21T12:00:01.000Z";
    let slowed = json!({ "since": told["slowed"]["since"], "failures": failures, "last_failure": failure, "next_at": next_at });
    assert_eq!((&told["active"], &told["slowed"]), (&json!(true), &slowed));
    assert_eq!(project.api().get("/v1/webhooks").expect(200).json()["data"][0], told);
    assert_eq!(project.api().patch(&path, &told).expect(200).json()["slowed"], slowed, "may be sent back");

    receiver.set(Behaviour::default());
    seconds(&app, &receiver, 1);
    let banner = owner.get(&page).expect(200).page().text(".alert-warning.banner");
    assert!(banner.contains("It answers again"), "{banner}");
}

#[test]
fn a_webhook_that_takes_the_last_that_was_due_is_slowed_no_more() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(503)));
    project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    for _ in 0..FAILURES_MAX {
        project.event(TYPE, json!({}));
        app.dispatch_until_idle();
    }
    wait_until_slowed(&app);
    receiver.set(Behaviour::default());
    project.event(TYPE, json!({}));
    wait_until_quiet(&app);
    assert_eq!(receiver.count(), FAILURES_MAX as u64, "it waits for its turn");
    assert_eq!(seconds(&app, &receiver, 1), [1]);
    assert_eq!(app.db.count("webhook_pace"), 0);
    app.wait_until("the node knows", |app| app.parts.dispatcher.slowed() == 0);
}
