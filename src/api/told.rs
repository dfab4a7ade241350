//! What a webhook's answer holds beside its settings, and whether a body that holds it too asks for anything new.
//!
//! An answer may be sent back as it is. What cannot be set is passed over while it says what is so, and refused when it
//! would have to be done.
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::shapes;
use crate::models::webhooks::Webhook;
use crate::rules::body::iso_ms;

/// What a body is compared to.
pub(super) struct Stored<'a> {
    /// The webhook as it stands.
    pub webhook: &'a Webhook,
    /// Whether the body itself switches it on: then the reason why it was disabled goes.
    pub switches_on: bool,
    /// Whether it is on afterwards.
    pub is_on_then: bool,
}

/// What a field of this name and value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing that an answer has.
    Unknown,
    /// It cannot be set, and says otherwise than it is.
    Otherwise,
    /// It says what is so.
    Nothing,
}

/// Judges a field that is no setting; `stored` is none for a webhook that is still to be made: of that, what an answer
/// told of another is passed over.
pub(super) fn told(name: &str, value: &Value, stored: Option<&Stored<'_>>) -> Told {
    let is_so = match name {
        // It comes and goes by itself.
        "slowed" => value.is_null() || value.is_object(),
        "off_since" => value.is_null() || value.is_string(),
        "object" => value == "webhook",
        // Compared to what this answer says too: see [`are_warnings`].
        "warnings" => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
        "id" | "created_at" | "updated_at" | "disabled" => match stored {
            Some(stored) => stored.has(name, value),
            None if name == "disabled" => value.is_null() || value.is_object(),
            None => value.is_string(),
        },
        _ => return Told::Unknown,
    };
    if is_so { Told::Nothing } else { Told::Otherwise }
}

/// Whether these are the warnings that `GET` tells, which are none, or those that the same settings lead to again.
pub(super) fn are_warnings(value: &Value, warnings: &[String]) -> bool {
    value.as_array().is_some_and(|given| given.is_empty()) || *value == json!(warnings)
}

impl Stored<'_> {
    fn has(&self, name: &str, value: &Value) -> bool {
        let told = &shapes::webhook(self.webhook, None, &[])[name];
        match name {
            "id" => value == told,
            "created_at" => moment(value) == Some(iso_ms(self.webhook.created_at)),
            // One from an earlier answer: whoever changes a webhook twice need not read it in between.
            "updated_at" => moment(value).is_some_and(|at| {
                // Texts of one length and zone sort by time.
                at >= iso_ms(self.webhook.created_at) && at <= iso_ms(self.webhook.updated_at)
            }),
            _ if self.switches_on => value.is_null() || is_disabled_shape(value),
            _ => value == told || (value.is_null() && self.is_on_then),
        }
    }
}

/// A moment as we tell it, however it is written.
fn moment(value: &Value) -> Option<String> {
    OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok().map(iso_ms)
}

/// As an earlier answer told it: the same change, sent once more, finds the reason gone.
fn is_disabled_shape(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        let known = ["kind", "detail", "at", "delivery_id", "response_status"];
        object.keys().all(|name| known.contains(&name.as_str()))
            && ["kind", "detail", "at"].iter().all(|name| object.get(*name).is_some_and(Value::is_string))
    })
}
