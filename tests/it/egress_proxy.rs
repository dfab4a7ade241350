//! With an outbound proxy every connection goes through it, to the address that was judged; and nothing about it shows.
use callout::base::config::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::addresses::{PRIVATE, saved_earlier};
use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::names::Names;
use crate::support::proxy::{ConnectProxy, Way};
use crate::support::raw;
use crate::support::receiver::{self, Receiver};

const TYPE: &str = "customer.rewarded";
/// On the public internet: only the proxy's other end is in the test.
const PUBLIC: &str = "93.184.216.34";

/// May call nothing beyond the public internet, through a proxy of this address.
fn through(proxy: &str, change: impl FnOnce(&mut Config)) -> (App, Project) {
    let names = Names::of("shop.example", &[PUBLIC]);
    names.set("inside.example", &["10.0.0.1"]);
    names.set("both.example", &[PUBLIC, "10.0.0.1"]);
    let app = App::start_with(|config, overrides| {
        config.allow_targets = String::new();
        config.egress_proxy = Some(proxy.to_owned());
        overrides.resolver = Some(names);
        change(config);
    });
    let project = factory::project(&app, "Shop");
    (app, project)
}

/// A receiver with TLS for these names, and the file that vouches for it.
fn vouched_for(names: &[&str]) -> (Receiver, TempDir) {
    let (receiver, pem) = receiver::start_tls(names);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), pem).expect("write");
    (receiver, folder)
}

fn sent_to(app: &App, project: &Project, url: &str) -> Value {
    let settings = json!({ "retries": "none", "timeout_ms": 1000 });
    let id = project.webhook(url, settings)["id"].as_str().expect("an id").to_owned();
    project.event(TYPE, json!({}));
    app.dispatch_until_idle();
    let list = project.api().get(&format!("/v1/deliveries?webhook_id={id}")).expect(200).json();
    project.delivery(list["data"][0]["id"].as_str().expect("a delivery"))
}

#[test]
fn the_proxy_is_asked_for_the_judged_address_with_its_credentials_and_tls_goes_through_it() {
    let (receiver, folder) = vouched_for(&["shop.example"]);
    let proxy = ConnectProxy::start(Way::To(receiver.addr()));
    let (app, project) =
        through(&proxy.url("me:p%40ss&w+rd@"), |config| config.extra_ca = Some(folder.path().join("ca.pem")));
    let delivery = sent_to(&app, &project, "https://shop.example/in");
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    let attempt = &delivery["attempts"][0];
    assert_eq!(attempt["address"], format!("{PUBLIC}:443"), "{delivery}");
    assert!(attempt["timings"]["tls_ms"].is_number(), "{delivery}");
    // base64 of `me:p@ss&w+rd`
    let asked = format!(
        "CONNECT {PUBLIC}:443 HTTP/1.1\r\nhost: {PUBLIC}:443\r\nproxy-authorization: Basic bWU6cEBzcyZ3K3Jk"
    );
    assert_eq!(proxy.asked(), [asked], "the address, not the name");
    let received = receiver::received(&receiver, 1).remove(0);
    assert_eq!(received.header("host"), Some("shop.example".to_owned()).as_deref());
    assert_eq!(received.header("proxy-authorization"), None, "that is for the proxy alone");
}

#[test]
fn a_test_goes_through_the_proxy_too() {
    let (receiver, folder) = vouched_for(&["shop.example"]);
    let proxy = ConnectProxy::start(Way::To(receiver.addr()));
    let (_app, project) =
        through(&proxy.url(""), |config| config.extra_ca = Some(folder.path().join("ca.pem")));
    let webhook = project.webhook("https://shop.example/in", json!({}));
    assert_eq!(proxy.asked().len(), 0, "saving asks only the name service");
    let path = format!("/v1/webhooks/{}/test", webhook["id"].as_str().expect("an id"));
    let tested = project.api().post(&path, &json!({ "type": TYPE })).expect(200).json();
    assert_eq!(tested["status"], "delivered", "{tested}");
    assert_eq!((proxy.asked().len(), receiver.count()), (1, 1));
}

#[test]
fn what_may_not_be_called_is_refused_before_the_proxy_is_asked() {
    let receiver = receiver::start();
    let proxy = ConnectProxy::start(Way::To(receiver.addr()));
    let (app, project) = through(&proxy.url(""), |_| {});
    let hosts = PRIVATE.iter().copied().chain(["inside.example", "both.example"]);
    for (n, host) in hosts.enumerate() {
        saved_earlier(&app, &project, &n.to_string(), &format!("https://{host}/"));
    }
    saved_earlier(&app, &project, "plain", "http://shop.example/");
    let count = PRIVATE.len() + 3;
    project.event(TYPE, json!({}));
    app.wait_for("failed", count as i64);
    let kinds: Vec<_> = project.deliveries().iter().map(|one| one["last_failure"]["kind"].clone()).collect();
    assert_eq!(kinds, vec![json!("refused_address"); count]);
    assert_eq!(proxy.asked(), [""; 0]);
}

#[test]
fn a_proxy_that_refuses_or_is_not_there_is_a_failed_connection_that_gives_no_credentials_away() {
    let closed = raw::closed_port();
    let answers = [
        ("HTTP/1.1 403 Forbidden me:hunter2\r\nx: bWU6aHVudGVyMg==\r\n\r\n", "answered 403"),
        ("HTTP/1.1 407 bWU6aHVudGVyMg==\r\n\r\n", "other credentials"),
        ("HTTP/1.1 502 \u{1b}[31m\r\n\r\n", "answered 502"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "not understood"),
        ("", "closed the connection"),
        ("HTTP/1.1 200 OK\r\n", "closed the connection"),
    ];
    let endless = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(9 * 1024));
    let answers = answers.map(|(answer, says)| (answer.to_owned(), says));
    let mut proxies: Vec<_> = answers
        .into_iter()
        .chain([(endless, "too long")])
        .map(|(answer, says)| {
            let proxy = ConnectProxy::start(Way::Answering(answer));
            (proxy.url("me:hunter2@"), Some(proxy), says)
        })
        .collect();
    proxies.push((format!("http://me:hunter2@{closed}"), None, "cannot be reached: connection refused"));
    for (url, _proxy, says) in proxies {
        let (app, project) = through(&url, |_| {});
        let delivery = sent_to(&app, &project, "https://shop.example/");
        assert_eq!(delivery["last_failure"]["kind"], "connect", "{delivery}");
        let detail = delivery["last_failure"]["detail"].as_str().expect("a detail");
        assert!(detail.contains("outbound proxy") && detail.contains(says), "{detail}");
        let (stored, port) =
            (app.db.text("select string_agg(attempts::text, '') from attempts"), &url[url.len() - 6..]);
        for secret in ["hunter2", "bWU6aHVudGVyMg", port] {
            assert!(
                !delivery.to_string().contains(secret) && !stored.contains(secret),
                "{secret}: {delivery}"
            );
        }
        assert_eq!(delivery["attempts"][0]["address"], Value::Null, "nothing was sent anywhere");
    }
}

#[test]
fn a_proxy_that_hangs_counts_within_the_time_limit() {
    let proxy = ConnectProxy::start(Way::Silent);
    let (app, project) = through(&proxy.url(""), |_| {});
    let delivery = sent_to(&app, &project, "https://shop.example/");
    assert_eq!(delivery["last_failure"]["kind"], "timeout", "{delivery}");
    let detail = delivery["last_failure"]["detail"].as_str().expect("a detail");
    assert!(detail.contains("1 s") && detail.contains("outbound proxy"), "{detail}");
    let total = delivery["attempts"][0]["timings"]["total_ms"].as_f64().expect("a time");
    assert!((1_000.0..3_000.0).contains(&total), "{total} ms");
}

#[test]
fn proxy_and_target_may_have_addresses_of_version_6() {
    let (receiver, folder) = vouched_for(&["2606:4700::1111"]);
    let proxy = ConnectProxy::start_on("[::1]:0", Way::To(receiver.addr()));
    let (app, project) =
        through(&proxy.url(""), |config| config.extra_ca = Some(folder.path().join("ca.pem")));
    let delivery = sent_to(&app, &project, "https://[2606:4700::1111]:8443/");
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    assert_eq!(delivery["attempts"][0]["address"], "[2606:4700::1111]:8443");
    let asked = "CONNECT [2606:4700::1111]:8443 HTTP/1.1\r\nhost: [2606:4700::1111]:8443";
    assert_eq!(proxy.asked(), [asked]);
}
