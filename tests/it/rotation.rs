//! New secrets for old ones: both sign until the old one's time is over, and there is a way back.
use callout::rules::signing::{self, Secret, TOLERANCE_S, verify, voucherify_signature};
use serde_json::{Value, json};
use time::Duration;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::problems::{pointers, problem};
use crate::support::receiver::{self, Received, Receiver};

const TYPE: &str = "customer.rewarded";

fn signed_by(received: &Received, secret: &Value) -> bool {
    let secret = Secret::parse(secret.as_str().expect("a secret")).expect("a secret");
    let header = |name: &str| received.header(name).expect("a header").to_owned();
    let (id, signature) = (header("webhook-id"), header("webhook-signature"));
    let timestamp: i64 = header("webhook-timestamp").parse().expect("seconds");
    let head = signing::Received { id: &id, timestamp, signature: &signature };
    verify(&secret, &head, &[&received.body], timestamp, TOLERANCE_S).is_ok()
}

/// What the receiver gets next.
fn next(project: &Project, receiver: &Receiver) -> Received {
    let before = receiver.count();
    project.event(TYPE, json!({}));
    receiver::received(receiver, before + 1).pop().expect("a request")
}

fn rotate(project: &Project, webhook: &Value, body: Value) -> Value {
    let id = webhook["id"].as_str().expect("an id");
    project.api().post(&format!("/v1/webhooks/{id}/secret/rotate"), &body).expect(200).json()
}

fn secret_path(webhook: &Value, what: &str) -> String {
    format!("/v1/webhooks/{}/secret/{what}", webhook["id"].as_str().expect("an id"))
}

#[test]
fn both_secrets_sign_until_the_overlap_is_over_and_the_older_one_alone_signs_the_other_way() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({ "extra_signature": "voucherify" }));
    let rotated = rotate(&project, &webhook, json!({ "overlap_hours": 2 }));
    assert_eq!(rotated["previous_valid_until"], "2026-11-21T14:00:00.000Z");
    let hex = |secret: &Value, received: &Received| {
        voucherify_signature(secret.as_str().expect("a secret"), &[&received.body])
    };
    let during = next(&project, &receiver);
    assert!(signed_by(&during, &webhook["secret"]) && signed_by(&during, &rotated["secret"]));
    assert_eq!(during.header("x-voucherify-signature"), Some(&*hex(&webhook["secret"], &during)));
    app.clock.advance(Duration::hours(2) - Duration::SECOND);
    assert!(signed_by(&next(&project, &receiver), &webhook["secret"]), "to the last second");
    app.clock.advance(Duration::SECOND);
    let after = next(&project, &receiver);
    assert!(!signed_by(&after, &webhook["secret"]) && signed_by(&after, &rotated["secret"]));
    assert_eq!(after.header("x-voucherify-signature"), Some(&*hex(&rotated["secret"], &after)));
}

#[test]
fn an_older_secret_ends_with_the_newer_at_the_latest_and_the_one_before_the_newest_comes_back() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({ "extra_signature": "voucherify" }));
    let hex = |secret: &Value, received: &Received| {
        voucherify_signature(secret.as_str().expect("a secret"), &[&received.body])
    };
    app.clock.advance(Duration::SECOND);
    let second = rotate(&project, &webhook, json!({ "overlap_hours": 168 }));
    app.clock.advance(Duration::SECOND);
    let third = rotate(&project, &webhook, json!({ "overlap_hours": 1 }));
    let all = next(&project, &receiver);
    for secret in [&webhook["secret"], &second["secret"], &third["secret"]] {
        assert!(signed_by(&all, secret));
    }
    assert_eq!(all.header("x-voucherify-signature"), Some(&*hex(&webhook["secret"], &all)), "the oldest");
    project.api().post(&secret_path(&webhook, "roll-back"), &json!({})).expect(204);
    app.clock.advance(Duration::HOUR);
    let back = next(&project, &receiver);
    assert!(signed_by(&back, &second["secret"]), "for good");
    assert!(!signed_by(&back, &webhook["secret"]) && !signed_by(&back, &third["secret"]));

    rotate(&project, &webhook, json!({ "overlap_hours": 168 }));
    app.clock.advance(Duration::SECOND);
    let last = rotate(&project, &webhook, json!({ "overlap_hours": 0 }));
    let alone = next(&project, &receiver);
    assert!(signed_by(&alone, &last["secret"]) && !signed_by(&alone, &second["secret"]));
    assert_eq!(alone.header("x-voucherify-signature"), Some(&*hex(&last["secret"], &alone)));
    project.api().delete(&format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))).expect(204);
    assert_eq!(app.db.count("webhook_secrets"), 0, "they go with it");
}

#[test]
fn a_key_that_somebody_chose_stays_when_the_secret_changes() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let own = json!({ "preset": "loyalty", "authentication": { "type": "api_key", "value": "my-own-key" } });
    let webhook = project.webhook(&receiver.url("/"), own);
    let rotated = rotate(&project, &webhook, json!({ "overlap_hours": 0 }));
    assert!(rotated["authentication"].is_null());
    assert_eq!(next(&project, &receiver).header("x-api-key"), Some("my-own-key"));
}

#[test]
fn without_an_overlap_only_the_new_one_signs() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let rotated = rotate(&project, &webhook, json!({ "overlap_hours": 0 }));
    let received = next(&project, &receiver);
    assert!(signed_by(&received, &rotated["secret"]) && !signed_by(&received, &webhook["secret"]));
    problem(&project.api().post(&secret_path(&webhook, "roll-back"), &json!({})), 409);
}

#[test]
fn a_rotation_is_rolled_back_or_ended_early() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    problem(&project.api().post(&secret_path(&webhook, "end-previous"), &json!({})), 409);
    let taken_back = rotate(&project, &webhook, json!({}));
    project.api().post(&secret_path(&webhook, "roll-back"), &json!({})).expect(204);
    let received = next(&project, &receiver);
    assert!(signed_by(&received, &webhook["secret"]) && !signed_by(&received, &taken_back["secret"]));
    app.clock.advance(Duration::hours(200));
    assert!(signed_by(&next(&project, &receiver), &webhook["secret"]), "for good again");

    let rotated = rotate(&project, &webhook, json!({ "overlap_hours": 168 }));
    project.api().post(&secret_path(&webhook, "end-previous"), &json!({})).expect(204);
    let received = next(&project, &receiver);
    assert!(!signed_by(&received, &webhook["secret"]) && signed_by(&received, &rotated["secret"]));
}

#[test]
fn a_few_secrets_sign_at_a_time_and_hours_are_0_to_168() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let path = secret_path(&webhook, "rotate");
    for wrong in [json!(169), json!(-1), json!(1.5), json!("2")] {
        let refused = problem(&project.api().post(&path, &json!({ "overlap_hours": wrong })), 422);
        assert_eq!(pointers(&refused), ["/overlap_hours"], "{wrong}");
    }
    assert_eq!(pointers(&problem(&project.api().post(&path, &json!({ "hours": 1 })), 422)), ["/hours"]);
    let secrets: Vec<Value> =
        (0..3).map(|_| rotate(&project, &webhook, json!({}))["secret"].clone()).collect();
    problem(&project.api().post(&path, &json!({})), 409);
    let received = next(&project, &receiver);
    assert!(secrets.iter().chain([&webhook["secret"]]).all(|secret| signed_by(&received, secret)));
    let other = factory::project(&app, "Other");
    for what in ["rotate", "roll-back", "end-previous"] {
        problem(&other.api().post(&secret_path(&webhook, what), &json!({})), 404);
    }
}

#[test]
fn the_key_of_loyalty_missions_changes_with_the_secret_once_the_overlap_is_over() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({ "preset": "loyalty" }));
    let first = webhook["authentication"]["value"].as_str().expect("a key").to_owned();
    let key = |received: &Received| received.header("x-api-key").map(str::to_owned);
    let rotated = rotate(&project, &webhook, json!({ "overlap_hours": 1 }));
    let second = rotated["authentication"]["value"].as_str().expect("a key").to_owned();
    assert!(first.len() == 64 && second.len() == 64 && first != second);
    assert_eq!(key(&next(&project, &receiver)), Some(first.clone()));
    project.api().post(&secret_path(&webhook, "roll-back"), &json!({})).expect(204);
    app.clock.advance(Duration::hours(2));
    assert_eq!(key(&next(&project, &receiver)), Some(first));
    let third = rotate(&project, &webhook, json!({ "overlap_hours": 1 }))["authentication"]["value"].clone();
    app.clock.advance(Duration::hours(1));
    assert_eq!(key(&next(&project, &receiver)), third.as_str().map(str::to_owned));
    let fourth = rotate(&project, &webhook, json!({ "overlap_hours": 0 }))["authentication"]["value"].clone();
    assert_eq!(key(&next(&project, &receiver)), fourth.as_str().map(str::to_owned));
    rotate(&project, &webhook, json!({ "overlap_hours": 1 }));
    project
        .api()
        .patch(
            &format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id")),
            &json!({ "authentication": { "type": "api_key", "value": "mine" } }),
        )
        .expect(200);
    assert_eq!(key(&next(&project, &receiver)), Some("mine".to_owned()), "what is set by hand wins");
}
