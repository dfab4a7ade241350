//! Lines of NDJSON.
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::models::deliveries::Outline;
use crate::rules::body::iso_ms;
use crate::rules::masks::Veil;

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
