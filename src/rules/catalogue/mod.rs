//! The catalogue: every event type with its families, description, schema and sample.
//!
//! Names, families and the shape of the `published` payloads follow the public documentation of the systems whose
//! receivers we serve; sentences and sample values are ours.
use std::collections::HashMap;
use std::sync::LazyLock;

pub mod fields;
mod list;
mod family;
mod nearest;
pub mod own;
pub mod words;

pub use family::{Family, UnknownFamily};
pub use fields::Field;
pub use nearest::{nearest, nearest_of};

/// One kind of event, as people subscribe to it.
#[derive(Clone, Copy, Debug)]
pub struct EventType {
    /// What the event's `type` says, for example `redemption.succeeded`.
    pub name: &'static str,
    /// One family, or two for a type that both send.
    pub families: &'static [Family],
    /// Types that are ticked together in the settings, for example `voucher.gift`.
    pub group: &'static str,
    /// One sentence: what happened when this is sent.
    pub description: &'static str,
    /// Whether a source documents the payload; if not, schema and sample are our design.
    pub documented: bool,
    /// What the id of such an event begins with.
    pub id_prefix: &'static str,
    schema: &'static str,
    sample: &'static str,
}

impl EventType {
    /// JSON Schema (draft 2020-12) of the event's `data`, as text. It documents and gates nothing: receivers must
    /// expect further fields.
    pub fn schema(&self) -> &'static str {
        self.schema
    }

    /// An invented, complete `data` that fits the schema, as text with line breaks.
    pub fn sample(&self) -> &'static str {
        self.sample
    }

    /// Whether the type belongs to the family.
    pub fn is_in(&self, family: Family) -> bool {
        self.families.contains(&family)
    }
}

static ALL: LazyLock<Vec<EventType>> =
    LazyLock::new(|| list::LISTS.iter().flat_map(|(_, types)| types.iter().copied()).collect());

static BY_NAME: LazyLock<HashMap<&'static str, &'static EventType>> =
    LazyLock::new(|| all().iter().map(|event_type| (event_type.name, event_type)).collect());

static FIELDS: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let fields =
        |event_type: &EventType| fields::of_schema(&json(event_type.schema), &json(event_type.sample));
    all().iter().map(|event_type| (event_type.name, fields(event_type))).collect()
});

/// The fields of the data of an event type of the catalogue. All are read once, at the first call.
pub fn fields_of(event_type: &EventType) -> &'static [Field] {
    FIELDS.get(event_type.name).map_or(&[], Vec::as_slice)
}

/// Every event type, always in the same order: by family, then by group.
pub fn all() -> &'static [EventType] {
    &ALL
}

/// The event type of that exact name. One look into a hash map: every event that comes in is looked up.
pub fn find(name: &str) -> Option<&'static EventType> {
    BY_NAME.get(name).copied()
}

/// The name that is meant by one that the management API of the project webhook's vendor lists with a letter missing:
/// programs written to its list name these.
pub fn spelled(name: &str) -> &str {
    match name {
        "campaign.vouchers.aded" => "campaign.vouchers.added",
        "voucher.gift.balance_aded" => "voucher.gift.balance_added",
        "voucher.loyalty_card.pending_points.aded" => "voucher.loyalty_card.pending_points.added",
        "voucher.loyalty_card.points_aded" => "voucher.loyalty_card.points_added",
        name => name,
    }
}

/// A type that every receiver can make sense of, for a first try: somebody became a customer.
pub fn plain() -> &'static EventType {
    // A test holds the name to the list.
    find("customer.created").unwrap_or(&all()[0])
}

/// The types of a family, shared ones included, in the order of [`all`].
pub fn of(family: Family) -> impl Iterator<Item = &'static EventType> {
    all().iter().filter(move |event_type| event_type.is_in(family))
}

/// The groups and their types, in the order of [`all`]; a group that spans two families comes once.
pub fn groups() -> Vec<(&'static str, Vec<&'static EventType>)> {
    let mut groups: Vec<(&'static str, Vec<&'static EventType>)> = Vec::new();
    for event_type in all() {
        match groups.iter_mut().find(|(group, _)| *group == event_type.group) {
            Some((_, types)) => types.push(event_type),
            None => groups.push((event_type.group, vec![event_type])),
        }
    }
    groups
}

/// What the id of an event of that type begins with: told by the first word of the name, `ev_` for any other.
pub const fn id_prefix(type_name: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 6] = [
        ("redemption.", "evred_"),
        ("publication.", "evpub_"),
        ("customer.", "evcus_"),
        ("voucher.", "evvou_"),
        ("campaign.", "evcam_"),
        ("business_validation_rule.", "evbvr_"),
    ];
    let mut i = 0;
    while i < PREFIXES.len() {
        if starts_with(type_name.as_bytes(), PREFIXES[i].0.as_bytes()) {
            return PREFIXES[i].1;
        }
        i += 1;
    }
    "ev_"
}

/// `slice::starts_with` for constants: the lists are built at compile time.
const fn starts_with(text: &[u8], start: &[u8]) -> bool {
    if text.len() < start.len() {
        return false;
    }
    let mut i = 0;
    while i < start.len() {
        if text[i] != start[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests;
