//! A name that says one thing when a webhook is saved and another when it is called leads nowhere it may not.
//!
//! With a name server of the test's own, asked over the wire at the moment the program looks a name up; and a proxy whose
//! other end is a receiver of the test, so that a public address can be called.
use callout::base::config::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::app::App;
use crate::support::dns::NameServer;
use crate::support::factory::{self, Project};
use crate::support::problems::{pointers, problem};
use crate::support::proxy::{ConnectProxy, Way};
use crate::support::receiver::{self, Behaviour, Receiver};

const TYPE: &str = "customer.rewarded";
const PUBLIC: &str = "93.184.216.34";
const INSIDE: &str = "10.20.30.40";

struct Stage {
    app: App,
    project: Project,
    names: NameServer,
    proxy: ConnectProxy,
    receiver: Receiver,
    _folder: TempDir,
}

/// Only the public internet may be called, and all of it is one receiver for `shop.example`.
fn stage() -> Stage {
    let (receiver, pem) = receiver::start_tls(&["shop.example"]);
    receiver.set(Behaviour {
        headers: vec![("connection".to_owned(), "close".to_owned())],
        ..Behaviour::default()
    });
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).expect("write");
    let (names, proxy) = (NameServer::start(), ConnectProxy::start(Way::To(receiver.addr())));
    let (resolver, url) = (names.resolver(), proxy.url(""));
    let app = App::start_with(|config: &mut Config, overrides| {
        config.allow_targets = String::new();
        config.egress_proxy = Some(url);
        config.extra_ca = Some(file);
        overrides.resolver = Some(resolver);
    });
    let project = factory::project(&app, "Shop");
    Stage { app, project, names, proxy, receiver, _folder: folder }
}

impl Stage {
    fn sent(&self) -> Vec<Value> {
        self.project.event(TYPE, json!({}));
        self.app.dispatch_until_idle();
        let all = self.project.deliveries();
        all.iter().map(|one| self.project.delivery(one["id"].as_str().expect("an id"))).collect()
    }
}

#[test]
fn a_name_that_turns_private_between_saving_and_calling_is_refused() {
    let stage = stage();
    // A cloud's metadata service; the machine itself; IPv4 in IPv6.
    for (n, private) in
        ["169.254.169.254", "127.0.0.1", "::ffff:10.0.0.1", "fd00:ec2::254"].into_iter().enumerate()
    {
        let name = format!("rebinding-{n}.example");
        stage.names.tell(&name, &[&[PUBLIC], &[private]]);
        let settings = json!({ "name": name, "retries": "none" });
        let webhook = stage.project.webhook(&format!("https://{name}/"), settings);
        assert_eq!(webhook["warnings"], json!([]), "public when it was saved");
    }
    for delivery in stage.sent() {
        assert_eq!(delivery["last_failure"]["kind"], "refused_address", "{delivery}");
        assert_eq!(delivery["attempts"][0]["address"], Value::Null, "{delivery}");
    }
    assert_eq!(stage.project.deliveries().len(), 4);
    assert_eq!((stage.proxy.asked().len(), stage.receiver.count()), (0, 0));
}

#[test]
fn the_address_that_was_judged_is_the_one_that_is_called_without_another_look_up() {
    let stage = stage();
    stage.names.tell("shop.example", &[&[PUBLIC], &[PUBLIC], &[INSIDE]]);
    stage.project.webhook("https://shop.example/", json!({ "retries": "none" }));
    assert_eq!(stage.names.asked("shop.example"), 1, "when it was saved");
    assert_eq!(stage.sent()[0]["status"], "delivered");
    assert_eq!(
        stage.names.asked("shop.example"),
        2,
        "one look-up for the connection: a third would lead inside"
    );
    assert_eq!(stage.proxy.asked(), [format!("CONNECT {PUBLIC}:443 HTTP/1.1\r\nhost: {PUBLIC}:443")]);
    let mut kinds: Vec<_> = stage.sent().iter().map(|one| one["last_failure"]["kind"].to_string()).collect();
    kinds.sort();
    assert_eq!(kinds, ["\"refused_address\"", "null"], "the next connection is judged anew");
    assert_eq!((stage.names.asked("shop.example"), stage.receiver.count()), (3, 1));
}

#[test]
fn one_private_address_among_several_condemns_the_name() {
    let stage = stage();
    for (name, turn) in [
        ("first.example", &[INSIDE, PUBLIC][..]),
        ("last.example", &[PUBLIC, INSIDE]),
        ("six.example", &[PUBLIC, "fe80::1"]),
    ] {
        stage.names.tell(name, &[turn]);
        let webhook = json!({ "target_url": format!("https://{name}/"), "all_events": true });
        let refused = problem(&stage.project.api().post("/v1/webhooks", &webhook), 422);
        assert_eq!(pointers(&refused), ["/target_url"], "{name}");
        stage.names.tell(name, &[&[PUBLIC], turn]);
        stage.project.webhook(&format!("https://{name}/"), json!({ "name": name, "retries": "none" }));
    }
    for delivery in stage.sent() {
        assert_eq!(delivery["last_failure"]["kind"], "refused_address", "{delivery}");
        assert!(!delivery.to_string().contains(INSIDE), "{delivery}");
    }
    assert_eq!(stage.proxy.asked().len(), 0);
}

#[test]
fn a_name_that_the_server_does_not_know_is_a_warning() {
    let stage = stage();
    let webhook = stage.project.webhook("https://nowhere.example/", json!({ "retries": "none" }));
    let warning = webhook["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("nowhere.example does not resolve"), "{warning}");
    assert_eq!(stage.sent()[0]["last_failure"]["kind"], "dns");
}
