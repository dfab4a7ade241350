//! An event as it goes over the wire, to an invented receiver: made by the same rules that send the real ones.
use std::sync::LazyLock;

use time::OffsetDateTime;
use time::macros::datetime;

use crate::pages::history::curl::quoted;
use crate::rules::body::{Envelope, Envelope2018, EventSource, SourceObject, canonical};
use crate::rules::catalogue::id_prefix;
use crate::rules::request::{Head, METHOD};
use crate::rules::signing::{self, Secret};

/// The secret of every example: base64 of the text `Callout-example-secret-32-bytes!`. It opens nothing.
pub(super) const SECRET: &str = "whsec_Q2FsbG91dC1leGFtcGxlLXNlY3JldC0zMi1ieXRlcyE=";
/// When the examples were sent, and when what they tell happened.
const SENT_AT: OffsetDateTime = datetime!(2026-11-21 12:00:00 UTC);
const HAPPENED_AT: OffsetDateTime = datetime!(2026-11-21 11:59:58.412 UTC);
const HOST: &str = "shop.example";
const PATH: &str = "/callout";
const PROJECT: &str = "proj_0197b7a2d34c70008a2b5c7d9e0f1a2b";
const WEBHOOK: &str = "wh_0197b7a2d34c70018a2b5c7d9e0f1a2b";
const DELIVERY: &str = "whs_01a1fdfa3fcc7b02b5e2b0a5c1d3f4e6";
/// After the prefix of its family.
const EVENT: &str = "01a1fdfa3fcc7c41a3d0f2b4e6c8a0d2";
const GROUP: &str = "v-01a1fdfa3fcc7c41a3d0f2b4e6c8a0d3";
const APP: &str = "0197b7a2-d34c-7a10-b5e2-b0a5c1d3f4e6";

static EXAMPLE_SECRET: LazyLock<Secret> =
    LazyLock::new(|| Secret::parse(SECRET).unwrap_or_else(|_| Secret::generate()));

/// What a body can look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Envelope,
    OlderEnvelope,
    Flat,
}

/// A request as its receiver gets it.
#[derive(Debug)]
pub struct Wire {
    /// Request line and headers, a line each.
    pub head: String,
    /// The body, byte for byte.
    pub body: String,
    /// A command line that checks its signature.
    pub check: String,
}

/// The request for a type's sample.
pub(super) fn of(name: &str, sample: &str, form: Form) -> Wire {
    let data = data_of(sample);
    let body = match form {
        Form::Flat => data,
        Form::Envelope => enveloped(name, &data),
        Form::OlderEnvelope => enveloped_as_before(name, &data),
    };
    let timestamp = SENT_AT.unix_timestamp();
    let signature = signing::sign([&*EXAMPLE_SECRET], DELIVERY, timestamp, &[body.as_bytes()]);
    let head = Head { host: HOST, at: SENT_AT, id: DELIVERY, signature: &signature, event_type: name };
    let mut lines = vec![format!("{METHOD} {PATH} HTTP/1.1")];
    let length = ("content-length", body.len().to_string().into());
    for (name, value) in head.headers().into_iter().chain([length]) {
        lines.push(format!("{name}: {value}"));
    }
    let check = format!(
        "printf '%s' {} |\n  callout verify-signature --tolerance-s 0 \\\n    --secret {SECRET} \\\n    \
         --id {DELIVERY} \\\n    --timestamp {timestamp} \\\n    --signature {signature}",
        quoted(&body)
    );
    Wire { head: lines.join("\n"), body, check }
}

/// A type's sample as it is stored and sent: in canonical form.
pub(super) fn data_of(sample: &str) -> String {
    // A test holds every sample to be canonicable.
    canonical(sample.as_bytes()).map(|data| String::from_utf8_lossy(&data).into_owned()).unwrap_or_default()
}

fn enveloped(name: &str, data: &str) -> String {
    let (before, after) = Envelope {
        id: DELIVERY,
        project_id: PROJECT,
        created_at: HAPPENED_AT,
        event_name: name,
        source_id: WEBHOOK,
        source_object: SourceObject::Webhook,
        target_url: &format!("https://{HOST}{PATH}"),
        event_id: &format!("{}{EVENT}", id_prefix(name)),
        event_type: name,
        event_created_at: HAPPENED_AT,
        entity_id: None,
        group_id: GROUP,
        event_source: &source(),
    }
    .around();
    format!("{}{data}{}", String::from_utf8_lossy(&before), String::from_utf8_lossy(&after))
}

fn enveloped_as_before(name: &str, data: &str) -> String {
    let (before, after) = Envelope2018 {
        event_id: &format!("{}{EVENT}", id_prefix(name)),
        project_id: PROJECT,
        created_at: HAPPENED_AT,
        event_type: name,
        event_source: &source(),
    }
    .around();
    format!("{}{data}{}", String::from_utf8_lossy(&before), String::from_utf8_lossy(&after))
}

fn source() -> String {
    EventSource::Api { key_name: "Till".to_owned(), app_id: APP.to_owned() }.to_json()
}

/// A command line that posts a type's sample.
pub(super) fn post(name: &str, sample: &str, public_url: &str) -> String {
    let event = format!(r#"{{"type":"{}","data":{}}}"#, name, data_of(sample));
    format!(
        "curl {public_url}/v1/events \\\n  -H \"Authorization: Bearer $CALLOUT_KEY\" \\\n  \
         -H \"Content-Type: application/json\" \\\n  -d {}",
        quoted(&event)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::catalogue;

    #[test]
    fn every_example_is_signed_as_the_library_of_standard_webhooks_signs() {
        let library = standardwebhooks::Webhook::new(SECRET).unwrap();
        for event_type in catalogue::all() {
            for form in [Form::Envelope, Form::OlderEnvelope, Form::Flat] {
                let wire = of(event_type.name, event_type.sample(), form);
                let expected =
                    library.sign(DELIVERY, SENT_AT.unix_timestamp(), wire.body.as_bytes()).unwrap();
                assert!(wire.head.contains(&format!("\nwebhook-signature: {expected}\n")), "{}", wire.head);
                assert!(wire.head.ends_with(&format!("\ncontent-length: {}", wire.body.len())));
            }
        }
    }

    #[test]
    fn every_example_is_a_body_that_is_sent_as_it_stands() {
        for event_type in catalogue::all() {
            for form in [Form::Envelope, Form::OlderEnvelope, Form::Flat] {
                let body = of(event_type.name, event_type.sample(), form).body;
                assert_eq!(canonical(body.as_bytes()).unwrap(), body.as_bytes(), "{}", event_type.name);
            }
        }
    }
}
