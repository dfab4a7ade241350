//! Reading of an event's data what a filter asks for, and no more: nothing is built, the rest is passed over.
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::path::Step;
use super::{Condition, Finding, text};

/// Which conditions look at a place in the data, and which places below it are looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    conditions: Vec<usize>,
    below: Vec<(Step, Node)>,
}

impl Node {
    pub(super) fn of(conditions: &[Condition]) -> Self {
        let mut root = Self::default();
        for (n, condition) in conditions.iter().enumerate() {
            let mut node = &mut root;
            for step in &condition.path.steps {
                let at = node.below.iter().position(|(other, _)| other == step).unwrap_or_else(|| {
                    node.below.push((step.clone(), Self::default()));
                    node.below.len() - 1
                });
                node = &mut node.below[at].1;
            }
            node.conditions.push(n);
        }
        root
    }

    fn by_key(&self, key: &str) -> Option<&Self> {
        self.below.iter().find(|(step, _)| matches!(step, Step::Key(own) if own == key)).map(|(_, node)| node)
    }

    fn by_index(&self, index: usize) -> impl Iterator<Item = &Self> {
        let leads = move |step: &Step| matches!(step, Step::Any) || *step == Step::Index(index);
        self.below.iter().filter(move |(step, _)| leads(step)).map(|(_, node)| node)
    }
}

/// Whether all conditions hold.
pub(super) fn matches(conditions: &[Condition], tree: &Node, data: &[u8]) -> bool {
    let mut walk = Walk { conditions, passed: 0, decided: 0, failed: false, found: None };
    walk.through(tree, data);
    let holds = |(n, condition): (usize, &Condition)| walk.has_passed(n) != condition.is_negated();
    !walk.failed && conditions.iter().enumerate().all(holds)
}

/// What each condition comes to.
pub(super) fn verdict(conditions: &[Condition], tree: &Node, data: &[u8]) -> Vec<Finding> {
    let found = Some(vec![None; conditions.len()]);
    let mut walk = Walk { conditions, passed: 0, decided: 0, failed: false, found };
    walk.through(tree, data);
    let mut found = walk.found.take().unwrap_or_default();
    let finding = |(n, condition): (usize, &Condition)| Finding {
        condition: text::of(condition),
        holds: walk.has_passed(n) != condition.is_negated(),
        found: found.get_mut(n).and_then(Option::take),
    };
    conditions.iter().enumerate().map(finding).collect()
}

/// One reading. Bits stand for conditions: there are at most 20.
struct Walk<'f> {
    conditions: &'f [Condition],
    /// Something at the path passed the test.
    passed: u32,
    /// Nothing more can change whether it holds.
    decided: u32,
    /// One is decided and does not hold.
    failed: bool,
    /// What was found, for those who want to know; then nothing is left out.
    found: Option<Vec<Option<String>>>,
}

impl Walk<'_> {
    fn through(&mut self, tree: &Node, data: &[u8]) {
        // Data are UTF-8 as every canonical JSON. What could not be read would be absent.
        let Ok(data) = std::str::from_utf8(data) else { return };
        // An error is how a reading ends early.
        let _ = Place { walk: self, node: tree }.deserialize(&mut serde_json::Deserializer::from_str(data));
    }

    fn has_passed(&self, n: usize) -> bool {
        self.passed & (1 << n) != 0
    }

    /// Tests a value. True if no more has to be read.
    fn see(&mut self, node: &Node, raw: &str) -> bool {
        for n in &node.conditions {
            let condition = &self.conditions[*n];
            let passes = condition.test.is_passed_by(raw);
            if let Some(found) = &mut self.found
                && (found[*n].is_none() || passes && self.passed & (1 << n) == 0)
            {
                found[*n] = Some(raw.to_owned());
            }
            let is_last = passes || !condition.path.is_to_any();
            self.passed |= u32::from(passes) << n;
            self.decided |= u32::from(is_last) << n;
            self.failed |= is_last && passes == condition.is_negated();
        }
        self.found.is_none() && (self.failed || self.decided.count_ones() as usize == self.conditions.len())
    }
}

/// A value about to be read.
struct Place<'w, 'f> {
    walk: &'w mut Walk<'f>,
    node: &'w Node,
}

impl<'de> DeserializeSeed<'de> for Place<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        if self.node.conditions.is_empty() {
            return from.deserialize_any(self);
        }
        let raw = <&RawValue as serde::Deserialize>::deserialize(from)?.get();
        if self.walk.see(self.node, raw) {
            return Err(D::Error::custom("decided"));
        }
        if self.node.below.is_empty() || !raw.starts_with(['{', '[']) {
            return Ok(());
        }
        serde_json::Deserializer::from_str(raw).deserialize_any(self).map_err(D::Error::custom)
    }
}

impl<'de> Visitor<'de> for Place<'_, '_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(node) = map.next_key_seed(Key(self.node))? {
            match node {
                Some(node) => map.next_value_seed(Place { walk: &mut *self.walk, node })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for index in 0.. {
            let mut nodes = self.node.by_index(index);
            let more = match (nodes.next(), nodes.next()) {
                (None, _) => list.next_element::<IgnoredAny>()?.is_some(),
                (Some(node), None) => {
                    list.next_element_seed(Place { walk: &mut *self.walk, node })?.is_some()
                }
                // Both `[0]` and `[*]` lead here.
                (Some(one), Some(other)) => match list.next_element::<&RawValue>()? {
                    None => false,
                    Some(raw) => {
                        for node in [one, other] {
                            let mut from = serde_json::Deserializer::from_str(raw.get());
                            Place { walk: &mut *self.walk, node }
                                .deserialize(&mut from)
                                .map_err(A::Error::custom)?;
                        }
                        true
                    }
                },
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    // Anything else has nothing below it.
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key, as the place it leads to.
struct Key<'w>(&'w Node);

impl<'de, 'w> DeserializeSeed<'de> for Key<'w> {
    type Value = Option<&'w Node>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'w> Visitor<'_> for Key<'w> {
    type Value = Option<&'w Node>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.by_key(key))
    }
}
