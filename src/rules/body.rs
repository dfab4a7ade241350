//! Bodies as receivers get them: compact JSON that reads and prints the same in JavaScript, bare or in an envelope.

mod canonical;
mod envelope;
mod envelope_2018;
mod order;
mod scan;

pub use canonical::{BodyError, BodyErrorKind, DEPTH_MAX, canonical};
pub use envelope::{ENVELOPE_SCHEMA, Envelope, EventSource, SourceObject, iso_ms, push_json_string};
pub use envelope_2018::{ENVELOPE_2018_SCHEMA, Envelope2018};

/// The version of the envelope that new webhooks get.
pub const VERSION: &str = "2024-01-01";
/// The one before it, for receivers that were written for that.
pub const OLDER_VERSION: &str = "2018-08-01";

/// What a webhook's body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormat {
    /// The event's data within [`Envelope`].
    #[default]
    Envelope,
    /// The event's data itself.
    Flat,
}

impl BodyFormat {
    /// `envelope` or `flat`, as in settings and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Flat => "flat",
        }
    }

    /// Reads what [`BodyFormat::as_str`] gives.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Envelope, Self::Flat].into_iter().find(|format| format.as_str() == word)
    }
}
