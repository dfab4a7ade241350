//! The envelope of version 2018-08-01, for receivers that were written for it.
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::problems::problem;
use crate::support::receiver::{self, Behaviour};

const OLDER: &str = "2018-08-01";

fn started() -> (App, Project) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project)
}

#[test]
fn a_webhook_of_the_older_version_gets_the_older_envelope_and_the_history_shows_it_byte_for_byte() {
    let (app, project) = started();
    let receiver = receiver::start();
    let webhook = project.webhook(&receiver.url("/in"), json!({ "version": OLDER }));
    assert_eq!(webhook["version"], OLDER);
    let body = br#"{"type":"customer.rewarded","data":{"b": 9007199254740993, "a":"Zo\u00eb"}}"#;
    let event: Value = project
        .api()
        .send("POST", "/v1/events", &[("content-type", "application/json")], body)
        .expect(202)
        .json();
    let got = receiver::received(&receiver, 1);
    let expected = format!(
        r#"{{"id":{},"object":"event","webhook_id":null,"project_id":"{}","created_at":{},"type":"customer.rewarded","data":{{"object":{{"b":9007199254740993,"a":"Zoë"}},"previous_attributes":{{}}}},"metadata":{{"source":"API"}}}}"#,
        event["id"], project.id, event["created_at"],
    );
    assert_eq!(got[0].text(), expected);

    app.wait_for("delivered", 1);
    let id = got[0].header("webhook-id").expect("an id");
    let delivery = project.delivery(id);
    assert_eq!(delivery["body"], expected);
    assert_eq!(delivery["attempts"][0]["request"]["body"], expected);
}

#[test]
fn headers_and_signature_are_the_same_for_both_versions() {
    let (app, project) = started();
    let receiver = receiver::start();
    let versions = [("/newer", "2024-01-01"), ("/older", OLDER)];
    let webhooks = versions.map(|(path, version)| {
        project.webhook(&receiver.url(path), json!({ "name": path, "version": version }))
    });
    project.event("customer.rewarded", json!({ "n": 1 }));
    app.wait_for("delivered", 2);
    for ((path, version), webhook) in versions.into_iter().zip(&webhooks) {
        let got = receiver.received().into_iter().find(|got| got.path == path).expect("a request");
        assert_eq!(got.header("x-callout-event"), Some("customer.rewarded"));
        assert!(got.header("webhook-id").is_some_and(|id| id.starts_with("whs_")));
        let library =
            standardwebhooks::Webhook::new(webhook["secret"].as_str().expect("a secret")).expect("a key");
        let header = |name: &str| got.header(name).expect("a header");
        let signed = library.sign(
            header("webhook-id"),
            header("webhook-timestamp").parse().expect("seconds"),
            &got.body,
        );
        assert_eq!(signed.expect("a signature"), header("webhook-signature"), "{version}");
    }
}

#[test]
fn what_was_sent_before_the_version_changed_is_shown_as_it_was() {
    let (app, project) = started();
    let receiver = receiver::start_with(Behaviour::status(503));
    let webhook = project.webhook(&receiver.url("/"), json!({ "version": OLDER }));
    project.event("customer.rewarded", json!({ "n": 1 }));
    app.wait_for("retrying", 1);
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"));
    project.api().patch(&path, &json!({ "version": "2024-01-01" })).expect(200);
    receiver.set(Behaviour::default());
    app.advance(time::Duration::minutes(2));
    app.wait_for("delivered", 1);
    let got = receiver.received();
    let delivery = project.delivery(got[0].header("webhook-id").expect("an id"));
    let shown: Vec<&str> =
        (0..2).filter_map(|n| delivery["attempts"][n]["request"]["body"].as_str()).collect();
    assert_eq!(shown, [got[0].text(), got[1].text()]);
    assert!(shown[0].contains("\"previous_attributes\"") && shown[1].contains("\"event_source\""));
}

#[test]
fn an_unknown_version_is_refused_and_a_flat_body_is_flat_in_each() {
    let (_app, project) = started();
    let receiver = receiver::start();
    let settings = json!({ "target_url": receiver.url("/"), "all_events": true, "version": "2020-01-01" });
    let told = problem(&project.api().post("/v1/webhooks", &settings), 422);
    assert_eq!(told["errors"][0]["pointer"], "/version", "{told}");
    assert_eq!(told["errors"][0]["message"], r#"The version is "2024-01-01" or "2018-08-01"."#);
    project.webhook(&receiver.url("/"), json!({ "version": OLDER, "body": "flat" }));
    project.event("customer.rewarded", json!({ "n": 1 }));
    assert_eq!(receiver::received(&receiver, 1)[0].text(), r#"{"n":1}"#);
}
