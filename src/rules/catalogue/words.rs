//! Words that stand for several event types in a filter of the history: a family, `custom` for a project's own types, or
//! the first word of their names, such as `redemption`.
use std::collections::BTreeSet;

use super::own::{self, OwnNames};
use super::{Family, all};

/// Every such word, in the order of the alphabet.
pub fn family_words() -> Vec<&'static str> {
    let first = |name: &'static str| name.split_once('.').map(|(first, _)| first);
    let first_words = all().iter().filter_map(|event_type| first(event_type.name));
    let families = Family::ALL.into_iter().map(Family::as_str);
    first_words.chain(families).chain([own::FAMILY]).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The types that any of the words stands for, and that are among `types` if those name any; none if that leaves no
/// type. Without a word, `types` as they are, where an empty list means any type.
pub fn narrowed(types: Vec<String>, words: &[String], own: &OwnNames) -> Option<Vec<String>> {
    if words.is_empty() {
        return Some(types);
    }
    let stands_for = |word: &str, name: &str| {
        let is_first = name.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'));
        let has_family =
            |event_type: &super::EventType| event_type.families.iter().any(|family| family.as_str() == word);
        is_first || super::find(name).is_some_and(has_family)
    };
    let names = || all().iter().map(|event_type| event_type.name).chain(own.iter());
    let candidates: Vec<&str> =
        if types.is_empty() { names().collect() } else { types.iter().map(String::as_str).collect() };
    let wanted = candidates.into_iter().filter(|name| words.iter().any(|word| stands_for(word, name)));
    Some(wanted.map(str::to_owned).collect()).filter(|wanted: &Vec<String>| !wanted.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(types: &[&str], words: &[&str]) -> Option<Vec<String>> {
        let own = OwnNames(vec![("custom.order_shipped".to_owned(), String::new())]);
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        narrowed(owned(types), &owned(words), &own)
    }

    #[test]
    fn a_word_stands_for_types_that_begin_with_it_or_are_of_its_family() {
        let redemption = expanded(&[], &["redemption"]).unwrap();
        assert!(redemption.len() > 1 && redemption.iter().all(|name| name.starts_with("redemption.")));
        assert_eq!(expanded(&[], &["loyalty"]).unwrap().len(), 3);
        assert_eq!(expanded(&[], &["custom"]).unwrap(), ["custom.order_shipped"]);
        assert_eq!(expanded(&[], &["loyalty", "custom"]).unwrap().len(), 4);
    }

    #[test]
    fn types_and_words_together_leave_what_is_meant_by_both() {
        assert_eq!(
            expanded(&["voucher.created", "campaign.deleted"], &["voucher"]).unwrap(),
            ["voucher.created"]
        );
        assert_eq!(expanded(&["campaign.deleted"], &["voucher"]), None);
        assert_eq!(expanded(&["campaign.deleted"], &[]).unwrap(), ["campaign.deleted"]);
    }

    #[test]
    fn every_word_stands_for_something() {
        for word in family_words() {
            assert!(expanded(&[], &[word]).is_some(), "{word}");
        }
    }
}
