//! A webhook with a client certificate shows it to receivers that ask who calls; nobody else comes to see it.
use callout::models::webhooks::{self, Settings};
use callout::rules::authentication::Hidden;
use callout::rules::retry::Retries;
use callout::rules::signing::Secret;
use diesel::Connection;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use time::macros::datetime;

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::problems::{pointers, problem};
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";
const VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

fn params(name: &str, is_ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    } else {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    }
    params
}

/// Whom a receiver trusts to name its callers.
struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    between: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = || KeyPair::generate().expect("a key");
        let root = CertifiedIssuer::self_signed(params("root", true), key()).expect("an authority");
        let between =
            CertifiedIssuer::signed_by(params("between", true), key(), &root).expect("an authority");
        Self { root, between }
    }

    /// A certificate under the one between, with that, as settings name it.
    fn certificate(&self) -> Value {
        self.certificate_with(|_| {})
    }

    fn certificate_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Value {
        let (key, mut own) = (KeyPair::generate().expect("a key"), params("callout", false));
        change(&mut own);
        let own = own.signed_by(&key, &self.between).expect("a certificate");
        json!({ "certificate": own.pem() + &self.between.pem(), "key": key.serialize_pem() })
    }
}

struct Stage {
    app: App,
    project: Project,
    authority: Authority,
    receiver: Receiver,
    _folder: TempDir,
}

/// A receiver that lets in only whom its authority named, and a project that trusts it.
fn stage(version: &'static rustls::SupportedProtocolVersion) -> Stage {
    let authority = Authority::new();
    let (receiver, pem) = receiver::start_tls_demanding(&["127.0.0.1"], authority.root.der(), version);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).expect("write");
    let app = App::start_with(|config, _| config.extra_ca = Some(file));
    let project = factory::project(&app, "Shop");
    Stage { app, project, authority, receiver, _folder: folder }
}

impl Stage {
    fn webhook(&self, name: &str, certificate: Value) -> String {
        let settings = json!({ "name": name, "retries": "none", "client_certificate": certificate });
        let webhook = self.project.webhook(&self.receiver.url("/in"), settings);
        webhook["id"].as_str().expect("an id").to_owned()
    }

    /// Sends an event and tells the newest delivery of a webhook.
    fn sent_to(&self, webhook: &str) -> Value {
        // What comes in the same millisecond has no order.
        self.app.advance(time::Duration::seconds(1));
        self.project.event(TYPE, json!({}));
        self.app.dispatch_until_idle();
        self.newest(webhook)
    }

    fn newest(&self, webhook: &str) -> Value {
        let path = format!("/v1/deliveries?webhook_id={webhook}");
        let list = self.project.api().get(&path).expect(200).json();
        self.project.delivery(list["data"][0]["id"].as_str().expect("a delivery"))
    }
}

#[test]
fn a_receiver_that_demands_a_certificate_takes_the_webhooks_own_and_nobody_sees_it() {
    for version in VERSIONS {
        let stage = stage(version);
        let certificate = stage.authority.certificate();
        let id = stage.webhook("own", certificate.clone());
        let delivery = stage.sent_to(&id);
        assert_eq!(delivery["status"], "delivered", "{delivery}");
        assert!(delivery["attempts"][0]["timings"]["tls_ms"].is_number(), "{delivery}");
        let told = stage.project.api().get(&format!("/v1/webhooks/{id}")).expect(200).json();
        let shown = told["client_certificate"].as_object().expect("what may be shown of it");
        assert_eq!(shown.keys().collect::<Vec<_>>(), ["fingerprint"]);
        let key = certificate["key"].as_str().expect("a key").lines().nth(1).expect("a line");
        let stored = stage.app.db.text("select string_agg(attempts::text, '') from attempts");
        for text in [told.to_string(), delivery.to_string(), stored] {
            assert!(!text.contains(key) && !text.contains("BEGIN"), "{text}");
        }
    }
}

#[test]
fn without_a_certificate_or_with_anothers_nothing_is_taken_also_after_it_took_something() {
    for version in VERSIONS {
        let stage = stage(version);
        let own = stage.webhook("own", stage.authority.certificate());
        assert_eq!(stage.sent_to(&own)["status"], "delivered");
        // To the same host, when there may be sessions to resume.
        let none = stage.webhook("none", Value::Null);
        let other = stage.webhook("other", Authority::new().certificate());
        assert_eq!(stage.sent_to(&own)["status"], "delivered");
        for id in [none, other] {
            let delivery = stage.newest(&id);
            assert_eq!(delivery["status"], "failed", "{delivery}");
            assert_eq!(delivery["last_failure"]["kind"], "tls", "{delivery}");
            let detail = delivery["last_failure"]["detail"].as_str().expect("a detail");
            assert!(detail.contains("client certificate"), "{detail}");
        }
        assert_eq!(stage.receiver.count(), 2, "only the webhook's with the certificate");
    }
}

#[test]
fn a_certificate_stays_through_other_changes_and_goes_when_it_is_taken_away() {
    let stage = stage(&rustls::version::TLS13);
    let id = stage.webhook("own", stage.authority.certificate());
    let path = format!("/v1/webhooks/{id}");
    stage.project.api().patch(&path, &json!({ "name": "renamed" })).expect(200);
    assert_eq!(stage.sent_to(&id)["status"], "delivered");
    stage
        .project
        .api()
        .patch(&path, &json!({ "client_certificate": Authority::new().certificate() }))
        .expect(200);
    assert_eq!(stage.sent_to(&id)["last_failure"]["kind"], "tls", "another one, over a new connection");
    stage
        .project
        .api()
        .patch(&path, &json!({ "client_certificate": stage.authority.certificate() }))
        .expect(200);
    assert_eq!(stage.sent_to(&id)["status"], "delivered");
    let told = stage.project.api().patch(&path, &json!({ "client_certificate": null })).expect(200).json();
    assert_eq!(told["client_certificate"], Value::Null);
    assert_eq!(stage.sent_to(&id)["last_failure"]["kind"], "tls");
    assert_eq!(stage.receiver.count(), 2);
}

#[test]
fn a_test_shows_the_certificate_too() {
    let stage = stage(&rustls::version::TLS13);
    let id = stage.webhook("own", stage.authority.certificate());
    let tested = stage.project.api().post(&format!("/v1/webhooks/{id}/test"), &json!({ "type": TYPE }));
    assert_eq!(tested.expect(200).json()["status"], "delivered");
    assert_eq!(stage.receiver.count(), 1);
}

#[test]
fn a_certificate_that_cannot_be_shown_is_refused_when_it_is_saved() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let authority = Authority::new();
    let (good, other) = (authority.certificate(), authority.certificate());
    let expired = authority.certificate_with(|own| own.not_after = datetime!(2026-11-20 12:00 UTC));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (certificate, says) in [
        (json!({ "certificate": good["certificate"] }), "no private key"),
        (json!({ "key": good["key"] }), "no certificate"),
        (json!({ "certificate": "me", "key": "mine" }), "no certificate"),
        (json!({ "certificate": good["certificate"], "key": other["key"] }), "does not belong"),
        (json!({ "certificate": good["certificate"], "key": encrypted }), "passphrase"),
        (expired, "expired on 2026-11-20"),
    ] {
        let webhook = json!({
            "target_url": "https://127.0.0.1/", "all_events": true, "client_certificate": certificate,
        });
        let answer = project.api().post("/v1/webhooks", &webhook);
        let refused = problem(&answer, 422);
        assert_eq!(pointers(&refused), ["/client_certificate"], "{says}");
        assert!(
            refused["errors"][0]["message"].as_str().is_some_and(|text| text.contains(says)),
            "{refused}"
        );
        let key = good["key"].as_str().and_then(|key| key.lines().nth(1)).expect("a line");
        assert!(!answer.body.contains(key), "{refused}");
    }
    assert_eq!(app.db.count("webhooks"), 0);
}

#[test]
fn what_is_worth_knowing_about_a_certificate_is_a_warning() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let authority = Authority::new();
    let early = authority.certificate_with(|own| own.not_before = datetime!(2026-12-24 12:00 UTC));
    let told = project.webhook("http://127.0.0.1:1/", json!({ "client_certificate": early }));
    let warnings = told["warnings"].as_array().expect("warnings");
    assert!(warnings[0].as_str().is_some_and(|text| text.contains("2026-12-24")), "{told}");
    assert!(warnings[1].as_str().is_some_and(|text| text.contains("plain http")), "{told}");
}

#[test]
fn with_a_damaged_certificate_nothing_is_sent() {
    let stage = stage(&rustls::version::TLS13);
    let settings = Settings {
        name: "damaged".to_owned(),
        target_url: stage.receiver.url("/"),
        events: vec![TYPE.to_owned()],
        retries: Retries::None,
        client_certificate: Some(Hidden::new("no PEM at all")),
        ..Settings::default()
    };
    let (project, key, now) = (stage.project.id, &stage.app.parts.key, stage.app.clock.now());
    let saved = stage.app.db.conn().transaction(|conn| {
        let webhook = webhooks::create(conn, project, &settings, key, now).expect("create a webhook");
        webhooks::add_secret(conn, project, webhook.id, &Secret::generate(), key, now).expect("add a secret");
        Ok::<_, diesel::result::Error>(webhook.id.to_string())
    });
    let delivery = stage.sent_to(&saved.expect("commit"));
    assert_eq!(delivery["last_failure"]["kind"], "tls", "{delivery}");
    let detail = delivery["last_failure"]["detail"].as_str().expect("a detail");
    assert!(detail.contains("Nothing was sent") && !detail.contains("no PEM at all"), "{detail}");
    assert_eq!(delivery["attempts"][0]["address"], Value::Null, "nobody was called");
}
