//! What requests carry for a receiver to know us by, and that nobody else ever reads it.
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::problems::{pointers, problem};
use crate::support::receiver::{self, Behaviour, Received, Receiver};

const TYPE: &str = "customer.rewarded";

fn next(project: &Project, receiver: &Receiver) -> Received {
    let before = receiver.count();
    project.event(TYPE, json!({}));
    receiver::received(receiver, before + 1).pop().expect("a request")
}

fn path_of(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

#[test]
fn each_kind_of_authentication_and_extra_headers_arrive() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    for (authentication, header, value) in [
        (json!({ "type": "bearer", "token": "tok-en" }), "authorization", "Bearer tok-en"),
        (
            json!({ "type": "basic", "username": "Aladdin", "password": "open sesame" }),
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (json!({ "type": "api_key", "header": "X-Shop-Key", "value": "k 1" }), "x-shop-key", "k 1"),
        (json!({ "type": "api_key", "value": "k2" }), "x-api-key", "k2"),
    ] {
        let changes =
            json!({ "authentication": authentication, "headers": { "X-Region": "eu", "x-b": "2" } });
        let told = project.api().patch(&path_of(&webhook), &changes).expect(200).json();
        assert_eq!(told["authentication"]["type"], authentication["type"]);
        let received = next(&project, &receiver);
        assert_eq!(received.header(header), Some(value));
        assert_eq!((received.header("x-region"), received.header("x-b")), (Some("eu"), Some("2")));
        assert_eq!(received.headers.iter().filter(|(name, _)| name == header).count(), 1);
    }
    project.api().patch(&path_of(&webhook), &json!({ "authentication": { "type": "none" }, "headers": {} }));
    let received = next(&project, &receiver);
    assert!(["authorization", "x-api-key", "x-region"].iter().all(|name| received.header(name).is_none()));
}

#[test]
fn stored_values_stay_when_they_are_not_told_again_and_never_come_back() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let settings = json!({
        "authentication": { "type": "bearer", "token": "a-secret-token" },
        "headers": { "x-a": "first-value", "x-b": "second-value" },
    });
    let webhook = project.webhook(&receiver.url("/"), settings);
    let told = project.api().get(&path_of(&webhook)).expect(200).json();
    for text in ["a-secret-token", "first-value", "second-value"] {
        assert!(!webhook.to_string().contains(text) && !told.to_string().contains(text), "{told}");
    }
    let fingerprint = told["authentication"]["fingerprint"].as_str().expect("a fingerprint");
    assert_eq!(fingerprint.len(), 12);
    // As it was answered, and a part of it.
    project.api().put(&path_of(&webhook), &told).expect(200);
    let headers = json!({ "x-b": told["headers"]["x-b"], "x-c": "new" });
    project.api().patch(&path_of(&webhook), &json!({ "name": "renamed", "headers": headers })).expect(200);
    project.api().patch(&path_of(&webhook), &json!({ "authentication": { "type": "bearer" } })).expect(200);
    let received = next(&project, &receiver);
    assert_eq!(received.header("authorization"), Some("Bearer a-secret-token"));
    assert_eq!(received.header("x-a"), None);
    assert_eq!((received.header("x-b"), received.header("x-c")), (Some("second-value"), Some("new")));
    project.api().put(&path_of(&webhook), &json!({ "target_url": receiver.url("/"), "all_events": true }));
    assert_eq!(next(&project, &receiver).header("authorization"), None, "back to the default");
}

#[test]
fn wrong_values_are_told_with_their_place() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    for (changes, pointer) in [
        (json!({ "authentication": { "type": "magic" } }), "/authentication/type"),
        (json!({ "authentication": { "type": "bearer" } }), "/authentication/token"),
        (json!({ "authentication": { "type": "bearer", "token": "a\nb" } }), "/authentication/token"),
        (
            json!({ "authentication": { "type": "basic", "username": "a:b", "password": "x" } }),
            "/authentication/username",
        ),
        (json!({ "authentication": { "type": "basic", "username": "a" } }), "/authentication/password"),
        (
            json!({ "authentication": { "type": "api_key", "header": "Host", "value": "x" } }),
            "/authentication/header",
        ),
        (json!({ "authentication": { "type": "bearer", "token": "t", "pin": "1" } }), "/authentication/pin"),
        (json!({ "headers": { "webhook-id": "x" } }), "/headers"),
        (json!({ "headers": { "x-a": "" } }), "/headers"),
        (json!({ "headers": { "x-a": 1 } }), "/headers/x-a"),
        (json!({ "headers": { "x-a": "1", "X-A": "2" } }), "/headers"),
        (json!({ "extra_signature": "md5" }), "/extra_signature"),
        (json!({ "preset": "nope" }), "/preset"),
        (json!({ "when_paused": "lose" }), "/when_paused"),
        (json!({ "maintenance": { "from": "today", "until": "x" } }), "/maintenance/from"),
    ] {
        let refused = problem(&project.api().patch(&path_of(&webhook), &changes), 422);
        assert_eq!(pointers(&refused), [pointer], "{changes}");
    }
    let twice = json!({
        "authentication": { "type": "bearer", "token": "t" },
        "headers": { "Authorization": "Digest x" },
    });
    assert_eq!(pointers(&problem(&project.api().patch(&path_of(&webhook), &twice), 422)), ["/headers"]);
    let many: serde_json::Map<String, Value> = (0..21).map(|n| (format!("x-{n}"), json!("v"))).collect();
    let refused = problem(&project.api().patch(&path_of(&webhook), &json!({ "headers": many })), 422);
    assert_eq!(pointers(&refused), ["/headers"]);
}

#[test]
fn the_history_masks_what_was_sent_and_what_a_receiver_echoes() {
    let echo = Behaviour {
        body: "you sent Basic dXNlcjpwYXNzLXdvcmQ= that is pass-word and header-secret".into(),
        ..Behaviour::default()
    };
    let (app, receiver) = (App::start(), receiver::start_with(echo));
    let project = factory::project(&app, "Shop");
    project.webhook(
        &receiver.url("/"),
        json!({
            "authentication": { "type": "basic", "username": "user", "password": "pass-word" },
            "headers": { "x-key": "header-secret" },
        }),
    );
    let received = next(&project, &receiver);
    assert_eq!(received.header("authorization"), Some("Basic dXNlcjpwYXNzLXdvcmQ="));
    app.wait_for("delivered", 1);
    let id = project.deliveries()[0]["id"].as_str().expect("an id").to_owned();
    let told = project.delivery(&id);
    let headers = &told["attempts"][0]["request"]["headers"];
    assert!(headers["authorization"].as_str().is_some_and(|v| v.starts_with("Basic [hidden ")), "{headers}");
    assert!(headers["x-key"].as_str().is_some_and(|v| v.starts_with("[hidden ")), "{headers}");
    let body = told["attempts"][0]["response"]["body"].as_str().expect("a body");
    assert_eq!(body, "you sent [hidden] that is [hidden] and [hidden]");
    for secret in ["pass-word", "header-secret", "dXNlcjpwYXNzLXdvcmQ"] {
        assert!(!told.to_string().contains(secret), "{told}");
    }
}
