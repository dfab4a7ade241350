//! How an event's JSON is kept: as an LZ4 block made against a text of what such JSON is full of.
//!
//! The text is in databases, so to speak: it never changes. A better one is added beside it with a number of its own.
use bytes::Bytes;
use lz4_flex::block::{compress_into_with_dict, decompress_into_with_dict, get_maximum_output_size};

/// Names and values that are in the events of promotion platforms again and again.
const TEXT_1: &[u8] = include_bytes!("json_1.txt");
/// Stands first in what was made against [`TEXT_1`]; no JSON begins with it. The length of the JSON follows in four
/// bytes, little end first, then the block.
const MARK_1: u8 = 1;
/// Of the mark and the length.
const HEAD_BYTES: usize = 5;
/// Longer JSON is not kept packed: nothing that was accepted is.
const JSON_BYTES_MAX: usize = 16 << 20;

/// JSON in fewer bytes, or as it is where that is shorter.
pub fn pack(json: &Bytes) -> Bytes {
    if json.len() > JSON_BYTES_MAX {
        return json.clone();
    }
    let mut packed = vec![0; HEAD_BYTES + get_maximum_output_size(json.len())];
    packed[0] = MARK_1;
    packed[1..HEAD_BYTES].copy_from_slice(&(json.len() as u32).to_le_bytes());
    match compress_into_with_dict(json, &mut packed[HEAD_BYTES..], TEXT_1) {
        Ok(length) if HEAD_BYTES + length < json.len() => {
            Bytes::copy_from_slice(&packed[..HEAD_BYTES + length])
        }
        _ => json.clone(),
    }
}

/// The JSON that was packed; none if that cannot be told any more. What was never packed is given back as it is.
pub fn unpack(kept: Vec<u8>) -> Option<Vec<u8>> {
    match kept.first() {
        Some(&MARK_1) => {}
        // Of a later version: JSON has no such byte.
        Some(mark) if *mark < b'\t' => return None,
        _ => return Some(kept),
    }
    let length = kept.get(1..HEAD_BYTES)?.try_into().map(u32::from_le_bytes).ok()? as usize;
    if length > JSON_BYTES_MAX {
        return None;
    }
    let mut json = vec![0; length];
    let read = decompress_into_with_dict(&kept[HEAD_BYTES..], &mut json, TEXT_1).ok()?;
    (read == length).then_some(json)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::rules::catalogue;

    #[test]
    fn the_text_is_what_databases_were_written_with() {
        let hash = Sha256::digest(TEXT_1).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hash, "509ad90a179de1c80941fb0c527c9d7ef110420bee169670fc95e307be61c595",
            "add another text, never change this"
        );
        assert!(TEXT_1.is_ascii() && TEXT_1.len() == 4_048);
    }

    #[test]
    fn what_was_kept_is_read_for_ever() {
        let json = br#"{"object":"voucher","code":"AUTUMN-7KQ2M","metadata":{}}"#;
        let kept = b"\x018\0\0\0\x16{;\0\x04a\x06\x05\xda\x07\xd5AUTUMN-7KQ2M\"\xa7\x01`a\":{}}";
        assert_eq!(unpack(kept.to_vec()).as_deref(), Some(&json[..]));
    }

    #[test]
    fn the_samples_of_the_catalogue_take_half_their_bytes() {
        let (mut before, mut after) = (0, 0);
        for event_type in catalogue::all() {
            let json = Bytes::from(
                serde_json::from_str::<serde_json::Value>(event_type.sample()).expect("JSON").to_string(),
            );
            let packed = pack(&json);
            assert_eq!(unpack(packed.to_vec()).as_deref(), Some(&json[..]));
            before += json.len();
            after += packed.len();
        }
        assert!(after * 2 < before, "{after} of {before} bytes");
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let packed = pack(&Bytes::from(r#"{"object":"voucher","object":"voucher"}"#));
        assert_eq!(packed[0], MARK_1);
        for length in 1..packed.len() {
            assert_eq!(unpack(packed[..length].to_vec()), None);
        }
        assert_eq!(unpack(vec![MARK_1, 255, 255, 255, 255, 0]), None);
        assert_eq!(unpack(vec![MARK_1 + 1, 2, 0, 0, 0, b'{', b'}']), None);
    }

    proptest! {
        #[test]
        fn every_json_comes_back_as_it_was(json in r#"\{"[a-z_]{0,9}":"(\PC|"object":){0,300}"\}|\{\}"#) {
            let json = Bytes::from(json);
            prop_assert_eq!(unpack(pack(&json).to_vec()), Some(json.to_vec()));
        }

        #[test]
        fn whatever_is_found_does_no_harm(kept in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack([&[MARK_1, 50, 0, 0, 0], &kept[..]].concat());
        }
    }
}
