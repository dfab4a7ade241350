//! Every way a receiver can fail is told apart, recorded, and costs only a retry.
use std::sync::Arc;

use callout::dispatcher::http::Resolve;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::names::Names;
use crate::support::receiver::{self, Behaviour, Misbehaviour};

/// Sends one event to this address with a time limit of a second; tells the delivery once its attempt is over.
fn after_one_attempt(app: &App, project: &Project, target_url: &str, settings: Value) -> Value {
    let mut all = json!({ "timeout_ms": 1000, "name": target_url });
    if let (Some(all), Value::Object(settings)) = (all.as_object_mut(), settings) {
        all.extend(settings);
    }
    let webhook = project.webhook(target_url, all);
    project.event("customer.rewarded", json!({ "customer": { "id": "cust_1" } }));
    app.dispatch_until_idle();
    let deliveries = project.deliveries();
    let mine =
        deliveries.iter().find(|delivery| delivery["webhook_id"] == webhook["id"]).expect("a delivery");
    project.api().delete(&format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))).expect(204);
    let delivery = project.delivery(mine["id"].as_str().expect("an id"));
    assert_eq!(delivery["attempt_count"], 1, "{delivery:#}");
    delivery
}

fn kind(delivery: &Value) -> &str {
    delivery["attempts"][0]["failure"]["kind"]
        .as_str()
        .unwrap_or_else(|| panic!("no failure in {delivery:#}"))
}

#[test]
fn each_misbehaviour_of_a_receiver_has_its_own_words() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    for (how, expected) in [
        ("misbehave=hang", "timeout"),
        ("misbehave=drip", "timeout"),
        ("misbehave=reset", "reset"),
        ("misbehave=redirect", "response_status"),
        ("status=500", "response_status"),
        ("status=404", "response_status"),
    ] {
        let delivery = after_one_attempt(&app, &project, &receiver.url(&format!("/?{how}")), json!({}));
        assert_eq!(kind(&delivery), expected, "{how}: {delivery:#}");
    }
    assert_eq!(receiver.count(), 6, "a redirect is not followed");
}

#[test]
fn an_endless_answer_is_cut_and_counts_by_its_status() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::misbehaving(Misbehaviour::Huge)));
    let project = factory::project(&app, "Shop");
    let delivery = after_one_attempt(&app, &project, &receiver.url("/"), json!({}));
    assert_eq!(delivery["status"], "delivered", "{delivery:#}");
    let response = &delivery["attempts"][0]["response"];
    assert_eq!(response["truncated"], true);
    assert_eq!(response["body"].as_str().map(str::len), Some(64 * 1024));
}

#[test]
fn an_address_where_nobody_listens_is_a_failed_connection() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let receiver = receiver::start();
    let url = receiver.url("/");
    receiver.stop();
    assert_eq!(kind(&after_one_attempt(&app, &project, &url, json!({}))), "connect");
}

#[test]
fn a_name_that_does_not_exist_is_said() {
    let names: Arc<dyn Resolve> = Names::of("known.example", &["127.0.0.1"]);
    let app = App::start_resolving(names);
    let project = factory::project(&app, "Shop");
    let delivery = after_one_attempt(&app, &project, "https://unknown.example/", json!({}));
    assert_eq!(kind(&delivery), "dns", "{delivery:#}");
}

#[test]
fn a_name_that_turns_private_after_it_was_saved_is_not_called() {
    let names = Names::of("shop.example", &["93.184.216.34"]);
    let app = App::start_resolving(names.clone());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook("https://shop.example/", json!({}));
    assert_eq!(webhook["warnings"], json!([]), "public when saved");
    names.set("shop.example", &["10.0.0.1"]);
    project.event("customer.rewarded", json!({}));
    app.dispatch_until_idle();
    let delivery = project.delivery(project.deliveries()[0]["id"].as_str().expect("an id"));
    assert_eq!(kind(&delivery), "refused_address", "{delivery:#}");
    assert!(!delivery.to_string().contains("10.0.0.1"), "where it led is nobody's business: {delivery:#}");
}

#[test]
fn a_receiver_whose_certificate_is_not_trusted_gets_nothing_and_one_that_is_gets_everything() {
    let (receiver, pem) = receiver::start_tls(&["shop.example"]);
    let url = format!("https://shop.example:{}/", receiver.addr().port());
    let names = Names::of("shop.example", &["127.0.0.1"]);

    let app = App::start_resolving(names.clone());
    let project = factory::project(&app, "Shop");
    assert_eq!(kind(&after_one_attempt(&app, &project, &url, json!({}))), "tls");
    assert_eq!(receiver.count(), 0);

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).expect("write");
    let app = App::start_with(|config, overrides| {
        config.extra_ca = Some(file);
        overrides.resolver = Some(names);
    });
    let project = factory::project(&app, "Shop");
    let delivery = after_one_attempt(&app, &project, &url, json!({}));
    assert_eq!(delivery["status"], "delivered", "{delivery:#}");
    assert!(delivery["attempts"][0]["timings"]["tls_ms"].is_number(), "{delivery:#}");
}

#[test]
fn a_receiver_that_says_gone_switches_its_webhook_off() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::status(410)));
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    project.event("customer.rewarded", json!({}));
    app.wait_for("failed", 1);
    let id = webhook["id"].as_str().expect("an id");
    let now = project.api().get(&format!("/v1/webhooks/{id}")).expect(200).json();
    assert_eq!(now["active"], false, "{now:#}");
    assert_eq!(now["disabled"]["kind"], "gone", "{now:#}");
    project.event("customer.rewarded", json!({}));
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 1);
}

#[test]
fn retry_after_is_waited_for() {
    let behaviour = Behaviour { retry_after: Some("600".to_owned()), ..Behaviour::status(503) };
    let (app, receiver) = (App::start(), receiver::start_with(behaviour));
    let project = factory::project(&app, "Shop");
    project.webhook(&receiver.url("/"), json!({}));
    project.event("customer.rewarded", json!({}));
    app.wait_for("retrying", 1);
    app.advance(time::Duration::minutes(9));
    app.dispatch_until_idle();
    assert_eq!(receiver.count(), 1);
    app.advance(time::Duration::minutes(3));
    receiver::received(&receiver, 2);
}

#[test]
fn one_hanging_receiver_delays_nobody_else() {
    let (app, slow, fast) = (App::start(), receiver::start(), receiver::start());
    slow.set(Behaviour::misbehaving(Misbehaviour::Hang));
    let project = factory::project(&app, "Shop");
    project.webhook(&slow.url("/"), json!({ "name": "slow", "timeout_ms": 30000 }));
    project.webhook(&fast.url("/"), json!({ "name": "fast" }));
    for _ in 0..100 {
        project.event("customer.rewarded", json!({}));
    }
    receiver::received(&fast, 100);
}

#[test]
fn a_standard_webhooks_library_agrees_with_the_signature() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    project.event("customer.rewarded", json!({ "name": "Zoë", "price": 1.50, "2": "b", "1": "a" }));
    let received = receiver::received(&receiver, 1).remove(0);
    // The library judges the timestamp by the real time, which the test's clock is not.
    let signed_at: i64 = received.header("webhook-timestamp").expect("a time").parse().expect("seconds");
    assert_eq!(signed_at, crate::support::app::NOW.unix_timestamp());
    let secret =
        standardwebhooks::Webhook::new(webhook["secret"].as_str().expect("a secret")).expect("a secret");
    let id = received.header("webhook-id").expect("an id");
    let expected = secret.sign(id, signed_at, &received.body).expect("a signature");
    assert_eq!(received.header("webhook-signature"), Some(expected.as_str()));
}
