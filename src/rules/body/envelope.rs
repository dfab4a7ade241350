//! The envelope around an event's data: `id, project_id, created_at, type, data, source, event`
//! (Voucherify webhooks v2024-01-01).

use std::fmt::Write as _;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset};

use super::scan::escaped;

/// JSON Schema (draft 2020-12) of the envelope, as text.
pub const ENVELOPE_SCHEMA: &str = include_str!("envelope.schema.json");

/// Everything in an envelope but the data.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The delivery's id, the same as `webhook-id`.
    pub id: &'a str,
    pub project_id: &'a str,
    pub created_at: OffsetDateTime,
    /// What the receiver knows the event as.
    pub event_name: &'a str,
    /// The webhook, or the distribution.
    pub source_id: &'a str,
    pub source_object: SourceObject,
    pub target_url: &'a str,
    pub event_id: &'a str,
    /// The event's real type; for webhooks the same as the name.
    pub event_type: &'a str,
    pub event_created_at: OffsetDateTime,
    /// Left out of the envelope when there is none, never null.
    pub entity_id: Option<&'a str>,
    pub group_id: &'a str,
    /// Canonical JSON, as [`EventSource::to_json`] gives it.
    pub event_source: &'a str,
}

/// What sends: `source.object`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceObject {
    Webhook,
    Distribution,
}

impl SourceObject {
    fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Distribution => "distribution",
        }
    }
}

impl Envelope<'_> {
    /// What goes before and after the data: prefix, canonical data and suffix together are the canonical body.
    pub fn around(&self) -> (Vec<u8>, Vec<u8>) {
        let mut prefix = String::with_capacity(256);
        let to = &mut prefix;
        field(to, r#"{"id":"#, self.id);
        field(to, r#","project_id":"#, self.project_id);
        field(to, r#","created_at":"#, &iso_ms(self.created_at));
        field(to, r#","type":"#, self.event_name);
        to.push_str(r#","data":"#);

        let mut suffix = String::with_capacity(512);
        let to = &mut suffix;
        field(to, r#","source":{"id":"#, self.source_id);
        field(to, r#","object":"#, self.source_object.as_str());
        field(to, r#","target_url":"#, self.target_url);
        field(to, r#"},"event":{"id":"#, self.event_id);
        field(to, r#","type":"#, self.event_type);
        field(to, r#","created_at":"#, &iso_ms(self.event_created_at));
        if let Some(entity_id) = self.entity_id {
            field(to, r#","entity_id":"#, entity_id);
        }
        field(to, r#","group_id":"#, self.group_id);
        to.push_str(r#","event_source":"#);
        to.push_str(self.event_source);
        to.push_str("}}");
        (prefix.into_bytes(), suffix.into_bytes())
    }
}

pub(super) fn field(to: &mut String, name: &str, value: &str) {
    to.push_str(name);
    push_json_string(to, value);
}

/// Appends a text as a JSON string in canonical form, quotes included.
pub fn push_json_string(to: &mut String, text: &str) {
    to.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (plain, special) = rest.split_at(at);
        to.push_str(plain);
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            let mut room = [0; 6];
            to.extend(escaped(character, &mut room).iter().map(|byte| char::from(*byte)));
        }
        rest = characters.as_str();
    }
    to.push_str(rest);
    to.push('"');
}

/// A moment as ISO 8601 in UTC with milliseconds: `2025-09-17T15:37:49.844Z`. Finer parts are cut off.
pub fn iso_ms(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second, ms) = at.to_hms_milli();
    let mut text = String::with_capacity(24);
    let month = u8::from(month);
    // Writing to a String cannot fail.
    let _ = write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z");
    text
}

/// How an event came about: `event.event_source`. As JSON `{"channel":…}`, with the person or the key where known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventSource {
    /// A person, in these pages.
    UserPortal { user_id: String },
    /// A program, with a key.
    Api { key_name: String, app_id: String },
    /// This program by itself.
    Internal,
}

impl EventSource {
    /// Canonical JSON, to be stored and to be put in an [`Envelope`].
    pub fn to_json(&self) -> String {
        let mut json = String::with_capacity(128);
        match self {
            Self::UserPortal { user_id } => {
                field(&mut json, r#"{"channel":"USER_PORTAL","user":{"id":"#, user_id);
                json.push_str("}}");
            }
            Self::Api { key_name, app_id } => {
                field(&mut json, r#"{"channel":"API","api_key":{"name":"#, key_name);
                field(&mut json, r#","app_id":"#, app_id);
                json.push_str("}}");
            }
            Self::Internal => json.push_str(r#"{"channel":"INTERNAL"}"#),
        }
        json
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    channel: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<WireUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<WireKey>,
}

#[derive(Serialize, Deserialize)]
struct WireUser {
    id: String,
}

#[derive(Serialize, Deserialize)]
struct WireKey {
    name: String,
    app_id: String,
}

impl Serialize for EventSource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (channel, user, api_key) = match self.clone() {
            Self::UserPortal { user_id } => ("USER_PORTAL", Some(WireUser { id: user_id }), None),
            Self::Api { key_name, app_id } => ("API", None, Some(WireKey { name: key_name, app_id })),
            Self::Internal => ("INTERNAL", None, None),
        };
        Wire { channel: channel.to_owned(), user, api_key }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for EventSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(from)?;
        match (wire.channel.as_str(), wire.user, wire.api_key) {
            ("USER_PORTAL", Some(user), _) => Ok(Self::UserPortal { user_id: user.id }),
            ("API", _, Some(key)) => Ok(Self::Api { key_name: key.name, app_id: key.app_id }),
            ("INTERNAL", _, _) => Ok(Self::Internal),
            _ => Err(D::Error::custom(
                "event source: expected a channel USER_PORTAL with user, API with api_key, or INTERNAL",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::canonical;
    use super::*;

    fn envelope<'a>(entity_id: Option<&'a str>, event_source: &'a str) -> Envelope<'a> {
        Envelope {
            id: "whs_1137d0b09947963a2d",
            project_id: "proj_Q7hVd2Lm",
            created_at: datetime!(2025-09-17 15:37:49.844_999 UTC),
            event_name: "redemption.succeeded",
            source_id: "wh_5DCUoxaV4IvgkrFcMMW3gN0k",
            source_object: SourceObject::Webhook,
            target_url: "https://hooks.shop.example/voucherify?a=\"1\"",
            event_id: "evred_1137d0b0092064d58f",
            event_type: "redemption.succeeded",
            event_created_at: datetime!(2025-09-17 17:37:49 +2),
            entity_id,
            group_id: "v-1137d0af21d4db8c35",
            event_source,
        }
    }

    fn around(envelope: &Envelope<'_>, data: &str) -> String {
        let (prefix, suffix) = envelope.around();
        String::from_utf8([&prefix, data.as_bytes(), &suffix].concat()).unwrap()
    }

    #[test]
    fn an_envelope_has_the_documented_keys_in_the_documented_order() {
        let source =
            EventSource::Api { key_name: "Checkout key".into(), app_id: "2c1f0a9e".into() }.to_json();
        let body = around(&envelope(Some("r_1137d0b004e043584b"), &source), r#"{"a":1}"#);
        assert_eq!(
            body,
            concat!(
                r#"{"id":"whs_1137d0b09947963a2d","project_id":"proj_Q7hVd2Lm","#,
                r#""created_at":"2025-09-17T15:37:49.844Z","type":"redemption.succeeded","data":{"a":1},"#,
                r#""source":{"id":"wh_5DCUoxaV4IvgkrFcMMW3gN0k","object":"webhook","#,
                r#""target_url":"https://hooks.shop.example/voucherify?a=\"1\""},"#,
                r#""event":{"id":"evred_1137d0b0092064d58f","type":"redemption.succeeded","#,
                r#""created_at":"2025-09-17T15:37:49.000Z","entity_id":"r_1137d0b004e043584b","#,
                r#""group_id":"v-1137d0af21d4db8c35","event_source":{"channel":"API","#,
                r#""api_key":{"name":"Checkout key","app_id":"2c1f0a9e"}}}}"#,
            )
        );
    }

    #[test]
    fn the_schema_describes_exactly_what_an_envelope_has() {
        let schema = serde_json::from_str(ENVELOPE_SCHEMA).unwrap();
        let validator = jsonschema::draft202012::options().build(&schema).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        let (user, key) = ("user_1".to_owned(), ("K".to_owned(), "a".to_owned()));
        for source in [
            EventSource::UserPortal { user_id: user },
            EventSource::Api { key_name: key.0, app_id: key.1 },
            EventSource::Internal,
        ] {
            let source = source.to_json();
            for entity in [None, Some("r_1")] {
                let body = serde_json::from_str(&around(&envelope(entity, &source), "{}")).unwrap();
                assert!(validator.is_valid(&body), "{body}");
                paths(&body, "", &mut seen);
            }
        }
        let told = crate::rules::catalogue::fields::of_schema(&schema, &serde_json::Value::Null);
        assert_eq!(seen, told.into_iter().map(|field| field.path).collect());
    }

    fn paths(value: &serde_json::Value, path: &str, into: &mut std::collections::BTreeSet<String>) {
        for (name, below) in value.as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            paths(below, &path, into);
            into.insert(path);
        }
    }

    #[test]
    fn an_envelope_is_canonical_whatever_its_texts() {
        let odd = "\"\\/\u{0}\u{1f}\u{7f}\u{2028}\n\t\u{8}\u{c}\r Zoë 🎁";
        let source = EventSource::UserPortal { user_id: odd.into() }.to_json();
        let body =
            around(&Envelope { event_name: odd, target_url: odd, ..envelope(Some(odd), &source) }, "{}");
        assert!(
            matches!(canonical(body.as_bytes()), Ok(std::borrow::Cow::Borrowed(same)) if same == body.as_bytes())
        );
        let read: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(read["type"], odd);
        assert_eq!(read["event"]["event_source"]["user"]["id"], odd);
    }

    #[test]
    fn an_entity_that_is_unknown_is_absent_not_null() {
        let body = around(&envelope(None, &EventSource::Internal.to_json()), "{}");
        assert!(!body.contains("entity_id") && !body.contains("null"), "{body}");
        assert!(body.ends_with(r#""event_source":{"channel":"INTERNAL"}}}"#));
    }

    #[test]
    fn an_event_source_reads_back_as_it_was_written() {
        for source in [
            EventSource::UserPortal { user_id: "user_1".into() },
            EventSource::Api { key_name: "K \"x\"".into(), app_id: "a".into() },
            EventSource::Internal,
        ] {
            assert_eq!(serde_json::from_str::<EventSource>(&source.to_json()).unwrap(), source);
            assert_eq!(serde_json::to_string(&source).unwrap(), source.to_json());
        }
        assert!(serde_json::from_str::<EventSource>(r#"{"channel":"API"}"#).is_err());
    }
}
