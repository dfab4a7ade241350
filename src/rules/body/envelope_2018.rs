//! The older envelope around an event's data (Voucherify webhooks v2018-08-01):
//! `id, object, webhook_id, project_id, created_at, type, data: {object, previous_attributes}, metadata: {source}`.
//!
//! Its `id` is the event's. `webhook_id` is null, as in every sample that has it, and `previous_attributes` is empty:
//! an event says what is, not what was.
use serde::Deserialize;
use time::OffsetDateTime;

use super::envelope::{field, iso_ms, push_json_string};

/// JSON Schema (draft 2020-12) of the older envelope, as text.
pub const ENVELOPE_2018_SCHEMA: &str = include_str!("envelope_2018.schema.json");

/// Everything in an older envelope but the data. It is the same for every delivery of an event.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Envelope2018<'a> {
    pub event_id: &'a str,
    pub project_id: &'a str,
    pub created_at: OffsetDateTime,
    pub event_type: &'a str,
    /// JSON as [`super::EventSource::to_json`] gives it: its channel is the `source`.
    pub event_source: &'a str,
}

impl Envelope2018<'_> {
    /// What goes before and after the data: prefix, canonical data and suffix together are the canonical body.
    pub fn around(&self) -> (Vec<u8>, Vec<u8>) {
        let mut prefix = String::with_capacity(256);
        let to = &mut prefix;
        field(to, r#"{"id":"#, self.event_id);
        field(to, r#","object":"event","webhook_id":null,"project_id":"#, self.project_id);
        field(to, r#","created_at":"#, &iso_ms(self.created_at));
        field(to, r#","type":"#, self.event_type);
        to.push_str(r#","data":{"object":"#);

        let mut suffix = r#","previous_attributes":{}},"metadata":{"source":"#.to_owned();
        push_json_string(&mut suffix, channel(self.event_source));
        suffix.push_str("}}");
        (prefix.into_bytes(), suffix.into_bytes())
    }
}

/// The channel of an event's source; `INTERNAL` if it cannot be read any more.
fn channel(event_source: &str) -> &str {
    #[derive(Deserialize)]
    struct Source<'a> {
        channel: &'a str,
    }
    serde_json::from_str(event_source).map_or("INTERNAL", |source: Source<'_>| source.channel)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use time::macros::datetime;

    use super::super::{EventSource, canonical};
    use super::*;

    fn body(event_type: &str, source: &EventSource, data: &str) -> String {
        let (prefix, suffix) = Envelope2018 {
            event_id: "evred_1137d0b0092064d58f",
            project_id: "proj_Q7hVd2Lm",
            created_at: datetime!(2025-09-17 15:37:49.844_999 UTC),
            event_type,
            event_source: &source.to_json(),
        }
        .around();
        String::from_utf8([&prefix, data.as_bytes(), &suffix].concat()).unwrap()
    }

    #[test]
    fn an_older_envelope_has_the_documented_keys_in_their_order() {
        let source = EventSource::Api { key_name: "Till".into(), app_id: "a".into() };
        assert_eq!(
            body("redemption.succeeded", &source, r#"{"a":1}"#),
            concat!(
                r#"{"id":"evred_1137d0b0092064d58f","object":"event","webhook_id":null,"#,
                r#""project_id":"proj_Q7hVd2Lm","created_at":"2025-09-17T15:37:49.844Z","#,
                r#""type":"redemption.succeeded","data":{"object":{"a":1},"previous_attributes":{}},"#,
                r#""metadata":{"source":"API"}}"#,
            )
        );
    }

    #[test]
    fn an_older_envelope_is_canonical_and_as_its_schema_says() {
        let schema = serde_json::from_str(ENVELOPE_2018_SCHEMA).unwrap();
        let validator = jsonschema::draft202012::options().build(&schema).unwrap();
        for source in [EventSource::Internal, EventSource::UserPortal { user_id: "user_1".into() }] {
            let body = body("\"\\\u{0}\u{2028} Zoë 🎁", &source, "{}");
            assert!(matches!(canonical(body.as_bytes()), Ok(Cow::Borrowed(same)) if same == body.as_bytes()));
            let read: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert!(validator.is_valid(&read), "{body}");
        }
    }
}
