//! Sorted values and the events that hold each, packed into blocks of a few thousand bytes.
//!
//! A block is `V`, then for each value its length, its bytes, how many events hold it and their places, each as the
//! distance from the one before; numbers are in 7 bits a byte, the lowest first, the last below 128. The whole is kept as
//! [`crate::rules::kept::json`] keeps JSON.
use bytes::Bytes;

use super::Term;
use crate::rules::kept::json;

const MARK: u8 = b'V';
/// A block is closed when it is so long, before it is packed: then it stays in its row.
const BYTES_MIN: usize = 3_000;

/// Some values that follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first of them.
    pub first: Vec<u8>,
    /// All of them with their events.
    pub bytes: Bytes,
}

/// Packs values, sorted by their bytes, each with the places of its events, which ascend.
pub fn pack<'a>(entries: impl Iterator<Item = (&'a str, &'a [u32])>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut first, mut open) = (Vec::new(), vec![MARK]);
    for (value, places) in entries {
        if open.len() == 1 {
            first = value.as_bytes().to_vec();
        }
        put(&mut open, value.len() as u32);
        open.extend_from_slice(value.as_bytes());
        put(&mut open, places.len() as u32);
        let mut last = 0;
        for place in places {
            put(&mut open, place - last);
            last = *place;
        }
        if open.len() >= BYTES_MIN {
            let bytes = std::mem::replace(&mut open, vec![MARK]);
            blocks.push(Block { first: std::mem::take(&mut first), bytes: json::pack(&bytes.into()) });
        }
    }
    if open.len() > 1 {
        blocks.push(Block { first, bytes: json::pack(&open.into()) });
    }
    blocks
}

/// The places of the events that hold a value that is meant; none if the block cannot be read.
pub fn find(block: Vec<u8>, term: &Term) -> Option<Vec<u32>> {
    let block = json::unpack(block)?;
    let mut rest = block.strip_prefix(&[MARK])?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = take(&mut rest)? as usize;
        let (value, behind) = rest.split_at_checked(length)?;
        rest = behind;
        let is_meant = std::str::from_utf8(value).is_ok_and(|value| term.takes(value));
        let mut place = 0;
        for _ in 0..take(&mut rest)? {
            place = u32::checked_add(place, take(&mut rest)?)?;
            if is_meant {
                found.push(place);
            }
        }
    }
    Some(found)
}

fn put(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_packed_is_found_in_the_last_block_that_begins_before_it(
            entries in proptest::collection::btree_map("[a-d]{2,9}", proptest::collection::btree_set(0_u32..100_000, 1..300), 1..300),
        ) {
            let entries: BTreeMap<String, Vec<u32>> =
                entries.into_iter().map(|(value, places)| (value, places.into_iter().collect())).collect();
            let blocks = pack(entries.iter().map(|(value, places)| (value.as_str(), &places[..])));
            prop_assert!(blocks.is_sorted_by(|a, b| a.first < b.first));
            for (value, places) in &entries {
                let block = blocks.iter().rfind(|block| block.first.as_slice() <= value.as_bytes()).expect("a block");
                let found = find(block.bytes.to_vec(), &Term::Exactly(value.clone())).expect("readable");
                prop_assert_eq!(&found, places);
            }
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut block = vec![MARK];
            block.extend(bytes);
            let _ = find(block, &Term::Exactly("ab".into()));
        }
    }
}
