//! Which addresses are called: judged when a webhook is saved, and again at every connection.
use std::collections::BTreeSet;

use callout::models::webhooks::{self, Settings};
use callout::rules::retry::Retries;
use callout::rules::signing::Secret;
use diesel::Connection;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::names::Names;
use crate::support::problems::{pointers, problem};
use crate::support::receiver::{self, Behaviour};

const TYPE: &str = "customer.rewarded";

/// Addresses that are not on the public internet, in every spelling a URL allows.
pub const PRIVATE: [&str; 33] = [
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    // Decimal, hexadecimal, octal.
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    // What clouds tell their machines.
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "100.100.100.200",
    "[fd00:ec2::254]",
    "[::ffff:169.254.169.254]",
    "[::1]",
    "[::]",
    // IPv4 within IPv6: mapped, compatible, NAT64 of both kinds, 6to4, Teredo.
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::808:808]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
    // Unique local, link local, multicast, documentation.
    "[fd00::1]",
    "[fe80::1]",
    "[ff02::1]",
    "[2001:db8::1]",
];

/// Allowed nothing beyond the public internet.
fn strict() -> App {
    App::start_with(|config, _| config.allow_targets = String::new())
}

/// A webhook that was saved when the rules were others.
pub fn saved_earlier(app: &App, project: &Project, name: &str, url: &str) {
    let settings = Settings {
        name: name.to_owned(),
        target_url: url.to_owned(),
        events: vec![TYPE.to_owned()],
        retries: Retries::None,
        ..Settings::default()
    };
    let now = app.clock.now();
    let added = app.db.conn().transaction(|conn| {
        let webhook =
            webhooks::create(conn, project.id, &settings, &app.parts.key, now).expect("create a webhook");
        webhooks::add_secret(conn, project.id, webhook.id, &Secret::generate(), &app.parts.key, now)
            .expect("add a secret");
        Ok::<_, diesel::result::Error>(())
    });
    added.expect("commit");
}

fn details(project: &Project) -> Vec<Value> {
    let all = project.deliveries();
    all.iter().map(|delivery| project.delivery(delivery["id"].as_str().expect("an id"))).collect()
}

#[test]
fn a_private_address_is_refused_when_it_is_saved() {
    let app = strict();
    let project = factory::project(&app, "Shop");
    for host in PRIVATE {
        let webhook = json!({ "target_url": format!("https://{host}/"), "all_events": true });
        let refused = problem(&project.api().post("/v1/webhooks", &webhook), 422);
        assert_eq!(pointers(&refused), ["/target_url"], "{host}");
    }
    assert_eq!(app.db.count("webhooks"), 0);
}

#[test]
fn a_private_address_is_refused_again_when_it_is_called() {
    let app = strict();
    let project = factory::project(&app, "Shop");
    let receiver = receiver::start();
    for (n, host) in PRIVATE.iter().enumerate() {
        let url = format!("https://{host}:{}/", receiver.addr().port());
        saved_earlier(&app, &project, &n.to_string(), &url);
    }
    project.event(TYPE, json!({}));
    app.wait_for("failed", PRIVATE.len() as i64);
    for delivery in details(&project) {
        assert_eq!(delivery["last_failure"]["kind"], "refused_address", "{delivery}");
        assert_eq!(delivery["attempts"][0]["address"], Value::Null, "{delivery}");
    }
    assert_eq!(receiver.count(), 0);
}

#[test]
fn plain_http_is_refused_when_it_is_called_too() {
    let app = App::start_with(|config, overrides| {
        config.allow_targets = String::new();
        overrides.resolver = Some(Names::of("shop.example", &["93.184.216.34"]));
    });
    let project = factory::project(&app, "Shop");
    let webhook = json!({ "target_url": "http://shop.example/", "all_events": true });
    assert_eq!(pointers(&problem(&project.api().post("/v1/webhooks", &webhook), 422)), ["/target_url"]);
    saved_earlier(&app, &project, "earlier", "http://shop.example/");
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
    assert_eq!(details(&project)[0]["last_failure"]["kind"], "refused_address");
}

#[test]
fn names_that_lead_inside_are_refused_in_the_same_words_whatever_they_lead_to() {
    let names = Names::of("inside.example", &["10.20.30.40"]);
    names.set("both.example", &["93.184.216.34", "10.20.30.40"]);
    names.set("six.example", &["fd00:10:20::1"]);
    names.set("root.example.", &["10.20.30.40"]);
    names.set("metadata.google.internal", &["169.254.169.254"]);
    names.set("metadata.google.internal.", &["169.254.169.254"]);
    let app = App::start_with(|config, overrides| {
        config.allow_targets = String::new();
        overrides.resolver = Some(names);
    });
    let project = factory::project(&app, "Shop");
    let (mut said, mut kept) = (BTreeSet::new(), BTreeSet::new());
    let hosts = [
        "inside.example",
        "both.example",
        "six.example",
        "root.example.",
        "metadata.google.internal",
        "METADATA.google.internal.",
        "169.254.169.254",
    ];
    for host in hosts {
        let webhook = json!({ "target_url": format!("https://{host}/"), "all_events": true });
        let refused = problem(&project.api().post("/v1/webhooks", &webhook), 422);
        assert_eq!(pointers(&refused), ["/target_url"], "{host}");
        said.insert(refused["errors"][0]["message"].to_string());
        saved_earlier(&app, &project, host, &format!("https://{host}/"));
    }
    assert_eq!(said.len(), 1, "{said:?}");
    project.event(TYPE, json!({}));
    app.wait_for("failed", hosts.len() as i64);
    for delivery in details(&project) {
        assert_eq!(delivery["last_failure"]["kind"], "refused_address", "one bad address condemns the name");
        assert_eq!(delivery["attempts"][0]["timings"]["connect_ms"], Value::Null, "{delivery}");
        assert!(
            !delivery.to_string().contains("10.20") && !delivery.to_string().contains("10:20"),
            "{delivery}"
        );
        kept.insert(delivery["last_failure"].to_string());
    }
    assert_eq!(kept.len(), 1, "{kept:?}");
}

#[test]
fn what_does_not_belong_into_an_address_is_refused() {
    let app = strict();
    let project = factory::project(&app, "Shop");
    for (url, says) in [
        ("https://me:secret@shop.example/", "Leave user name and password out"),
        ("https://shop.example@10.0.0.1/", "Leave user name and password out"),
        ("http://8.8.8.8/", "Use https://"),
        ("ftp://shop.example/", "has to start with https://"),
        ("https://[fe80::1%25eth0]/", "not an address that can be called"),
        ("https://[fe80::1%eth0]/", "not an address that can be called"),
        ("https://[::1", "not an address that can be called"),
    ] {
        let webhook = json!({ "target_url": url, "all_events": true });
        let refused = problem(&project.api().post("/v1/webhooks", &webhook), 422);
        assert_eq!(pointers(&refused), ["/target_url"], "{url}");
        assert!(
            refused["errors"][0]["message"].as_str().is_some_and(|text| text.contains(says)),
            "{refused}"
        );
    }
}

#[test]
fn a_redirect_to_a_private_address_is_not_followed() {
    let inside = receiver::start();
    let receiver = receiver::start();
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let locations =
        [inside.url("/"), "http://169.254.169.254/latest/meta-data/".to_owned(), "//[::1]/".to_owned()];
    for (n, location) in locations.into_iter().enumerate() {
        let behaviour =
            Behaviour { headers: vec![("location".to_owned(), location)], ..Behaviour::status(307) };
        receiver.set(behaviour);
        let settings = json!({ "name": n.to_string(), "retries": "none" });
        let id = project.webhook(&receiver.url("/"), settings)["id"].as_str().expect("an id").to_owned();
        project.event(TYPE, json!({}));
        app.wait_for("failed", n as i64 + 1);
        project.api().delete(&format!("/v1/webhooks/{id}")).expect(204);
    }
    for delivery in details(&project) {
        assert_eq!(delivery["last_failure"]["kind"], "response_status", "{delivery}");
        assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1), "{delivery}");
    }
    assert_eq!((receiver.count(), inside.count()), (3, 0));
}

#[test]
fn a_name_that_turns_private_is_refused_at_the_next_connection() {
    let names = Names::of("shop.example", &["127.0.0.1"]);
    let receiver = receiver::start_with(Behaviour {
        headers: vec![("connection".to_owned(), "close".to_owned())],
        ..Behaviour::status(500)
    });
    let app = App::start_resolving(names.clone());
    let project = factory::project(&app, "Shop");
    let url = format!("http://shop.example:{}/", receiver.addr().port());
    project.webhook(&url, json!({ "retries": [60] }));
    project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    // A cloud's metadata service.
    names.set("shop.example", &["169.254.169.254"]);
    app.advance(time::Duration::seconds(70));
    app.wait_for("failed", 1);
    let delivery = &details(&project)[0];
    assert_eq!(delivery["attempts"][0]["failure"]["kind"], "response_status", "{delivery}");
    assert_eq!(delivery["attempts"][1]["failure"]["kind"], "refused_address", "{delivery}");
    assert_eq!(receiver.count(), 1);
}

#[test]
fn an_allowed_address_is_called_by_its_name() {
    let receiver = receiver::start();
    let app = App::start_resolving(Names::of("shop.example", &["127.0.0.1"]));
    let project = factory::project(&app, "Shop");
    let port = receiver.addr().port();
    project.webhook(&format!("http://Shop.Example:{port}/in"), json!({}));
    project.event(TYPE, json!({}));
    let received = receiver::received(&receiver, 1).remove(0);
    assert_eq!(received.header("host"), Some(format!("shop.example:{port}").as_str()));
}

#[test]
fn of_several_addresses_the_next_is_tried_when_one_does_not_answer() {
    let receiver = receiver::start();
    let app = App::start_resolving(Names::of("shop.example", &["127.0.0.9", "127.0.0.1"]));
    let project = factory::project(&app, "Shop");
    project.webhook(&format!("http://shop.example:{}/", receiver.addr().port()), json!({}));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    assert_eq!(details(&project)[0]["attempts"][0]["address"], receiver.addr().to_string());
}

#[test]
fn a_name_that_does_not_resolve_is_a_warning_when_saved_and_a_failure_when_called() {
    let app = App::start_resolving(Names::of("shop.example", &["127.0.0.1"]));
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook("https://nowhere.example/", json!({ "retries": "none" }));
    assert!(
        webhook["warnings"][0].as_str().is_some_and(|text| text.contains("nowhere.example")),
        "{webhook}"
    );
    project.event(TYPE, json!({}));
    app.wait_for("failed", 1);
    assert_eq!(details(&project)[0]["last_failure"]["kind"], "dns");
}
