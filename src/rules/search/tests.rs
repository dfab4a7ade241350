use proptest::prelude::*;
use serde_json::json;

use super::*;

fn found(data: &serde_json::Value, typed: &str) -> bool {
    let terms = Terms::parse(typed).expect("something to look for");
    values(data.to_string().as_bytes()).iter().any(|value| terms.takes(value))
}

#[test]
fn a_value_is_found_however_it_is_written() {
    let data = json!({
        "customer": { "email": " Anna.Berg@Example.com ", "phone": "+351 912 345 678", "name": "ÅSA Øst" },
        "codes": ["SUMMER-7KQ2M", { "deep": ["x", 1234567] }],
        "street": "(02) 123-4567",
    });
    for typed in [
        "anna.berg@example.com",
        "ANNA.BERG@EXAMPLE.COM",
        "  anna.berg@example.com ",
        "anna*",
        "351912345678",
        "+351912345678",
        "+351 912 345 678",
        "+351 912-345-678",
        "351912*",
        "+351 91*",
        "åsa øst",
        "ÅSA*",
        "summer-7kq2m",
        "SUMMER-*",
        "1234567",
        "021234567",
        "(02) 12*",
    ] {
        assert!(found(&data, typed), "{typed}");
    }
    for typed in ["anna", "example.com", "912 345 678", "summer", "x*y", "7kq2m", "berg*"] {
        assert!(!found(&data, typed), "{typed}");
    }
}

#[test]
fn what_is_long_short_a_moment_or_no_whole_number_is_no_value() {
    let data = json!({
        "a": "2026-11-21T12:00:00.000Z", "b": true, "c": null, "d": 999, "e": 1.5, "f": "x", "g": "y".repeat(81),
        "h": "ab", "i": 1000, "j": -12345,
    });
    assert_eq!(values(data.to_string().as_bytes()), ["ab", "1000", "-12345"]);
    assert_eq!(values(b"no JSON"), Vec::<String>::new());
}

#[test]
fn an_event_is_found_by_its_first_64_values() {
    let many: Vec<String> = (0..100).map(|n| format!("value {n}")).collect();
    let found = values(json!({ "many": many, "again": many }).to_string().as_bytes());
    assert_eq!((found.len(), found[63].as_str()), (VALUES_MAX, "value 63"));
}

#[test]
fn what_cannot_be_found_says_why() {
    let why = |text: &str| Terms::parse(text).expect_err("nothing to look for");
    assert_eq!(why(""), Unsearchable::Nothing);
    assert_eq!(why("ab*"), Unsearchable::ShortBeginning);
    assert_eq!(why("*"), Unsearchable::ShortBeginning);
    assert_eq!(why(&"x".repeat(129)), Unsearchable::Long);
    assert_eq!(why("2026-11-21T12:00:00Z"), Unsearchable::Moment);
}

proptest! {
    #[test]
    fn whatever_is_kept_is_found_by_what_was_written_and_by_what_is_kept(text in "\\PC{0,90}") {
        if let Some(value) = kept(&text) {
            if !text.trim().ends_with('*') {
                prop_assert!(Terms::parse(&text).expect("terms").takes(&value));
            }
            prop_assert!(value.len() <= 80 * 4 * 3);
        }
    }

    #[test]
    fn every_beginning_of_a_text_finds_it(text in "[a-zA-Z0-9@.+ -]{4,40}", length in 3_usize..40) {
        let text = text.trim();
        if let Some(value) = kept(text).filter(|_| length <= text.len()) {
            let beginning = &text[..length];
            if let Ok(terms) = Terms::parse(&format!("{beginning}*")) {
                let has_digits = beginning.bytes().filter(u8::is_ascii_digit).count() >= BEGINNING_MIN;
                prop_assert!(terms.takes(&value) || (value != text.to_lowercase() && !has_digits));
            }
        }
    }

    #[test]
    fn any_bytes_are_read(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        values(&data);
    }
}
