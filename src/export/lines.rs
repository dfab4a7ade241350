//! A delivery as JSON: a line of an export, an item of a list of the API.
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::models::deliveries::{Delivery, Failure, Outline};
use crate::rules::body::iso_ms;
use crate::rules::catalogue;
use crate::rules::masks::Veil;

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

/// `{kind, detail}`.
pub fn failure(failure: &Failure) -> Value {
    json!({ "kind": failure.kind.as_str(), "detail": failure.detail })
}

/// An attempt without headers and bodies; `url` as it may be read.
pub(super) fn attempt(of: &Outline, url: &str, veil: &Veil) -> Value {
    let failed = of.failure.as_ref();
    json!({
        "number": of.number,
        "started_at": iso_ms(of.started_at),
        "duration_ms": f64::from(of.duration_us) / 1_000.0,
        "url": url,
        "address": of.address,
        "response_status": of.response_status,
        "failure": failed.map(|of| json!({ "kind": of.kind.as_str(), "detail": veil.text(&of.detail) })),
    })
}

/// Appends a line; `data` comes last, as it is stored, digit for digit.
pub(super) fn line(value: &Value, data: Option<Option<&[u8]>>, out: &mut String) {
    let mut text = value.to_string();
    if let Some(data) = data {
        // It was JSON when it was stored; null once it is no longer kept.
        let kept = data.and_then(|data| serde_json::from_slice::<&RawValue>(data).ok());
        text.truncate(text.len().saturating_sub(1));
        text.push_str(",\"data\":");
        text.push_str(kept.map_or("null", RawValue::get));
        text.push('}');
    }
    out.push_str(&text);
    out.push('\n');
}
