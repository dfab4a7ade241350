//! When a failed delivery is tried again, when no more, and what `Retry-After`, 410 and a resend change.
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::problems::problem;
use crate::support::receiver::{self, Behaviour, Receiver};
use crate::support::wait::eventually;

const TYPE: &str = "customer.rewarded";

fn failing() -> (App, Project, Receiver) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project, receiver::start_with(Behaviour::status(500)))
}

fn only(project: &Project) -> Value {
    let deliveries = project.deliveries();
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    deliveries[0].clone()
}

fn id_of(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// How long until the next attempt.
fn wait_of(app: &App, delivery: &Value) -> Duration {
    let at = delivery["next_attempt_at"].as_str().unwrap_or_else(|| panic!("no retry: {delivery}"));
    OffsetDateTime::parse(at, &Rfc3339).expect("a time") - app.clock.now()
}

/// Lets retry after retry fail, each not before its time; answers the waits in seconds.
fn waits(app: &App, project: &Project, receiver: &Receiver) -> Vec<f64> {
    let mut waits = Vec::new();
    loop {
        let attempts = waits.len() as i64 + 1;
        app.wait_until("the attempt is recorded", |app| {
            app.db.count(&format!("deliveries where attempt_count = {attempts} and status in (3, 4)")) == 1
        });
        let delivery = only(project);
        if delivery["status"] == "failed" {
            assert_eq!(receiver.count(), attempts as u64);
            return waits;
        }
        let wait = wait_of(app, &delivery);
        waits.push(wait.as_seconds_f64());
        app.advance(wait - Duration::SECOND);
        app.dispatch_until_idle();
        assert_eq!(receiver.count(), attempts as u64, "not before its time");
        app.advance(Duration::seconds(2));
    }
}

#[track_caller]
fn within_a_tenth(waits: &[f64], expected: &[f64]) {
    assert_eq!(waits.len(), expected.len(), "{waits:?}");
    for (wait, expected) in waits.iter().zip(expected) {
        // The list of deliveries tells milliseconds.
        let range = expected * 0.9 - 0.001..=expected * 1.1;
        assert!(range.contains(wait), "{wait} s where {expected} s were meant: {waits:?}");
    }
}

#[test]
fn a_day_of_doubling_waits_and_then_no_more() {
    let (app, project, receiver) = failing();
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    let minutes = [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 416].map(|minutes| f64::from(minutes) * 60.0);
    let waits = waits(&app, &project, &receiver);
    within_a_tenth(&waits, &minutes);
    let spread: Vec<_> = waits.iter().zip(minutes).map(|(wait, meant)| (wait / meant * 1e4) as i64).collect();
    assert!(spread.iter().any(|one| *one != spread[0]), "no two webhooks in step: {spread:?}");
    let delivery = only(&project);
    assert_eq!(delivery["attempt_count"], 13);
    assert_eq!(delivery["next_attempt_at"], Value::Null);
    let numbers: Vec<_> = project.delivery(id_of(&delivery))["attempts"]
        .as_array()
        .expect("attempts")
        .iter()
        .map(|attempt| attempt["number"].as_u64().expect("a number"))
        .collect();
    assert_eq!(numbers, (1..=13).collect::<Vec<_>>());
}

#[test]
fn three_retries_are_after_ten_seconds_a_minute_and_five() {
    let (app, project, receiver) = failing();
    project.webhook(&receiver.url("/"), json!({ "retries": "three" }));
    project.event(TYPE, json!({}));
    within_a_tenth(&waits(&app, &project, &receiver), &[10.0, 60.0, 300.0]);
}

#[test]
fn an_own_list_of_waits_is_kept_to() {
    let (app, project, receiver) = failing();
    project.webhook(&receiver.url("/"), json!({ "retries": [5, 604_800] }));
    project.event(TYPE, json!({}));
    within_a_tenth(&waits(&app, &project, &receiver), &[5.0, 604_800.0]);
}

#[test]
fn without_retries_the_first_failure_is_the_last() {
    let (app, project, receiver) = failing();
    project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    project.event(TYPE, json!({}));
    assert!(waits(&app, &project, &receiver).is_empty());
}

#[test]
fn retry_after_lengthens_the_wait_up_to_a_day_and_never_shortens_it() {
    let (app, project, receiver) = failing();
    let later = "Sat, 21 Nov 2026 13:00:00 GMT";
    let (one, hour, day) = (60.0, 3_600.0, 86_400.0);
    for (n, (asked, expected)) in
        [("3600", hour), (later, hour), ("999999999", day), ("5", one), ("soon", one), ("", one)]
            .into_iter()
            .enumerate()
    {
        receiver.set(Behaviour { retry_after: Some(asked.to_owned()), ..Behaviour::status(503) });
        let webhook = project.webhook(&receiver.url("/"), json!({ "name": n.to_string(), "retries": [60] }));
        project.event(TYPE, json!({}));
        app.wait_for("retrying", 1);
        let list = format!("/v1/deliveries?webhook_id={}", id_of(&webhook));
        let delivery = project.api().get(&list).expect(200).json()["data"][0].clone();
        let wait = wait_of(&app, &delivery).as_seconds_f64();
        if expected == one {
            within_a_tenth(&[wait], &[one]);
        } else {
            assert!((wait - expected).abs() < 0.01, "{asked:?}: {wait}");
        }
        project.api().delete(&format!("/v1/webhooks/{}", id_of(&webhook))).expect(204);
    }
}

#[test]
fn retry_after_grants_no_retry_beyond_the_schedule() {
    let (app, project, receiver) = failing();
    receiver.set(Behaviour { retry_after: Some("60".to_owned()), ..Behaviour::status(429) });
    project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
}

#[test]
fn used_up_retries_disable_the_webhook_if_it_is_set_so_and_hold_what_waits() {
    let (app, project, receiver) = failing();
    let webhook = project.webhook(&receiver.url("/"), json!({ "retries": [60], "when_used_up": "disable" }));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    app.advance(Duration::seconds(30));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 2);
    // The first one's last retry, while the second one waits.
    app.advance(Duration::seconds(38));
    app.wait_for("failed", 1);
    app.wait_for("held", 1);
    let told = project.api().get(&format!("/v1/webhooks/{}", id_of(&webhook))).expect(200).json();
    assert_eq!(told["active"], false);
    assert_eq!(told["disabled"]["kind"], "retries_used_up");
    assert!(told["disabled"]["detail"].as_str().is_some_and(|detail| detail.contains("500")), "{told}");
    assert_eq!(told["disabled"]["at"], "2026-11-21T12:01:08.000Z");
}

#[test]
fn used_up_retries_leave_the_webhook_alone_otherwise() {
    let (app, project, receiver) = failing();
    let webhook = project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
    let told = project.api().get(&format!("/v1/webhooks/{}", id_of(&webhook))).expect(200).json();
    assert_eq!((&told["active"], &told["disabled"]), (&json!(true), &Value::Null));
}

#[test]
fn gone_ends_the_delivery_disables_the_webhook_and_holds_what_waits() {
    let (app, project, receiver) = failing();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    receiver.set(Behaviour::status(410));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
    app.wait_for("held", 1);
    let path = format!("/v1/webhooks/{}", id_of(&webhook));
    let told = project.api().get(&path).expect(200).json();
    assert_eq!(told["active"], false);
    assert_eq!(told["disabled"]["kind"], "gone");
    assert_eq!(told["disabled"]["at"], "2026-11-21T12:00:00.000Z");

    // From the next event on: no delivery, only a trace of why.
    let event = project.event(TYPE, json!({}));
    assert_eq!(event["deliveries"], 0);
    let told = project.api().get(&format!("/v1/events/{}", id_of(&event))).expect(200).json();
    assert_eq!(told["not_delivered_to"][0]["webhook_id"], webhook["id"]);
    assert_eq!(told["not_delivered_to"][0]["reason"], "disabled");
    assert_eq!(receiver.count(), 2);

    // Switched on again, what was held goes out.
    receiver.set(Behaviour::default());
    let told = project.api().patch(&path, &json!({ "active": true })).expect(200).json();
    assert_eq!((&told["active"], &told["disabled"]), (&json!(true), &Value::Null));
    app.wait_for("delivered", 1);
    app.wait_for("failed", 1);
}

#[test]
fn gone_disables_the_webhook_in_the_transaction_that_ends_the_delivery() {
    use diesel::connection::SimpleConnection as _;
    let (app, project, receiver) = failing();
    receiver.set(Behaviour::status(410));
    project.webhook(&receiver.url("/"), json!({}));
    // While somebody holds the webhook's row, it cannot be disabled: so the delivery cannot have ended either.
    let mut other = app.db.conn();
    other.batch_execute("begin; select 1 from webhooks for update").expect("lock");
    project.event(TYPE, json!({}));
    receiver::received(&receiver, 1);
    eventually("the recorder to wait for the lock", || {
        (app.db.count("pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0)
            .then_some(())
    });
    assert_eq!((app.db.count("deliveries where status = 4"), app.db.count("attempts")), (0, 0));
    other.batch_execute("commit").expect("unlock");
    app.wait_for("failed", 1);
    assert_eq!(app.db.count("webhooks where disabled_kind = 'gone' and not active"), 1);
}

#[test]
fn a_resend_starts_the_schedule_afresh_and_keeps_the_attempts() {
    let (app, project, receiver) = failing();
    project.webhook(&receiver.url("/"), json!({ "retries": [60] }));
    project.event(TYPE, json!({}));
    assert_eq!(waits(&app, &project, &receiver).len(), 1);
    let id = id_of(&only(&project)).to_owned();
    let resent = project.api().post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202).json();
    assert_eq!((&resent["id"], &resent["status"]), (&json!(id), &json!("due")));
    app.wait_for("retrying", 1);
    let delivery = project.delivery(&id);
    assert_eq!(delivery["attempt_count"], 3);
    within_a_tenth(&[wait_of(&app, &delivery).as_seconds_f64()], &[60.0]);
    receiver.set(Behaviour::default());
    project.api().post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202);
    app.wait_for("delivered", 1);
    // A delivered one may be sent again too.
    project.api().post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202);
    receiver::received(&receiver, 5);
    app.wait_for("delivered", 1);
    let delivery = project.delivery(&id);
    assert_eq!(delivery["attempt_count"], 5);
    assert_eq!(delivery["last_failure"], Value::Null);
}

#[test]
fn a_delivery_that_is_under_way_or_has_nowhere_to_go_is_not_resent() {
    let (app, project, receiver) = failing();
    let webhook = project.webhook(&receiver.url("/"), json!({ "retries": "none" }));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
    let resend = format!("/v1/deliveries/{}/resend", id_of(&only(&project)));
    let path = format!("/v1/webhooks/{}", id_of(&webhook));

    receiver.set(Behaviour { delay: std::time::Duration::from_millis(300), ..Behaviour::default() });
    project.api().post(&resend, &json!({})).expect(202);
    problem(&project.api().post(&resend, &json!({})), 409);
    app.wait_for("delivered", 1);

    project.api().patch(&path, &json!({ "active": false })).expect(200);
    problem(&project.api().post(&resend, &json!({})), 409);
    project.api().delete(&path).expect(204);
    problem(&project.api().post(&resend, &json!({})), 409);
    assert_eq!(receiver.count(), 2);
}
