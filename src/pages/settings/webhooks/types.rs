//! The event types as check boxes in groups.
use std::collections::BTreeSet;

use crate::rules::catalogue;
use crate::rules::catalogue::own::OwnNames;

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
    pub name: String,
    pub description: String,
    pub is_chosen: bool,
}

impl Group {
    /// Whether every type of the group is chosen.
    pub fn is_whole(&self) -> bool {
        self.chosen == self.types.len()
    }
}

/// The project's own types, then every group of the catalogue, with the chosen ones ticked; first those that have any.
pub fn groups(chosen: &BTreeSet<String>, own: &OwnNames) -> Vec<Group> {
    let ticked = |name: &str, description: &str| TypeBox {
        name: name.to_owned(),
        description: description.to_owned(),
        is_chosen: chosen.contains(name),
    };
    let group = |title: String, types: Vec<TypeBox>| {
        let chosen = types.iter().filter(|event_type| event_type.is_chosen).count();
        Group { title, types, chosen }
    };
    let own: Vec<TypeBox> = own.0.iter().map(|(name, description)| ticked(name, description)).collect();
    let own = (!own.is_empty()).then(|| group("Own types of this project".to_owned(), own));
    let of_the_catalogue = catalogue::groups().into_iter().map(|(key, types)| {
        let types = types.iter().map(|event_type| ticked(event_type.name, event_type.description));
        group(in_words(key), types.collect())
    });
    let mut groups: Vec<Group> = own.into_iter().chain(of_the_catalogue).collect();
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
        let own = OwnNames(vec![("custom.a".to_owned(), String::new())]);
        let groups = groups(&BTreeSet::new(), &own);
        let names: Vec<&str> = groups.iter().flat_map(|g| g.types.iter().map(|t| t.name.as_str())).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len());
        assert_eq!((names.len(), names[0]), (catalogue::all().len() + 1, "custom.a"));
    }

    #[test]
    fn a_group_counts_what_is_chosen() {
        let groups = groups(&BTreeSet::from(["voucher.created".to_owned()]), &OwnNames::default());
        assert_eq!(groups.iter().map(|group| group.chosen).sum::<usize>(), 1);
        assert!(groups.iter().all(|group| !group.is_whole() || group.types.len() == 1));
    }
}
