//! Deliveries as JSON, as the API and downloads give them. Fields may be added, none renamed.
use serde_json::{Value, json};

use super::{Attempt, AttemptRow, Delivery, Failure, HeldBy, Status};
use crate::models::webhooks::Webhook;
use crate::rules::body::iso_ms;
use crate::rules::catalogue;

/// A delivery, as in a list.
pub fn delivery(delivery: &Delivery, target_url: &str) -> Value {
    json!({
        "id": delivery.id,
        "status": delivery.status.as_str(),
        "event_id": delivery.event.with_prefix(catalogue::id_prefix(&delivery.event_type)),
        "event_type": delivery.event_type,
        "webhook_id": delivery.webhook,
        "target_url": target_url,
        "test": delivery.test,
        "created_at": iso_ms(delivery.created_at),
        "next_attempt_at": delivery.next_attempt_at.map(iso_ms),
        "attempt_count": delivery.attempt_count,
        "last_response_status": delivery.last_response_status,
        "last_failure": delivery.last_failure.as_ref().map(failure),
    })
}

/// The same with `held_by`: what keeps it back, `null` unless it is held.
pub fn delivery_and_what_holds_it(of: &Delivery, target_url: &str, webhook: Option<&Webhook>) -> Value {
    let mut value = delivery(of, target_url);
    let held_by = (of.status == Status::Held).then(|| HeldBy::of(webhook).as_str());
    value["held_by"] = held_by.into();
    value
}

/// One delivery with its body and every attempt. `body` gives what an attempt sent, if it is still kept.
pub fn alone(
    of: &Delivery,
    webhook: Option<&Webhook>,
    target_url: &str,
    attempts: &[AttemptRow],
    body: impl Fn(&AttemptRow) -> Option<Vec<u8>>,
) -> Value {
    let mut value = delivery_and_what_holds_it(of, target_url, webhook);
    value["body"] = attempts.last().and_then(&body).map(|body| text(&body)).into();
    value["attempts"] = attempts.iter().map(|row| attempt(row, body(row).as_deref())).collect();
    value
}

/// One attempt, with the body that it sent.
pub fn attempt(row: &AttemptRow, body: Option<&[u8]>) -> Value {
    let Attempt { started_at, url, address, request_headers, response, failure: failed, timings, .. } =
        &row.attempt;
    let ms = |us: Option<i32>| us.map(|us| f64::from(us) / 1_000.0);
    json!({
        "number": row.number,
        "started_at": iso_ms(*started_at),
        "duration_ms": f64::from(timings.total_us) / 1_000.0,
        "url": url,
        "address": address,
        "request": { "headers": headers(request_headers), "body": body.map(text) },
        "response": response.as_ref().map(|response| json!({
            "status": response.status,
            "headers": headers(&response.headers),
            "body": (!row.response_is_emptied).then(|| text(&response.body)),
            "truncated": response.truncated,
        })),
        "failure": failed.as_ref().map(failure),
        "timings": {
            "dns_ms": ms(timings.dns_us),
            "connect_ms": ms(timings.connect_us),
            "tls_ms": ms(timings.tls_us),
            "first_byte_ms": ms(timings.first_byte_us),
            "total_ms": ms(Some(timings.total_us)),
        },
    })
}

/// Why an attempt failed.
pub fn failure(failure: &Failure) -> Value {
    json!({ "kind": failure.kind.as_str(), "detail": failure.detail })
}

/// Name to value; a name that came several times has its values joined by ", " as HTTP allows.
fn headers(pairs: &[(String, String)]) -> Value {
    let mut map = serde_json::Map::new();
    for (name, value) in pairs {
        match map.get_mut(name) {
            Some(Value::String(first)) => {
                first.push_str(", ");
                first.push_str(value);
            }
            _ => {
                map.insert(name.clone(), value.clone().into());
            }
        }
    }
    map.into()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
