//! `/v1/deliveries`: the shapes, the list and its filters.
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::factory::{self, Project};
use crate::support::receiver::{self, Behaviour};

const TYPE: &str = "customer.rewarded";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn holds(value: &Value, names: &[&str]) {
    for name in names {
        assert!(keys(value).contains(name), "no {name} in {value}");
    }
}

fn ids(project: &Project, query: &str) -> Vec<String> {
    let page = project.api().get(&format!("/v1/deliveries?{query}")).expect(200).json();
    let rows = page["data"].as_array().expect("a list");
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_delivery_and_its_attempts_have_the_promised_shape() {
    let (app, receiver) = (App::start(), receiver::start_with(Behaviour::status(500)));
    let project = factory::project(&app, "Shop");
    let webhook = project.webhook(&receiver.url("/"), json!({}));
    let event = project.event(TYPE, json!({}));
    app.wait_for("retrying", 1);
    let listed = project.deliveries()[0].clone();
    let expected = json!({
        "status": "retrying", "event_id": event["id"], "event_type": TYPE, "webhook_id": webhook["id"],
        "target_url": webhook["target_url"], "test": false, "created_at": "2026-11-21T12:00:00.000Z",
        "attempt_count": 1, "last_response_status": 500,
        "last_failure": { "kind": "response_status", "detail": "Answered 500." },
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&listed[name], value, "{name}");
    }
    assert!(
        listed["next_attempt_at"].as_str().is_some_and(|at| at.starts_with("2026-11-21T12:0")),
        "{listed}"
    );
    let alone = project.delivery(listed["id"].as_str().expect("an id"));
    for name in keys(&listed) {
        assert_eq!(alone[name], listed[name], "{name}");
    }
    assert!(alone["body"].is_string(), "{alone}");
    let attempt = &alone["attempts"][0];
    holds(
        attempt,
        &[
            "number",
            "started_at",
            "duration_ms",
            "url",
            "address",
            "request",
            "response",
            "failure",
            "timings",
        ],
    );
    holds(&attempt["request"], &["headers", "body"]);
    holds(&attempt["response"], &["status", "headers", "body", "truncated"]);
    holds(&attempt["timings"], &["dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms"]);
    assert_eq!(attempt["failure"], expected["last_failure"]);
    assert_eq!(attempt["timings"]["dns_ms"], Value::Null, "an address needs no look-up");

    let told = project.api().get(&format!("/v1/events/{}", event["id"].as_str().expect("an id"))).expect(200);
    let mut expected = listed.clone();
    expected["held_by"] = Value::Null;
    assert_eq!(told.json()["deliveries"], json!([expected]));
}

#[test]
fn deliveries_are_found_by_every_filter_and_by_several_together() {
    let (app, receiver) = (App::start(), receiver::start());
    let project = factory::project(&app, "Shop");
    let settings =
        |name: &str| json!({ "name": name, "retries": "none", "events": [TYPE, "voucher.created"] });
    let good = project.webhook(&receiver.url("/"), settings("good"));
    let bad = project.webhook(&receiver.url("/?status=404"), settings("bad"));
    let first = project.post_event(&json!({ "type": TYPE, "data": {}, "id": "own" })).expect(202).json();
    app.wait_for("failed", 1);
    app.advance(time::Duration::minutes(1));
    project.event("voucher.created", json!({}));
    app.wait_for("failed", 2);
    app.wait_for("delivered", 2);

    let all = ids(&project, "");
    assert_eq!(all.len(), 4);
    let by = |query: &str| ids(&project, query).len();
    let webhook = |webhook: &Value| webhook["id"].as_str().expect("an id").to_owned();
    assert_eq!(by("status=delivered"), 2);
    assert_eq!(by("status=failed,delivered"), 4);
    assert_eq!(by("status=due,held,cancelled,sending,retrying"), 0);
    assert_eq!(by(&format!("webhook_id={}", webhook(&bad))), 2);
    assert_eq!(by(&format!("webhook_id={},{}", webhook(&bad), webhook(&good))), 4);
    assert_eq!(by("event_type=voucher.created"), 2);
    assert_eq!(by("event_type=voucher.created,customer.rewarded"), 4);
    assert_eq!(by("response_status=404"), 2);
    assert_eq!(by("response_status=4xx"), 2);
    assert_eq!(by("response_status=200,4xx"), 4);
    assert_eq!(by("response_status=5xx"), 0);
    assert_eq!(by("since=2026-11-21T12:00:30Z"), 2);
    assert_eq!(by("until=2026-11-21T12:00:30Z"), 2);
    assert_eq!(by("q=own"), 2);
    assert_eq!(by(&format!("q={}", first["id"].as_str().expect("an id"))), 2);
    assert_eq!(ids(&project, &format!("q={}", all[1])), [all[1].as_str()]);
    assert_eq!(by("q=nothing"), 0);
    let several = format!("status=failed&event_type=voucher.created&webhook_id={}", webhook(&bad));
    assert_eq!(by(&several), 1);
    assert_eq!(by(&format!("{several}&q=own")), 0);
}

#[test]
fn deliveries_are_listed_newest_first_page_by_page_with_their_filters() {
    let app = App::start();
    let project = factory::project(&app, "Shop");
    let receiver = receiver::start();
    project.webhook(&receiver.url("/"), json!({ "name": "a" }));
    project.webhook(&receiver.url("/?status=500"), json!({ "name": "b", "retries": "none" }));
    for _ in 0..5 {
        project.event(TYPE, json!({}));
        app.clock.advance(time::Duration::SECOND);
    }
    app.wait_for("delivered", 5);
    app.wait_for("failed", 5);
    for (filter, total) in [("", 10), ("&status=failed", 5)] {
        let all = ids(&project, &format!("limit=250{filter}"));
        assert_eq!(all.len(), total);
        assert!(all.is_sorted_by(|a, b| a > b), "newest first: {all:?}");
        let (mut seen, mut query) = (Vec::new(), format!("limit=3{filter}"));
        loop {
            let page = project.api().get(&format!("/v1/deliveries?{query}")).expect(200).json();
            seen.extend(page["data"].as_array().expect("a list").iter().map(|row| row["id"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("limit=3{filter}&cursor={cursor}");
        }
        assert_eq!(seen, all);
    }
}
