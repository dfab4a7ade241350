//! The event types as check boxes in groups.
use std::collections::BTreeSet;

use crate::rules::catalogue;

/// Types that are ticked together.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Group {
    /// In words: `Voucher gift`.
    pub title: String,
    pub types: Vec<TypeBox>,
    pub chosen: usize,
}

/// A check box.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct TypeBox {
    pub name: &'static str,
    pub description: &'static str,
    pub is_chosen: bool,
}

impl Group {
    /// Whether every type of the group is chosen.
    pub fn is_whole(&self) -> bool {
        self.chosen == self.types.len()
    }
}

/// Every group of the catalogue with the chosen types ticked; first those that have any.
pub fn groups(chosen: &BTreeSet<String>) -> Vec<Group> {
    let group = |(key, types): (&'static str, Vec<&'static catalogue::EventType>)| {
        let types: Vec<TypeBox> = types
            .into_iter()
            .map(|event_type| TypeBox {
                name: event_type.name,
                description: event_type.description,
                is_chosen: chosen.contains(event_type.name),
            })
            .collect();
        let chosen = types.iter().filter(|event_type| event_type.is_chosen).count();
        Group { title: in_words(key), types, chosen }
    };
    let mut groups: Vec<Group> = catalogue::groups().into_iter().map(group).collect();
    groups.sort_by_key(|group| group.chosen == 0);
    groups
}

fn in_words(key: &str) -> String {
    let words = key.replace(['.', '_'], " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_catalogue_can_be_ticked_once() {
        let names: Vec<&str> =
            groups(&BTreeSet::new()).iter().flat_map(|g| g.types.iter().map(|t| t.name)).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len());
        assert_eq!(names.len(), catalogue::all().len());
    }

    #[test]
    fn a_group_counts_what_is_chosen() {
        let groups = groups(&BTreeSet::from(["voucher.created".to_owned()]));
        assert_eq!(groups.iter().map(|group| group.chosen).sum::<usize>(), 1);
        assert!(groups.iter().all(|group| !group.is_whole() || group.types.len() == 1));
    }
}
