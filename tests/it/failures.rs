//! Every way a receiver can fail is in the history with its kind, and says what happened.
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::raw::{self, RawReceiver};
use crate::support::receiver::{self, Behaviour, Misbehaviour};

const TYPE: &str = "customer.rewarded";

/// One try, of a second.
fn once() -> Value {
    json!({ "retries": "none", "timeout_ms": 1000 })
}

fn started() -> (App, Project) {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    (app, project)
}

/// Sends one event to `url` and tells the delivery once nothing more happens to it.
fn sent_to(app: &App, project: &Project, url: &str, settings: Value) -> Value {
    let id = project.webhook(url, settings)["id"].as_str().expect("an id").to_owned();
    project.event(TYPE, json!({}));
    app.dispatch_until_idle();
    let list = project.api().get(&format!("/v1/deliveries?webhook_id={id}")).expect(200).json();
    project.delivery(list["data"][0]["id"].as_str().expect("a delivery"))
}

/// That the delivery was given up after one attempt that failed in this way; tells the detail.
#[track_caller]
fn failed(delivery: &Value, kind: &str) -> String {
    assert_eq!(delivery["status"], "failed", "{delivery}");
    assert_eq!(delivery["attempt_count"], 1, "{delivery}");
    assert_eq!(delivery["last_failure"]["kind"], kind, "{delivery}");
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(1), "{delivery}");
    assert_eq!(delivery["attempts"][0]["failure"], delivery["last_failure"], "{delivery}");
    let detail = delivery["last_failure"]["detail"].as_str().expect("a detail");
    assert!(!detail.is_empty(), "{delivery}");
    detail.to_owned()
}

#[test]
fn a_status_of_500_is_a_failure() {
    let ((app, project), receiver) = (started(), receiver::start_with(Behaviour::status(500)));
    let delivery = sent_to(&app, &project, &receiver.url("/"), once());
    assert!(failed(&delivery, "response_status").contains("500"));
    assert_eq!(delivery["last_response_status"], 500);
    assert_eq!(delivery["attempts"][0]["response"]["body"], "received\n");
}

#[test]
fn a_redirect_is_not_followed() {
    let (app, project) = started();
    let (elsewhere, receiver) = (receiver::start(), receiver::start());
    for status in [301, 302, 303, 307, 308] {
        receiver.set(Behaviour {
            headers: vec![("location".to_owned(), elsewhere.url("/"))],
            ..Behaviour::status(status)
        });
        let settings = json!({ "retries": "none", "name": status.to_string() });
        let delivery = sent_to(&app, &project, &receiver.url("/"), settings);
        assert!(failed(&delivery, "response_status").contains("redirect"));
        assert_eq!(delivery["last_response_status"], status);
        let id = delivery["webhook_id"].as_str().expect("an id");
        project.api().delete(&format!("/v1/webhooks/{id}")).expect(204);
    }
    assert_eq!((receiver.count(), elsewhere.count()), (5, 0));
}

#[test]
fn success_is_any_2xx_or_exactly_200_as_the_webhook_says() {
    let (app, project) = started();
    let receiver = receiver::start();
    for status in [200, 201, 204, 299] {
        let url = receiver.url(&format!("/?status={status}"));
        let any = json!({ "name": format!("any {status}"), "retries": "none", "success": "2xx" });
        assert_eq!(sent_to(&app, &project, &url, any)["status"], "delivered", "{status}");
        let only = json!({ "name": format!("only {status}"), "retries": "none", "success": "200" });
        let delivery = sent_to(&app, &project, &url, only);
        if status == 200 {
            assert_eq!(delivery["status"], "delivered");
        } else {
            assert!(failed(&delivery, "response_status").contains("200"), "{status}");
        }
    }
}

#[test]
fn the_time_limit_covers_the_whole_exchange() {
    let (app, project) = started();
    let receiver = receiver::start();
    let limited = |name: &str| json!({ "name": name, "retries": "none", "timeout_ms": 1000 });
    project.webhook(&receiver.url("/?misbehave=hang"), limited("hang"));
    project.webhook(&receiver.url("/?misbehave=drip"), limited("drip"));
    project.webhook(&receiver.url("/?delay_ms=60000"), limited("late"));
    project.event(TYPE, json!({}));
    app.wait_for("failed", 3);
    for delivery in project.deliveries() {
        let delivery = project.delivery(delivery["id"].as_str().expect("an id"));
        assert!(failed(&delivery, "timeout").contains("1 s"));
        let attempt = &delivery["attempts"][0];
        let total = attempt["timings"]["total_ms"].as_f64().expect("a time");
        assert!((1_000.0..3_000.0).contains(&total), "{total} ms");
        // What came before the limit is kept.
        let drips = delivery["target_url"].as_str().is_some_and(|url| url.contains("drip"));
        assert_eq!(attempt["response"]["status"], if drips { json!(200) } else { Value::Null }, "{delivery}");
    }
}

#[test]
fn of_an_answer_64_kib_are_read_and_that_is_no_failure() {
    let (app, project) = started();
    let receiver = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Huge));
    let endless = sent_to(&app, &project, &receiver.url("/endless"), json!({ "name": "endless" }));
    assert_eq!(endless["status"], "delivered", "{endless}");
    let response = &endless["attempts"][0]["response"];
    assert_eq!(response["body"].as_str().map(str::len), Some(64 * 1024));
    assert_eq!(response["truncated"], true);
    for (bytes, truncated) in [(64 * 1024, false), (64 * 1024 + 1, true)] {
        receiver.set(Behaviour { body: vec![b'x'; bytes].into(), ..Behaviour::default() });
        let settings = json!({ "name": bytes.to_string() });
        let delivery = sent_to(&app, &project, &receiver.url("/?misbehave=no"), settings);
        let response = &delivery["attempts"][0]["response"];
        assert_eq!(response["body"].as_str().map(str::len), Some(64 * 1024));
        assert_eq!(response["truncated"], truncated, "{bytes}");
    }
}

#[test]
fn a_connection_that_breaks_off_is_a_reset() {
    let (app, project) = started();
    let resets = receiver::start_with(Behaviour::misbehaving(Misbehaviour::Reset));
    failed(&sent_to(&app, &project, &resets.url("/"), json!({ "name": "a", "retries": "none" })), "reset");
    let closes = RawReceiver::start("");
    let delivery = sent_to(&app, &project, &closes.url("/"), json!({ "name": "b", "retries": "none" }));
    assert!(failed(&delivery, "reset").contains("closed the connection"), "{delivery}");
    assert_eq!(closes.connections(), 1, "sent once: it may have been taken");
}

#[test]
fn an_answer_that_is_no_http_or_incomplete_is_a_failure_of_the_body() {
    let (app, project) = started();
    for (name, answer) in [
        ("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        ("no status", "HTTP/1.1 abc\r\n\r\n"),
        ("half a body", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
        ("half a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nhalf"),
    ] {
        let receiver = RawReceiver::start(answer);
        let settings = json!({ "name": name, "retries": "none" });
        failed(&sent_to(&app, &project, &receiver.url("/"), settings), "body");
    }
}

#[test]
fn where_nothing_listens_no_connection_comes_about() {
    let (app, project) = started();
    let url = format!("http://{}/", raw::closed_port());
    let delivery = sent_to(&app, &project, &url, once());
    assert!(failed(&delivery, "connect").contains("refused"), "{delivery}");
    assert_eq!(delivery["attempts"][0]["response"], Value::Null);
    assert_eq!(delivery["attempts"][0]["address"], Value::Null, "nothing was sent anywhere");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (app, project) = started();
    let (receiver, _pem) = receiver::start_tls(&["127.0.0.1"]);
    let delivery = sent_to(&app, &project, &receiver.url("/"), once());
    assert!(failed(&delivery, "tls").contains("certificate"), "{delivery}");
    assert_eq!(receiver.count(), 0, "nothing was sent");
}

#[test]
fn a_certificate_that_the_installation_trusts_is_accepted() {
    let (receiver, pem) = receiver::start_tls(&["127.0.0.1"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).expect("write");
    let app = App::start_with(|config, _| config.extra_ca = Some(file));
    let project = factory::project(&app, "Shop");
    let delivery = sent_to(&app, &project, &receiver.url("/"), once());
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    assert!(delivery["attempts"][0]["timings"]["tls_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{delivery}");
}

#[test]
fn https_to_a_server_without_tls_fails_as_tls() {
    let (app, project) = started();
    let plain = RawReceiver::start("HTTP/1.1 400 Bad Request\r\n\r\n");
    let url = plain.url("/").replace("http://", "https://");
    failed(&sent_to(&app, &project, &url, once()), "tls");
}

#[test]
fn http_to_a_server_that_wants_tls_fails() {
    let (app, project) = started();
    let (receiver, _pem) = receiver::start_tls(&["127.0.0.1"]);
    let url = receiver.url("/").replace("https://", "http://");
    let delivery = sent_to(&app, &project, &url, once());
    assert_eq!(delivery["status"], "failed", "{delivery}");
    assert!(matches!(delivery["last_failure"]["kind"].as_str(), Some("body" | "reset")), "{delivery}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (receiver, pem) = receiver::start_tls(&["other.example"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).expect("write");
    let app = App::start_with(|config, _| config.extra_ca = Some(file));
    let project = factory::project(&app, "Shop");
    failed(&sent_to(&app, &project, &receiver.url("/"), once()), "tls");
    assert_eq!(receiver.count(), 0, "nothing was sent");
}

#[test]
fn a_kept_connection_that_the_receiver_closed_meanwhile_is_no_failure() {
    let (app, project) = started();
    let first = receiver::start();
    let listen = first.addr();
    project.webhook(&first.url("/"), json!({ "retries": "none" }));
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 1);
    first.stop();
    let options = receiver::Options { listen, ..receiver::Options::default() };
    let second = receiver::Receiver::start(options).expect("the same port");
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 2);
    assert_eq!(second.count(), 1);
    assert!(project.deliveries().iter().all(|delivery| delivery["attempt_count"] == 1));
}

#[test]
fn connections_are_used_again() {
    let (app, project) = started();
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({}));
    for n in 1..=3 {
        project.event(TYPE, json!({}));
        app.wait_for("delivered", n);
    }
    let mut made: Vec<bool> = project
        .deliveries()
        .iter()
        .map(|delivery| project.delivery(delivery["id"].as_str().expect("an id")))
        .map(|delivery| delivery["attempts"][0]["timings"]["connect_ms"].is_number())
        .collect();
    made.sort_unstable();
    assert_eq!(made, [false, false, true]);
}

#[test]
fn an_answer_that_ends_with_its_connection_is_complete() {
    let (app, project) = started();
    let receiver = RawReceiver::start("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    let delivery = sent_to(&app, &project, &receiver.url("/"), once());
    assert_eq!(delivery["status"], "delivered", "{delivery}");
    assert_eq!(delivery["attempts"][0]["response"]["body"], "until the end");
}

#[test]
fn hints_before_the_answer_are_not_the_answer() {
    let (app, project) = started();
    let receiver = RawReceiver::start(
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    let delivery = sent_to(&app, &project, &receiver.url("/"), once());
    assert_eq!(delivery["last_response_status"], 200, "{delivery}");
    assert_eq!(delivery["status"], "delivered", "{delivery}");
}

#[test]
fn one_event_fails_for_one_webhook_and_reaches_the_others() {
    let (app, project) = started();
    let receiver = receiver::start();
    for (name, path) in [("a", "/a"), ("b", "/b?status=500"), ("c", "/c?misbehave=reset"), ("d", "/d")] {
        project.webhook(&receiver.url(path), json!({ "name": name, "retries": "none" }));
    }
    project.event(TYPE, json!({}));
    app.wait_for("delivered", 2);
    app.wait_for("failed", 2);
    let mut paths: Vec<_> = receiver.received().into_iter().map(|received| received.path).collect();
    paths.sort();
    assert_eq!(paths, ["/a", "/b?status=500", "/c?misbehave=reset", "/d"]);
}
