//! The order in which JavaScript keeps an object's keys: array indexes first, ascending, then the others as they
//! came; of doubled keys the last value, in the place of the first (ECMA-262, OrdinaryOwnPropertyKeys).

use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::Range;

/// Where a member stands in the result so far.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The key with its quotes, in canonical form: equal keys are equal bytes.
    pub text: Range<usize>,
    /// The end of the member's value; a member is from the key to here.
    pub member_end: usize,
    /// See [`array_index`].
    pub index: Option<u32>,
}

/// Up to here, comparing each with each is faster than hashing.
const COMPARED_MAX: usize = 12;

/// The number of a key (with its quotes) that is an array index: `"0"` to `"4294967294"`, no zeros in front.
#[inline]
pub(super) fn array_index(quoted: &[u8]) -> Option<u32> {
    let digits = &quoted[1..quoted.len() - 1];
    if !matches!(digits, [b'0'] | [b'1'..=b'9', ..]) || digits.len() > 10 {
        return None;
    }
    let mut number: u64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    u32::try_from(number).ok().filter(|index| *index != u32::MAX)
}

/// Whether an object's members may stand as they are: indexes first and ascending, no key twice.
pub(super) fn is_kept<'a>(keys: &'a [Key], text_of: impl Fn(&'a Key) -> &'a [u8]) -> bool {
    let named = keys.iter().position(|key| key.index.is_none()).unwrap_or(keys.len());
    let (indexes, names) = keys.split_at(named);
    if names.iter().any(|key| key.index.is_some()) || !indexes.is_sorted_by(|a, b| a.index < b.index) {
        return false;
    }
    if names.len() > COMPARED_MAX {
        let mut seen = HashSet::with_capacity(names.len());
        return names.iter().all(|key| seen.insert(text_of(key)));
    }
    names.iter().enumerate().all(|(number, key)| {
        let text = text_of(key);
        names[..number].iter().all(|earlier| text_of(earlier) != text)
    })
}

/// An object's members in JavaScript's order, with commas between.
pub(super) fn reordered(keys: &[Key], out: &[u8]) -> Vec<u8> {
    let mut place_of = HashMap::with_capacity(keys.len());
    let mut members: Vec<&Key> = Vec::with_capacity(keys.len());
    for key in keys {
        let place = *place_of.entry(&out[key.text.clone()]).or_insert(members.len());
        match members.get_mut(place) {
            Some(member) => *member = key,
            None => members.push(key),
        }
    }
    // Stable, and no index sorts behind every index.
    members.sort_by_key(|key| key.index.map_or(u64::MAX, u64::from));
    let mut text = Vec::with_capacity(members.iter().map(|key| key.member_end - key.text.start + 1).sum());
    for (number, key) in members.into_iter().enumerate() {
        if number > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&out[key.text.start..key.member_end]);
    }
    text
}
