//! What a receiver sees: headers, signature and body, and that the history tells exactly that.
use std::collections::HashMap;

use callout::base::clock::Clock;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use time::OffsetDateTime;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::receiver::{self, Behaviour, Received};

const TYPE: &str = "customer.rewarded";

/// What Standard Webhooks' own library says. It compares with the real time.
fn library_accepts(received: &Received, secret: &str) -> bool {
    let headers: HashMap<_, _> = received.headers.iter().cloned().collect();
    let headers = (&headers).try_into().expect("headers");
    Webhook::new(secret).expect("a secret").verify(&received.body, &headers).is_ok()
}

fn posted(project: &Project, body: &str) -> Value {
    let headers = [("content-type", "application/json")];
    project.api().send("POST", "/v1/events", &headers, body.as_bytes()).expect(202).json()
}

/// The one attempt of the one delivery.
fn attempt(app: &App, project: &Project) -> Value {
    app.wait_for("delivered", 1);
    let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    project.delivery(&id)["attempts"][0].clone()
}

#[test]
fn standard_webhooks_own_library_accepts_every_request() {
    let app = App::start_with(|_, overrides| overrides.clock = Some(Clock::fixed(OffsetDateTime::now_utc())));
    let (project, receiver) = (factory::project(&app, "Shop"), receiver::start());
    let secret = |webhook: Value| webhook["secret"].as_str().expect("a secret").to_owned();
    let envelope = secret(project.webhook(&receiver.url("/envelope"), json!({ "name": "a" })));
    let flat = secret(project.webhook(&receiver.url("/flat"), json!({ "name": "b", "body": "flat" })));
    assert!(envelope.starts_with("whsec_") && envelope.len() == 50 && envelope != flat);
    project.event(TYPE, json!({ "ü": "\u{1f600} \0", "n": 1.50e3 }));
    for received in receiver::received(&receiver, 2) {
        let (own, other) = if received.path == "/flat" { (&flat, &envelope) } else { (&envelope, &flat) };
        assert!(library_accepts(&received, own), "{received:?}");
        assert!(!library_accepts(&received, other), "signed with another webhook's secret");
        let mut changed = received.clone();
        changed.body = [&received.body[..], b" "].concat().into();
        assert!(!library_accepts(&changed, own), "the whole body is signed");
    }
}

#[test]
fn a_request_is_a_post_of_json_that_says_who_sends_what_and_when() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/in?a=b%20c"), json!({}));
    project.event(TYPE, json!({}));
    let received = receiver::received(&receiver, 1).remove(0);
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/in?a=b%20c"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert!(received.header("user-agent").is_some_and(|agent| agent.starts_with("Callout/")));
    assert!(received.header("webhook-id").is_some_and(|id| id.starts_with("whs_") && id.len() == 36));
    assert_eq!(received.header("webhook-timestamp"), Some("1795262400"));
    assert!(received.header("webhook-signature").is_some_and(|signature| signature.starts_with("v1,")));
    assert_eq!(received.header("x-callout-event"), Some(TYPE));
    assert_eq!(received.header("host"), Some(receiver.addr().to_string().as_str()));
    assert_eq!(received.header("content-length"), Some(received.body.len().to_string().as_str()));
}

#[test]
fn every_attempt_and_resend_has_the_same_id_and_body_and_its_own_time_and_signature() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::status(500)));
    let project = factory::project(&app, "Shop");
    let secret = project.webhook(&receiver.url("/"), json!({ "retries": [60] }))["secret"].clone();
    project.event(TYPE, json!({ "a": 1 }));
    app.wait_for("retrying", 1);
    receiver.set(Behaviour::default());
    app.advance(time::Duration::seconds(70));
    app.wait_for("delivered", 1);
    app.advance(time::Duration::hours(1));
    let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    project.api().post(&format!("/v1/deliveries/{id}/resend"), &json!({})).expect(202);
    let received = receiver::received(&receiver, 3);
    let webhook = Webhook::new(secret.as_str().expect("a secret")).expect("a secret");
    for (one, timestamp) in received.iter().zip([1_795_262_400, 1_795_262_470, 1_795_266_070]) {
        assert_eq!(one.header("webhook-id"), Some(id.as_str()));
        assert_eq!(one.body, received[0].body);
        assert_eq!(one.header("webhook-timestamp"), Some(timestamp.to_string().as_str()));
        let expected = webhook.sign(&id, timestamp, &one.body).expect("a signature");
        assert_eq!(one.header("webhook-signature"), Some(expected.as_str()));
    }
}

#[test]
fn an_envelope_has_the_published_fields_in_the_published_order() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let url = receiver.url("/in?x=\"1\"&y='/");
    let webhook = project.webhook(&url, json!({}));
    let data = r#"{"customer":{"id":"cust_1"},"reward":null}"#;
    let event = posted(
        &project,
        &format!(
            r#"{{"entity_id":"cust_1","group_id":"v-1","created_at":"2026-11-20T10:11:12.345678Z","data":{data},"type":"{TYPE}"}}"#
        ),
    );
    let received = receiver::received(&receiver, 1).remove(0);
    let app_id = app.db.text("select app_id from api_keys");
    let (event_id, webhook_id) =
        (event["id"].as_str().expect("an id"), webhook["id"].as_str().expect("an id"));
    let expected = format!(
        concat!(
            r#"{{"id":"{id}","project_id":"{project}","created_at":"2026-11-20T10:11:12.345Z","type":"{type}","#,
            r#""data":{data},"source":{{"id":"{webhook}","object":"webhook","target_url":{url}}},"#,
            r#""event":{{"id":"{event}","type":"{type}","created_at":"2026-11-20T10:11:12.345Z","#,
            r#""entity_id":"cust_1","group_id":"v-1","event_source":{{"channel":"API","#,
            r#""api_key":{{"name":"all","app_id":"{app_id}"}}}}}}}}"#
        ),
        id = received.header("webhook-id").expect("an id"),
        project = project.id,
        r#type = TYPE,
        data = data,
        webhook = webhook_id,
        url = Value::from(url),
        event = event_id,
        app_id = app_id,
    );
    assert_eq!(received.text(), expected);
}

#[test]
fn an_envelope_without_an_entity_leaves_the_field_out() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    let text = receiver::received(&receiver, 1).remove(0).text();
    assert!(!text.contains("entity_id"), "{text}");
}

#[test]
fn an_address_is_called_as_browsers_call_it_and_told_as_it_was_typed() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let typed = receiver.url("/grüße/../ü?q=ä&r=%20");
    project.webhook(&typed, json!({}));
    project.event(TYPE, json!({}));
    let received = receiver::received(&receiver, 1).remove(0);
    assert_eq!(received.path, "/%C3%BC?q=%C3%A4&r=%20");
    let body: Value = serde_json::from_slice(&received.body).expect("JSON");
    assert_eq!(body["source"]["target_url"], typed);
}

#[test]
fn a_flat_body_is_the_data_itself_in_the_form_that_javascript_leaves_alone() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({ "body": "flat" }));
    let data = r#"{ "b" : 1.0, "2": 1e21, "a" : "\u00fc\/", "1" : [ -0, 9007199254740993 ], "b": 0.1e-7 }"#;
    posted(&project, &format!(r#"{{"type":"{TYPE}","data":{data}}}"#));
    let text = receiver::received(&receiver, 1).remove(0).text();
    assert_eq!(text, r#"{"1":[0,9007199254740993],"2":1e+21,"b":1e-8,"a":"ü/"}"#);
}

#[test]
fn the_history_tells_body_and_headers_exactly_as_the_receiver_got_them() {
    for body in ["envelope", "flat"] {
        let (app, receiver) = (App::start(), receiver::start());
        let project = factory::project(&app, "Shop");
        let webhook = project.webhook(&receiver.url("/in"), json!({ "body": body }));
        project.event(TYPE, json!({ "text": "ü \u{2028} \" \0", "list": [1, 2.5, null, true] }));
        let attempt = attempt(&app, &project);
        // Changes after the fact don't rewrite the past.
        let path = format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"));
        let other = if body == "flat" { "envelope" } else { "flat" };
        project.api().patch(&path, &json!({ "body": other, "target_url": receiver.url("/out") })).expect(200);
        let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
        let alone = project.delivery(&id);
        assert_eq!(alone["attempts"][0], attempt);

        let received = receiver::received(&receiver, 1).remove(0);
        assert_eq!(attempt["request"]["body"], received.text());
        assert_eq!(alone["body"], received.text());
        let headers: serde_json::Map<String, Value> =
            received.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        assert_eq!(attempt["request"]["headers"], Value::Object(headers));
        assert_eq!(attempt["url"], receiver.url("/in"));
        assert_eq!(attempt["address"], receiver.addr().to_string());
    }
}

#[test]
fn the_history_tells_the_answer_as_it_came() {
    let behaviour = Behaviour {
        headers: vec![
            ("x-one".into(), "1".into()),
            ("x-one".into(), "2".into()),
            ("x-two".into(), "a b".into()),
        ],
        body: "thank you \u{1f600}\0".as_bytes().to_vec().into(),
        ..Behaviour::status(201)
    };
    let (app, receiver) = (App::start(), receiver::start_with(behaviour));
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event(TYPE, json!({}));
    let attempt = attempt(&app, &project);
    let response = &attempt["response"];
    assert_eq!(response["status"], 201);
    assert_eq!(response["body"], "thank you \u{1f600}\0");
    assert_eq!(response["truncated"], false);
    assert_eq!(response["headers"]["x-one"], "1, 2");
    assert_eq!(response["headers"]["x-two"], "a b");
    assert_eq!(attempt["failure"], Value::Null);
    assert_eq!(attempt["number"], 1);
    assert_eq!(attempt["started_at"], "2026-11-21T12:00:00.000Z");
    let total = attempt["timings"]["total_ms"].as_f64().expect("a time");
    assert!(total > 0.0 && attempt["duration_ms"] == attempt["timings"]["total_ms"], "{attempt}");
    assert!(attempt["timings"]["connect_ms"].as_f64().expect("a time") <= total);
    assert!(attempt["timings"]["first_byte_ms"].as_f64().expect("a time") <= total);
    assert_eq!(attempt["timings"]["tls_ms"], Value::Null);
}
