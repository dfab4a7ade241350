//! What a person or a program may set on a webhook.
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::rules::authentication::{Authentication, ExtraHeader, Hidden};
use crate::rules::body::{BodyFormat, VERSION};
use crate::rules::filter::Filter;
use crate::rules::preset::Preset;
use crate::rules::retry::{Retries, Success, WhenUsedUp};
use crate::rules::signing::ExtraSignature;

/// The time limit covers the whole exchange; in milliseconds.
pub const TIMEOUT_MS: std::ops::RangeInclusive<i64> = 1_000..=30_000;
/// Requests a second that a webhook may be limited to, over all nodes together.
pub const RATE_PER_S: std::ops::RangeInclusive<i64> = 1..=1_000;

/// What becomes of the events that come while a webhook is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenPaused {
    /// They make no delivery, only a trace of why.
    #[default]
    Drop,
    /// They make deliveries that are held.
    Hold,
}

impl WhenPaused {
    /// `drop` or `hold`, as in settings and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Hold => "hold",
        }
    }
}

/// A maintenance window: the webhook is off and holds what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Maintenance {
    pub from: OffsetDateTime,
    pub until: OffsetDateTime,
}

/// The checked settings of a webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// For people; unique in the project among webhooks that exist. Empty: it gets the target's host when it is saved.
    pub name: String,
    /// For people.
    pub description: String,
    /// The address that is called, as typed.
    pub target_url: String,
    /// Off: nothing is sent.
    pub active: bool,
    /// Every event type, also ones that do not exist yet.
    pub all_events: bool,
    /// The chosen event types, sorted; not looked at when `all_events` is set.
    pub events: Vec<String>,
    /// What the request's body looks like.
    pub body: BodyFormat,
    /// Which version of the envelope: [`VERSION`] or [`OLDER_VERSION`].
    pub version: String,
    /// Limit of the whole exchange in milliseconds.
    pub timeout_ms: i32,
    /// When to try again.
    pub retries: Retries,
    /// Which answers count as delivered.
    pub success: Success,
    /// What happens when retries are used up.
    pub when_used_up: WhenUsedUp,
    /// Requests a second at most, over all nodes together; none for no limit.
    pub rate_per_s: Option<i32>,
    /// Conditions on an event's data that must all hold; none to take every event of its types.
    pub filter: Option<Filter>,
    /// The guide that it began with, if any.
    pub preset: Option<Preset>,
    /// The signature beside the standard one.
    pub extra_signature: ExtraSignature,
    /// How requests authenticate themselves.
    pub authentication: Authentication,
    /// Headers beside those that every request has, by name.
    pub headers: Vec<ExtraHeader>,
    /// Certificate chain and key (PEM) that we show to a receiver that asks who we are.
    pub client_certificate: Option<Hidden>,
    /// What becomes of events that come while it is off.
    pub when_paused: WhenPaused,
    /// When it is off by plan, and holds what comes.
    pub maintenance: Option<Maintenance>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            target_url: String::new(),
            active: true,
            all_events: false,
            events: Vec::new(),
            body: BodyFormat::Envelope,
            version: VERSION.to_owned(),
            timeout_ms: 10_000,
            retries: Retries::Doubling24h,
            success: Success::Any2xx,
            when_used_up: WhenUsedUp::Fail,
            rate_per_s: None,
            filter: None,
            preset: None,
            extra_signature: ExtraSignature::None,
            authentication: Authentication::None,
            headers: Vec::new(),
            client_certificate: None,
            when_paused: WhenPaused::Drop,
            maintenance: None,
        }
    }
}

impl Settings {
    /// Fills in what a preset says; its authentication only where it is not a choice and another kind is set.
    pub fn apply(&mut self, preset: Preset) {
        let authentication = preset.authentication();
        if authentication != Authentication::None && authentication.kind() != self.authentication.kind() {
            self.authentication = authentication;
        }
        self.preset = Some(preset);
        self.all_events = false;
        self.events = preset.events();
        self.body = preset.body();
        self.timeout_ms = preset.timeout_ms();
        self.retries = preset.retries();
        self.success = preset.success();
        self.when_used_up = preset.when_used_up();
        self.extra_signature = preset.extra_signature();
    }

    /// Whether it subscribes to an event type.
    pub fn takes(&self, event_type: &str) -> bool {
        self.all_events || self.events.iter().any(|name| name == event_type)
    }
}
