//! The systems whose events we carry.
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A set of event types that belong to one system. A type may stand in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    Project,
    Distribution,
    Contact,
    Shopper,
    Gamify,
    Loyalty,
}

impl Family {
    /// Every family, in the order in which the catalogue lists them.
    pub const ALL: [Family; 6] = [
        Family::Project,
        Family::Distribution,
        Family::Contact,
        Family::Shopper,
        Family::Gamify,
        Family::Loyalty,
    ];

    /// The name in addresses, in the API and in settings files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Family::Project => "project",
            Family::Distribution => "distribution",
            Family::Contact => "contact",
            Family::Shopper => "shopper",
            Family::Gamify => "gamify",
            Family::Loyalty => "loyalty",
        }
    }

    /// One line for people.
    pub const fn description(self) -> &'static str {
        match self {
            Family::Project => "Codes, campaigns, customers and redemptions of a promotion platform.",
            Family::Distribution => "What can start a distribution: something that concerns one customer.",
            Family::Contact => "Contacts that sign up for messages or leave.",
            Family::Shopper => "Shoppers that are verified before they get an offer.",
            Family::Gamify => "Segments, players, games and prizes of gamified campaigns.",
            Family::Loyalty => "Missions, rewards and badges of a loyalty programme.",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFamily;

impl fmt::Display for UnknownFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a family: expected project, distribution, contact, shopper, gamify or loyalty")
    }
}

impl std::error::Error for UnknownFamily {}

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Family, UnknownFamily> {
        Family::ALL.into_iter().find(|family| family.as_str() == text).ok_or(UnknownFamily)
    }
}
