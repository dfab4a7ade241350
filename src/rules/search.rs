//! What an event can be found by: the short values in its data, and what a person types to find them.
pub mod block;

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Values of an event that are kept at most: the first ones.
pub const VALUES_MAX: usize = 64;
/// Letters of a value, at least and at most.
const LETTERS: std::ops::RangeInclusive<usize> = 2..=80;
/// Letters of the caller's own id of an event, at most.
const ID_LETTERS_MAX: usize = 128;
/// Letters before the `*` of a beginning, at least: shorter ones are in everything.
pub const BEGINNING_MIN: usize = 3;
/// Digits of a whole number.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 4..=20;
/// Digits of what may be a phone number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The distinct values of an event's data (JSON), as they are kept: texts of 2 to 80 letters, small letters only, without
/// spaces around them; whole numbers of 4 to 20 digits; phone numbers as their digits. Moments are no values.
///
/// What is no JSON has none.
pub fn values(data: &[u8]) -> Vec<String> {
    let mut found = Values::default();
    let mut json = serde_json::Deserializer::from_slice(data);
    // What was read before the end counts.
    let _ = Below(&mut found).deserialize(&mut json);
    found.list
}

/// A text as it is kept; none if it is none that can be found.
pub fn kept(text: &str) -> Option<String> {
    let text = text.trim();
    // A letter has four bytes at most.
    if text.len() > LETTERS.end() * 4 || is_moment(text.as_bytes()) {
        return None;
    }
    if let Some(digits) = phone(text) {
        return Some(digits);
    }
    let small = if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() };
    LETTERS.contains(&small.chars().count()).then_some(small)
}

/// The digits of what is written like a phone number: `+351 912 345 678`, `(02) 123-4567`.
fn phone(text: &str) -> Option<String> {
    let digits = digits(text)?;
    let is_plain = digits.len() == text.len();
    (!is_plain && PHONE_DIGITS.contains(&digits.len())).then_some(digits)
}

/// The digits of a text of nothing but digits and what stands between those of phone numbers.
fn digits(text: &str) -> Option<String> {
    let is_of_phones = |byte: u8| byte.is_ascii_digit() || b"+ ()-./".contains(&byte);
    let digits = || text.bytes().filter(u8::is_ascii_digit).map(char::from).collect();
    text.bytes().all(is_of_phones).then(digits)
}

/// Whether it begins as `2026-11-21T12:00`.
fn is_moment(text: &[u8]) -> bool {
    text.len() >= 16
        && text[..4].iter().all(u8::is_ascii_digit)
        && (text[4], text[7], text[13]) == (b'-', b'-', b':')
        && matches!(text[10], b'T' | b't' | b' ')
}

#[derive(Default)]
struct Values {
    list: Vec<String>,
    known: HashSet<u64>,
}

impl Values {
    fn is_full(&self) -> bool {
        self.list.len() >= VALUES_MAX
    }

    fn add(&mut self, text: &str) {
        use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
        let Some(value) = kept(text).filter(|_| !self.is_full()) else { return };
        // Two that differ and have one hash are as rare as a loss of the disk.
        if self.known.insert(BuildHasherDefault::<DefaultHasher>::new().hash_one(&value)) {
            self.list.push(value);
        }
    }

    fn add_number(&mut self, digits: &str) {
        if NUMBER_DIGITS.contains(&digits.trim_start_matches('-').len()) {
            self.add(digits);
        }
    }
}

struct Below<'v>(&'v mut Values);

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.add_number(&number.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.add_number(&number.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.add(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Below(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while object.next_key::<IgnoredAny>()?.is_some() {
            object.next_value_seed(Below(&mut *self.0))?;
        }
        Ok(())
    }
}

/// One way to write what is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Just this value.
    Exactly(String),
    /// All that begin with it.
    Beginning(String),
}

impl Term {
    /// Whether a value is meant.
    pub fn takes(&self, value: &str) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == value,
            Self::Beginning(wanted) => value.starts_with(wanted.as_str()),
        }
    }
}

/// What is looked for: any of these. None of them if no value can be meant, only an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms(pub Vec<Term>);

/// Why nothing can be found by a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsearchable {
    /// Nothing was typed.
    Nothing,
    /// No value and no id is so long.
    Long,
    /// A beginning has at least [`BEGINNING_MIN`] letters.
    ShortBeginning,
    /// A moment is no value.
    Moment,
}

impl fmt::Display for Unsearchable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Type what to look for."),
            Self::Long => f.write_str("Only values of up to 80 letters, and ids of up to 128, can be found."),
            Self::ShortBeginning => f.write_str("Type at least 3 letters before the *."),
            Self::Moment => f.write_str("Moments cannot be found by search. Filter by time instead."),
        }
    }
}

impl Terms {
    /// Reads what a person typed: a whole value, or the beginning of one before a `*`. Capitals do not count, and phone
    /// numbers may be written in any way.
    pub fn parse(text: &str) -> Result<Self, Unsearchable> {
        let text = text.trim();
        let Some(beginning) = text.strip_suffix('*') else {
            return match kept(text) {
                Some(value) => Ok(Self(vec![Term::Exactly(value)])),
                None if is_moment(text.as_bytes()) => Err(Unsearchable::Moment),
                None if text.is_empty() => Err(Unsearchable::Nothing),
                // The caller's own id of an event may be shorter or longer than values are.
                None if text.chars().count() <= ID_LETTERS_MAX => Ok(Self(Vec::new())),
                None => Err(Unsearchable::Long),
            };
        };
        let beginning = beginning.trim_start().to_lowercase();
        match beginning.chars().count() {
            ..BEGINNING_MIN => return Err(Unsearchable::ShortBeginning),
            count if count > *LETTERS.end() => return Err(Unsearchable::Long),
            _ => {}
        }
        let digits =
            digits(&beginning).filter(|digits| digits.len() >= BEGINNING_MIN && *digits != beginning);
        let phone = digits.map(Term::Beginning);
        Ok(Self(std::iter::once(Term::Beginning(beginning)).chain(phone).collect()))
    }

    /// Whether a value is meant.
    pub fn takes(&self, value: &str) -> bool {
        self.0.iter().any(|term| term.takes(value))
    }
}

#[cfg(test)]
mod tests;
