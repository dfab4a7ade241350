//! Every event type, one line each, a file per family.
//!
//! To add one: a line in its family's file, `samples/<family>/<type>.json` and `schemas/<family>/<type>.json`.
use super::{EventType, Family, id_prefix};

/// The list of a family: `event_types! { "folder"; group "name" in [Families] { published "type": "description"; } }`.
/// `published` means that a source documents the payload, `designed` that it is ours.
macro_rules! event_types {
    (@documented published) => { true };
    (@documented designed) => { false };
    ($folder:literal; $(group $group:literal in $families:tt {
        $($kind:ident $name:literal: $description:literal;)+
    })+) => {
        pub(super) static TYPES: &[EventType] = &[$($(EventType {
            name: $name,
            families: &$families,
            group: $group,
            description: $description,
            documented: event_types!(@documented $kind),
            id_prefix: super::id_prefix($name),
            schema: include_str!(concat!("../schemas/", $folder, "/", $name, ".json")),
            sample: include_str!(concat!("../samples/", $folder, "/", $name, ".json")),
        },)+)+];
    };
}

mod project;
mod distribution;
mod contact;
mod shopper;
mod gamify;
mod loyalty;

/// The lists in the order of the families; the folder of each is the family's name.
pub(super) static LISTS: [(Family, &[EventType]); 6] = [
    (Family::Project, project::TYPES),
    (Family::Distribution, distribution::TYPES),
    (Family::Contact, contact::TYPES),
    (Family::Shopper, shopper::TYPES),
    (Family::Gamify, gamify::TYPES),
    (Family::Loyalty, loyalty::TYPES),
];
