//! Which webhooks an event goes to, and which would have taken it.
use std::sync::Arc;

use serde_json::json;

use crate::models::webhooks::{ProjectSnapshot, Target, Verdict};

/// The webhooks of an event.
pub(super) struct FanOut<'a> {
    /// Each gets a delivery, and whether it is held.
    pub(super) takers: Vec<(&'a Arc<Target>, bool)>,
    /// JSON for the event's row: who subscribes and got nothing, and why. None if there is nobody.
    pub(super) skipped: Option<String>,
}

/// Who gets an event of this type with these data, canonical JSON.
pub(super) fn fan_out<'a>(snapshot: &'a ProjectSnapshot, event_type: &str, data: &[u8]) -> FanOut<'a> {
    let mut takers = Vec::new();
    let mut skipped = Vec::new();
    for (target, verdict) in snapshot.subscribers(event_type) {
        let reason = match verdict {
            Verdict::Elsewhere => "host_not_allowed",
            // Also while it is off: once it is on again it is sent what it missed.
            _ if !target.takes(data) => "filter",
            Verdict::Takes | Verdict::Holds => {
                takers.push((target, verdict == Verdict::Holds));
                continue;
            }
            Verdict::Paused => "paused",
            Verdict::Disabled => "disabled",
        };
        skipped.push(json!({ "webhook_id": target.webhook.id, "reason": reason }));
    }
    let skipped = (!skipped.is_empty()).then(|| serde_json::Value::from(skipped).to_string());
    FanOut { takers, skipped }
}
