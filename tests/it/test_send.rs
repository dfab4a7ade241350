//! A test from a webhook: sent once, told as it went, in the history, and without consequences.
use std::time::Duration as RealDuration;

use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::client::Answer;
use crate::support::factory::{self, Project};
use crate::support::names::Names;
use crate::support::problems::problem;
use crate::support::receiver::{self, Behaviour, Misbehaviour};

fn started() -> (App, Project) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project)
}

fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}/test", webhook["id"].as_str().expect("an id"))
}

fn tested(project: &Project, webhook: &Value) -> Value {
    project.api().post(&path(webhook), &json!({})).expect(200).json()
}

fn only(project: &Project) -> Value {
    let deliveries = project.deliveries();
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    project.delivery(deliveries[0]["id"].as_str().expect("an id"))
}

fn active(project: &Project, webhook: &Value) -> Value {
    let id = webhook["id"].as_str().expect("an id");
    project.api().get(&format!("/v1/webhooks/{id}")).expect(200).json()["active"].clone()
}

#[test]
fn a_test_tells_what_the_receiver_said_and_is_in_the_history() {
    let (app, project) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/in"), json!({}));
    project.webhook(&receiver.url("/other"), json!({ "name": "other", "all_events": true }));
    let told = tested(&project, &webhook);
    assert_eq!(told["status"], "delivered", "{told}");
    assert_eq!(told["number"], 1);
    assert_eq!(told["response"]["status"], 200);
    assert_eq!(told["response"]["body"], "received\n");
    assert!(told["timings"]["total_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{told}");
    let got = receiver::received(&receiver, 1);
    assert_eq!(got.len(), 1, "to this webhook alone");
    assert_eq!(got[0].header("x-callout-event"), Some("customer.rewarded"), "the first it subscribes to");
    assert_eq!(got[0].header("webhook-id"), told["delivery_id"].as_str());
    let sent: Value = serde_json::from_slice(&got[0].body).expect("JSON");
    let sample = project.api().get("/v1/event-types/customer.rewarded").expect(200).json()["sample"].clone();
    assert_eq!(sent["data"], sample);
    assert_eq!(sent["event"]["event_source"]["channel"], "API");

    let delivery = only(&project);
    assert_eq!((&delivery["test"], &delivery["id"]), (&json!(true), &told["delivery_id"]));
    let mut attempt = told.clone();
    for added in ["delivery_id", "event_id", "event_type", "status"] {
        attempt.as_object_mut().expect("an object").remove(added);
    }
    assert_eq!(delivery["attempts"], json!([attempt]), "the same attempt");
    let event =
        project.api().get(&format!("/v1/events/{}", told["event_id"].as_str().unwrap())).expect(200).json();
    assert_eq!((&event["test"], &event["not_delivered_to"]), (&json!(true), &json!([])));
    let listed = project.api().get("/v1/events").expect(200).json();
    assert_eq!(listed["data"][0]["test"], true, "{listed}");
    assert_eq!(app.db.count("external_ids"), 0);
}

#[test]
fn a_test_sends_the_type_and_data_that_are_asked_for() {
    let (_app, project) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({ "body": "flat" }));
    let body = br#"{"type":"voucher.created","data":{"b":1.50, "a":"x"}}"#;
    let headers = [("content-type", "application/json")];
    project.api().send("POST", &path(&webhook), &headers, body).expect(200);
    project.api().send("POST", &path(&webhook), &headers, b"").expect(200);
    let got = receiver::received(&receiver, 2);
    assert_eq!(got[0].body, br#"{"b":1.5,"a":"x"}"#[..]);
    assert_eq!(got[0].header("x-callout-event"), Some("voucher.created"));
    assert_eq!(got[1].header("x-callout-event"), Some("customer.rewarded"));
    let all = project.webhook(&receiver.url("/all"), json!({ "name": "all", "all_events": true }));
    assert_eq!(tested(&project, &all)["event_type"], "customer.created");
}

#[test]
fn a_test_that_fails_is_not_tried_again() {
    let (app, project) = started();
    let receiver = receiver::start_with(Behaviour::status(500));
    let webhook = project.webhook(&receiver.url("/"), json!({ "when_used_up": "disable" }));
    let told = tested(&project, &webhook);
    assert_eq!((&told["status"], &told["failure"]["kind"]), (&json!("failed"), &json!("response_status")));
    app.advance(Duration::days(2));
    project.event("customer.rewarded", json!({}));
    app.wait_for("retrying", 1);
    assert_eq!(receiver.count(), 2, "the test, and the event");
    assert_eq!(active(&project, &webhook), true);
}

#[test]
fn a_test_that_is_answered_410_disables_nothing() {
    let (app, project) = started();
    let receiver = receiver::start_with(Behaviour::status(410));
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let told = tested(&project, &webhook);
    assert_eq!(told["status"], "failed");
    assert!(!told["failure"]["detail"].as_str().unwrap().contains("was disabled"), "{told}");
    assert_eq!(active(&project, &webhook), true);
    // Nor when it is sent again from the history.
    let id = told["delivery_id"].as_str().expect("an id");
    project.api().post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202);
    app.wait_until("it was sent again", |_| receiver.count() == 2);
    app.wait_for("failed", 1);
    assert_eq!(active(&project, &webhook), true);
    assert_eq!(only(&project)["attempt_count"], 2);
}

#[test]
fn a_test_ends_with_the_webhooks_time_limit() {
    let (_app, project) = started();
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Hang));
    let webhook = project.webhook(&receiver.url("/"), json!({ "timeout_ms": 1_000 }));
    let told = tested(&project, &webhook);
    assert_eq!((&told["status"], &told["failure"]["kind"]), (&json!("failed"), &json!("timeout")), "{told}");
    assert_eq!(told["response"], Value::Null);
}

#[test]
fn a_test_goes_nowhere_that_deliveries_may_not_go() {
    let names = Names::of("shop.example", &["127.0.0.1"]);
    let app = App::start_with(|config, overrides| {
        config.allow_http = true;
        overrides.resolver = Some(names.clone());
    });
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook("http://shop.example:9/", json!({}));
    names.set("shop.example", &["10.0.0.7"]);
    let told = tested(&project, &webhook);
    assert_eq!(told["failure"]["kind"], "refused_address", "{told}");
    assert!(!told.to_string().contains("10.0.0.7"));
}

#[test]
fn a_paused_webhook_can_be_tested_and_stays_paused() {
    let (_app, project) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({ "active": false }));
    project.api().patch("/v1/project", &json!({ "webhooks_enabled": false })).expect(200);
    assert_eq!(tested(&project, &webhook)["status"], "delivered");
    assert_eq!(active(&project, &webhook), false);
}

#[test]
fn tests_are_counted_in_no_metric() {
    let (app, project) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/?status=500"), json!({}));
    let told = tested(&project, &webhook);
    let id = told["delivery_id"].as_str().expect("an id");
    project.api().post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202);
    app.wait_until("it was sent again", |_| receiver.count() == 2);
    app.wait_for("failed", 1);
    let metrics = project.api().get("/metrics").expect(200).body;
    for name in [
        "attempts",
        "attempts_failed",
        "delivered",
        "deliveries_given_up",
        "deliveries_created",
        "events_accepted",
    ] {
        assert!(metrics.contains(&format!("callout_{name}_total 0\n")), "{name} in {metrics}");
    }
}

#[test]
fn a_webhook_is_tested_twenty_times_a_minute_and_no_more() {
    let (app, project) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let other = project.webhook(&receiver.url("/"), json!({ "name": "other" }));
    for _ in 0..20 {
        tested(&project, &webhook);
    }
    app.advance(Duration::seconds(20));
    let refused: Answer = project.api().post(&path(&webhook), &json!({}));
    assert_eq!(problem(&refused, 429)["title"], "Too many requests");
    assert_eq!(refused.header("retry-after"), Some("41"), "{refused:?}");
    tested(&project, &other);
    assert_eq!(receiver.count(), 21);
    app.advance(Duration::seconds(40));
    tested(&project, &webhook);
}

#[test]
fn what_cannot_be_a_test_is_refused_with_its_place_and_nothing_is_sent() {
    let (app, project) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let refused = |body: Value| problem(&project.api().post(&path(&webhook), &body).expect(422), 422);
    let unknown = refused(json!({ "type": "customer.rewardet" }));
    assert_eq!(unknown["errors"][0]["pointer"], "/type");
    assert!(unknown["detail"].as_str().unwrap().contains("customer.rewarded"), "{unknown}");
    assert_eq!(refused(json!({ "data": [1] }))["errors"][0]["pointer"], "/data");
    assert_eq!(refused(json!({ "data": {}, "id": "1" }))["errors"][0]["pointer"], "/id");
    assert_eq!(refused(json!({ "type": 7, "data": 7 }))["errors"].as_array().map(Vec::len), Some(2));
    refused(json!([]));
    let headers = [("content-type", "application/json")];
    project.api().send("POST", &path(&webhook), &headers, b"{").expect(400);
    let large = json!({ "data": { "a": "x".repeat(256 * 1024) } });
    project.api().post(&path(&webhook), &large).expect(413);
    let foreign = factory::project(&app, "Other");
    foreign.api().post(&path(&webhook), &json!({})).expect(404);
    assert_eq!((receiver.count(), app.db.count("events")), (0, 0));
}

#[test]
fn a_test_that_a_crash_cut_short_has_failed_and_is_not_sent_again() {
    let (mut app, project) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    tested(&project, &webhook);
    let node = std::fs::read_to_string(app.parts.config.data_dir.join("node.id")).expect("the node's id");
    // As a kill would have left it: claimed, the outcome never written.
    let cut = |node: &str| {
        format!(
            "delete from attempts; update deliveries set status = 1, attempt_count = 0, ended_at = null, \
             claimed_by = {node}, due_at = '2026-11-21 12:00:25+00'"
        )
    };
    app.stop();
    app.db.execute(&cut(&format!("'{}'", node.trim())));
    app.restart();
    let project = project.again(&app);
    let delivery = only(&project);
    assert_eq!(
        (&delivery["status"], &delivery["attempts"][0]["failure"]["kind"]),
        (&json!("failed"), &json!("interrupted"))
    );
    // The same where another node comes upon it.
    app.db.execute(&cut("gen_random_uuid()"));
    app.advance(Duration::seconds(30));
    app.wait_for("failed", 1);
    let delivery = only(&project);
    assert_eq!(delivery["last_failure"]["kind"], "interrupted", "{delivery}");
    assert_eq!(app.db.count("deliveries where due_at is null and ended_at is not null"), 1);
    assert_eq!(receiver.count(), 1);
}

#[test]
fn nobody_holds_a_connection_while_a_test_is_under_way() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let receiver =
        receiver::start_with(Behaviour { delay: RealDuration::from_millis(1_500), ..Behaviour::default() });
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    std::thread::scope(|scope| {
        let tests: Vec<_> = (0..18)
            .map(|_| {
                scope.spawn(|| {
                    let project = app.client().with_key(&project.token);
                    project.post(&path(&webhook), &json!({})).expect(200)
                })
            })
            .collect();
        receiver::received(&receiver, 18);
        assert_eq!(app.db.count("deliveries where status = 1 and test"), 18);
        let mine = "pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        assert_eq!(app.db.count(&format!("{mine} and state like 'idle in transaction%'")), 0);
        app.client().get("/readyz").expect(200);
        tests.into_iter().for_each(|test| drop(test.join().expect("an answer")));
    });
    app.wait_for("delivered", 18);
}

#[test]
fn a_test_goes_on_when_nobody_waits_for_it_any_more() {
    let (app, project) = started();
    let receiver =
        receiver::start_with(Behaviour { delay: RealDuration::from_millis(500), ..Behaviour::default() });
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 0\r\n\r\n",
        path(&webhook),
        project.token
    );
    let mut gone = std::net::TcpStream::connect(app.address).expect("connect");
    std::io::Write::write_all(&mut gone, request.as_bytes()).expect("send");
    receiver::received(&receiver, 1);
    drop(gone);
    app.wait_for("delivered", 1);
    assert_eq!(only(&project)["test"], true);
}

#[test]
fn a_project_whose_receivers_hang_keeps_no_other_from_testing() {
    let (app, project) = started();
    let hanging = Misbehaviour::Hang;
    let hang = receiver::start_with(Behaviour { misbehave: Some(hanging), ..Behaviour::default() });
    let webhooks: Vec<Value> =
        (0..3).map(|n| project.webhook(&hang.url("/"), json!({ "name": format!("h{n}") }))).collect();
    let (other, receiver) = (factory::project(&app, "Other"), receiver::start());
    let healthy = other.webhook(&receiver.url("/"), json!({}));
    let request = |webhook: &Value| {
        let head = "HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nauthorization: Bearer";
        format!("POST {} {head} {}\r\n\r\n", path(webhook), project.token)
    };
    let waiting: Vec<_> = (0..32)
        .map(|n| {
            let mut stream = std::net::TcpStream::connect(app.address).expect("connect");
            std::io::Write::write_all(&mut stream, request(&webhooks[n % 3]).as_bytes()).expect("send");
            stream
        })
        .collect();
    receiver::received(&hang, 32);
    let busy = project.api().post(&path(&webhooks[0]), &json!({})).expect(429);
    assert!(busy.header("retry-after").is_some());
    assert_eq!(tested(&other, &healthy)["status"], "delivered");
    drop(waiting);
}
