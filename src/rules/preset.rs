//! Presets: settings that a receiver written to one of the guides we serve expects.
//!
//! A preset is a beginning: what is named beside it wins, and everything may be changed afterwards.
use serde::{Deserialize, Serialize};

use super::authentication::Authentication;
use super::body::BodyFormat;
use super::catalogue::{self, EventType, Family};
use super::retry::{Retries, Success, WhenUsedUp};
use super::signing::ExtraSignature;

/// Which guide a webhook's receiver was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    Project,
    Contact,
    Verification,
    Gamify,
    Loyalty,
}

impl Preset {
    /// Every preset, in the order in which they are offered.
    pub const ALL: [Preset; 5] =
        [Preset::Project, Preset::Contact, Preset::Verification, Preset::Gamify, Preset::Loyalty];

    /// The word in settings and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Preset::Project => "project",
            Preset::Contact => "contact",
            Preset::Verification => "verification",
            Preset::Gamify => "gamify",
            Preset::Loyalty => "loyalty",
        }
    }

    /// Reads what [`Preset::as_str`] gives.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == word)
    }

    /// Its name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Preset::Project => "Project webhook v2024-01-01",
            Preset::Contact => "Contact connector",
            Preset::Verification => "Verification",
            Preset::Gamify => "Gamified campaign",
            Preset::Loyalty => "Loyalty missions",
        }
    }

    /// One line for people.
    pub const fn description(self) -> &'static str {
        match self {
            Preset::Project => {
                "Codes, campaigns and redemptions in an envelope, with x-voucherify-signature."
            }
            Preset::Contact => "Who subscribed or left: the contact's 20 attributes alone; only 200 counts.",
            Preset::Verification => {
                "Shoppers on their way to an offer, as flat data; a bearer token if you like."
            }
            Preset::Gamify => "Segments, players, games and prizes; two seconds to answer, no retries.",
            Preset::Loyalty => "Missions, rewards and badges, with a key of their own in x-api-key.",
        }
    }

    /// The family whose types it subscribes to.
    pub const fn family(self) -> Family {
        match self {
            Preset::Project => Family::Project,
            Preset::Contact => Family::Contact,
            Preset::Verification => Family::Shopper,
            Preset::Gamify => Family::Gamify,
            Preset::Loyalty => Family::Loyalty,
        }
    }

    /// The types it subscribes to, sorted.
    pub fn events(self) -> Vec<String> {
        let mut names: Vec<String> =
            catalogue::of(self.family()).map(|event_type| event_type.name.to_owned()).collect();
        names.sort();
        names
    }

    /// The type that its guide's own test sends, where it names one.
    pub fn trial_type(self) -> Option<&'static EventType> {
        match self {
            Preset::Loyalty => catalogue::find("mission_completed"),
            _ => None,
        }
    }

    /// What the request's body looks like.
    pub const fn body(self) -> BodyFormat {
        match self {
            Preset::Project | Preset::Gamify | Preset::Loyalty => BodyFormat::Envelope,
            Preset::Contact | Preset::Verification => BodyFormat::Flat,
        }
    }

    /// Which answers count as delivered.
    pub const fn success(self) -> Success {
        match self {
            Preset::Contact => Success::Only200,
            _ => Success::Any2xx,
        }
    }

    /// Limit of the whole exchange in milliseconds.
    pub const fn timeout_ms(self) -> i32 {
        match self {
            Preset::Gamify => 2_000,
            _ => 10_000,
        }
    }

    /// When to try again.
    pub const fn retries(self) -> Retries {
        match self {
            Preset::Project | Preset::Verification => Retries::Doubling24h,
            Preset::Contact | Preset::Loyalty => Retries::Three,
            Preset::Gamify => Retries::None,
        }
    }

    /// What happens when retries are used up.
    pub const fn when_used_up(self) -> WhenUsedUp {
        match self {
            Preset::Project => WhenUsedUp::Disable,
            _ => WhenUsedUp::Fail,
        }
    }

    /// The signature beside the standard one.
    pub const fn extra_signature(self) -> ExtraSignature {
        match self {
            Preset::Project => ExtraSignature::Voucherify,
            _ => ExtraSignature::None,
        }
    }

    /// How requests authenticate themselves: a new key for [`Preset::Loyalty`], for the others it is a choice.
    pub fn authentication(self) -> Authentication {
        match self {
            Preset::Loyalty => Authentication::generated_api_key(),
            _ => Authentication::None,
        }
    }
}
