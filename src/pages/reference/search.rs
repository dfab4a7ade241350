//! Finding event types by their name, description or fields.
use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::rules::catalogue::{self, EventType, Family};

/// Longer searches are cut: nothing that long is in the catalogue.
pub(super) const Q_CHARS_MAX: usize = 100;
/// So many words are suggested when nothing matches.
const SUGGESTIONS_MAX: usize = 5;
/// Shorter words resemble everything.
const SUGGESTED_CHARS_MIN: usize = 3;

/// What a search brought up.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Types whose name or description has all the words; all types when nothing was searched for.
    pub(super) types: Vec<&'static EventType>,
    /// Types that only have such a field, with the first of them.
    pub(super) by_field: Vec<(&'static EventType, String)>,
    /// Searches that would bring something up, when this one does not.
    pub(super) suggestions: Vec<String>,
}

struct Entry {
    event_type: &'static EventType,
    /// Name and description in small letters.
    told: String,
    /// The name in small letters.
    name: String,
    /// Paths of the fields, each between line breaks.
    fields: String,
    /// The same in small letters, at the same places.
    small: String,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entry = |event_type: &'static EventType| {
        let mut fields = String::from("\n");
        for field in catalogue::fields_of(event_type) {
            fields.push_str(&field.path);
            fields.push('\n');
        }
        Entry {
            event_type,
            name: event_type.name.to_lowercase(),
            told: format!("{}\n{}", event_type.name, event_type.description).to_lowercase(),
            small: fields.to_ascii_lowercase(),
            fields,
        }
    };
    catalogue::all().iter().map(entry).collect()
});

/// Every word by which something can be found.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let is_end = |c: char| !c.is_alphanumeric() && c != '_';
    let names = ENTRIES.iter().flat_map(|entry| entry.event_type.name.split(is_end));
    let fields = ENTRIES.iter().flat_map(|entry| entry.small.split(is_end));
    let words: BTreeSet<&str> =
        names.chain(fields).filter(|word| word.len() >= SUGGESTED_CHARS_MIN).collect();
    words.into_iter().collect()
});

/// Reads the catalogue for searches.
pub(super) fn prepare() {
    LazyLock::force(&ENTRIES);
    LazyLock::force(&WORDS);
}

/// What has all the words of a text, whatever their letters' case, within a family or in all.
pub(super) fn find(text: &str, family: Option<Family>) -> Found {
    let text: String = text.chars().take(Q_CHARS_MAX).collect::<String>().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found = Found::default();
    for entry in ENTRIES.iter().filter(|entry| family.is_none_or(|family| entry.event_type.is_in(family))) {
        if words.iter().all(|word| entry.told.contains(word)) {
            found.types.push(entry.event_type);
        } else if let Some(field) = field_with(entry, &words) {
            found.by_field.push((entry.event_type, field));
        }
    }
    if found.types.is_empty() && found.by_field.is_empty() {
        found.suggestions = suggestions(&text, &words);
    }
    found
}

/// The first field whose path has all the words that the type's name lacks; rather one that is called like one of them.
fn field_with(entry: &Entry, words: &[&str]) -> Option<String> {
    let rest: Vec<&str> = words.iter().copied().filter(|word| !entry.name.contains(word)).collect();
    let fitting = || {
        let paths = entry.small.lines().zip(entry.fields.lines());
        paths.filter(|(small, _)| !small.is_empty() && rest.iter().all(|word| small.contains(word)))
    };
    let is_called =
        |(small, _): &(&str, &str)| rest.iter().any(|word| small.rsplit('.').next() == Some(word));
    let (_, path) = fitting().find(is_called).or_else(|| fitting().next())?;
    Some(path.to_owned())
}

fn suggestions(text: &str, words: &[&str]) -> Vec<String> {
    let types = catalogue::nearest(text.trim(), 3).into_iter();
    let each = SUGGESTIONS_MAX.div_ceil(words.len().max(1));
    let long = words.iter().filter(|word| word.len() >= SUGGESTED_CHARS_MIN);
    let near = long.flat_map(|word| catalogue::nearest_of(word, WORDS.iter().copied(), each));
    let mut suggestions: Vec<String> = Vec::new();
    for word in types.chain(near) {
        if !suggestions.iter().any(|known| known == word) {
            suggestions.push(word.to_owned());
        }
    }
    suggestions.truncate(SUGGESTIONS_MAX);
    suggestions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &Found) -> Vec<&str> {
        found.types.iter().map(|event_type| event_type.name).collect()
    }

    #[test]
    fn no_words_find_every_type() {
        assert_eq!(find("", None).types.len(), catalogue::all().len());
        assert_eq!(find("  ", Some(Family::Loyalty)).types.len(), 3);
    }

    #[test]
    fn a_type_is_found_by_a_part_of_its_name_and_by_words_of_its_description() {
        assert_eq!(names(&find("PRIZE.", None)), ["prize.assigned"]);
        assert_eq!(names(&find("won prize", None)), ["prize.assigned"]);
        assert!(find("prize.assigned", Some(Family::Project)).types.is_empty());
    }

    #[test]
    fn a_type_is_found_by_the_name_of_a_field() {
        let found = find("group_child", None);
        let told: Vec<_> = found.by_field.iter().map(|(t, field)| (t.name, field.as_str())).collect();
        assert_eq!(
            told,
            [("shopper.consent_intent", "pending_group_child"), ("shopper.offer_claimed", "group_child")]
        );
        let found = find("points expired", None);
        assert!(names(&found).contains(&"voucher.loyalty_card.points_expired"));
        let has_all = |(_, field): &(_, String)| field.contains("expired");
        assert!(found.by_field.iter().all(has_all), "what the name lacks is in one field: {found:?}");
        assert!(find("expired_points street", None).by_field.is_empty(), "words of two fields");
        let found = find("balance_added gift transaction.source_id", None);
        assert!(found.by_field.iter().any(|(_, field)| field == "transaction.source_id"), "{found:?}");
    }

    #[test]
    fn a_slip_brings_up_what_was_meant() {
        assert_eq!(find("vuocher", None).suggestions[0], "voucher");
        assert_eq!(find("redemption.suceeded", None).suggestions[0], "redemption.succeeded");
        assert_eq!(find("cuopon_code", None).suggestions[0], "coupon_code");
        assert!(find("zzzzzzzzzzzz", None).suggestions.is_empty());
        assert!(find("voucher", None).suggestions.is_empty());
    }
}
