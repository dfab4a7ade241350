//! What is masked, and that nothing of it is left.
use std::sync::Arc;

use super::{Rules, Veil};

fn veil(documents: &[&str]) -> Veil {
    let mut veil = Veil::over(Arc::new(Rules::default()));
    documents.iter().for_each(|document| veil.learn(document.as_bytes()));
    veil
}

/// As a page shows a document about which it knows nothing else.
fn masked(document: &str) -> String {
    veil(&[document]).document(document).into_owned()
}

#[test]
fn numbers_order_and_spaces_stay_and_a_masked_number_becomes_a_text() {
    let document =
        r#"{ "z": 1.50, "email": "amina@mail.example", "a": [1e400, {"phone": 447700900361}], "é": null }"#;
    let left = r#"{ "z": 1.50, "email": "a•••@m•••.example", "a": [1e400, {"phone": "•••61"}], "é": null }"#;
    assert_eq!(masked(document), left);
}

#[test]
fn a_name_is_a_persons_only_in_an_object_of_a_person() {
    let document = r#"{"customer":{"name":"Amina Haddad"},"campaign":{"name":"Autumn"},"webhook":{"name":"ERP"},"rewards":[{"name":"Tote"}],"players":[{"name":"Noah Berg"}],"x":{"object":"contact","name":"Lee Wong"},"y":{"name":"Una May","email":"u@m.example"}}"#;
    let left = masked(document);
    for shown in ["Autumn", "ERP", "Tote"] {
        assert!(left.contains(shown), "{left}");
    }
    for hidden in ["Amina", "Haddad", "Noah", "Lee", "Wong", "Una"] {
        assert!(!left.contains(hidden), "{hidden} in {left}");
    }
}

#[test]
fn a_rule_for_an_object_or_a_list_holds_for_all_that_is_in_it() {
    let document = r#"{"address":{"city":"Bristol","geo":{"lat":51.4}},"phones":["x"],"mobile":["07700900361",{"no":"07700900362"}]}"#;
    let left =
        r#"{"address":{"city":"•••","geo":{"lat":"•••"}},"phones":["x"],"mobile":["•••61",{"no":"•••62"}]}"#;
    assert_eq!(masked(document), left);
}

#[test]
fn what_is_masked_in_the_data_is_hidden_wherever_it_turns_up() {
    let data = r#"{"customer":{"name":"Amina Haddad","phone":"+44 117 496 0142"},"voucher":{"code":"LINEN-7K2QW"},"msisdn":447700900361}"#;
    let veil = veil(&[data]);
    for (text, left) in [
        ("Thanks, Amina Haddad!", "Thanks, A•••!"),
        ("Dear AMINA, dear amina", "Dear •••, dear amina"),
        ("/v1/vouchers/LINEN-7K2QW/publications?page=1", "/v1/vouchers/LI•••QW/publications?page=1"),
        ("linen-7k2qw", "LI•••QW"),
        ("LINEN-7K2QWX", "LINEN-7K2QWX"),
        ("q=Amina%20Haddad&x=Amina+Haddad", "q=A•••&x=A•••"),
        ("441174960142", "•••42"),
        ("tel:+447700900361;", "tel:•••61;"),
        ("grace@mail.example and grace%40mail.example", "g•••@m•••.example and g•••@m•••.example"),
        ("call +44 7700 900-123 now", "call •••23 now"),
        ("2026-11-22T06:00:00+00:00 1e+10 a+b", "2026-11-22T06:00:00+00:00 1e+10 a+b"),
    ] {
        assert_eq!(veil.text(text), left, "{text}");
    }
    assert_eq!(
        veil.document(r#"{"said":"LINEN-7K2QW","n":447700900361}"#),
        r#"{"said":"LI•••QW","n":"•••61"}"#
    );
    assert_eq!(veil.field("X-Customer-Phone", "0117 496 0000"), "•••00");
}

#[test]
fn a_value_is_found_in_forms_in_escapes_in_nested_json_and_in_broken_json() {
    for (document, hidden) in [
        ("first_name=Amina&phone=07700900361&ok=1", vec!["Amina", "07700900361"]),
        ("customer%5Bname%5D=Amina+Haddad", vec!["Amina", "Haddad"]),
        (r#"{"sent":"{\"first_name\":\"Amina\",\"n\":1}"}"#, vec!["Amina"]),
        (r#"{"a":"amina\u0040mail.example"}"#, vec!["amina"]),
        (r#"{"amina@mail.example":true}"#, vec!["amina"]),
        (r#"{"customer":{"name":"Amina Haddad","x":"Had"#, vec!["Amina", "Haddad"]),
        (r#"{oops amina@mail.example"#, vec!["amina"]),
        ("<c mail='amina&#64;mail.example'/>", vec!["amina"]),
        ("[\"amina@mail.example\"", vec!["amina"]),
    ] {
        let left = masked(document);
        for value in hidden {
            assert!(!left.contains(value), "{value} in {left}");
        }
    }
}

#[test]
fn a_projects_rules_add_fields_and_take_some_out() {
    let rule = |field: &str, kind| super::Rule { field: super::Field::parse(field).unwrap(), kind };
    let own = vec![rule("loyaltyNo", super::Kind::Code), rule("voucher.code", super::Kind::Shown)];
    let veil = Veil::over(Arc::new(Rules::with(own)));
    let document =
        r#"{"loyalty_no":"ABCDEFGH","voucher":{"code":"LINEN-7K2QW"},"coupon_code":"LINEN-7K2QX"}"#;
    let left = r#"{"loyalty_no":"AB•••GH","voucher":{"code":"LINEN-7K2QW"},"coupon_code":"LI•••QX"}"#;
    assert_eq!(veil.document(document), left);
}

#[test]
fn a_clear_veil_lets_everything_through_and_bytes_that_are_no_text_pass_no_other() {
    let clear = Veil::clear();
    assert_eq!(&*clear.bytes(b"\xffAmina"), b"\xffAmina");
    assert!(!clear.has_hidden());
    let veil = veil(&[]);
    assert!(!String::from_utf8_lossy(&veil.bytes(b"\xffAmina")).contains("Amina"));
    assert!(veil.has_hidden());
}

#[test]
fn a_long_document_takes_no_time() {
    let one = r#"{"customer":{"name":"Amina Haddad","email":"a@b.example","x":"a@a@a@a@a@+1+1+1%%%%"}},"#;
    let long = format!("[{}1]", one.repeat(256 * 1024 / one.len()));
    let deep = "{\"customer\":".repeat(40_000);
    for document in [long, deep, "@".repeat(256 * 1024), "a=".repeat(128 * 1024)] {
        masked(&document);
    }
}

/// The paths of a sample's fields that are masked.
fn masked_fields(sample: &str) -> Vec<String> {
    let left = serde_json::from_str(&masked(sample)).unwrap();
    let (mut paths, sample) = (Vec::new(), serde_json::from_str(sample).unwrap());
    compare(&sample, &left, "", &mut paths);
    paths.sort();
    paths.dedup();
    paths
}

fn compare(a: &serde_json::Value, b: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    use serde_json::Value::{Array, Object};
    match (a, b) {
        (Object(a), Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{path}");
            a.iter().zip(b).for_each(|((key, a), (_, b))| compare(a, b, &format!("{path}.{key}"), found));
        }
        (Array(a), Array(b)) => {
            assert_eq!(a.len(), b.len(), "{path}");
            a.iter().zip(b).for_each(|(a, b)| compare(a, b, path, found));
        }
        _ if a != b => found.push(path.trim_start_matches('.').to_owned()),
        _ => {}
    }
}

#[test]
fn the_defaults_mask_these_fields_of_the_samples() {
    let types = crate::rules::catalogue::all().iter();
    let of = |event: &crate::rules::catalogue::EventType| {
        format!("{}: {}", event.name, masked_fields(event.sample()).join(" "))
    };
    let told = types.map(of).filter(|line| !line.ends_with(": ")).collect::<Vec<_>>().join("\n");
    let known = include_str!("samples.txt").trim_end();
    if told != known {
        std::fs::write("/tmp/masks-samples.txt", &told).unwrap();
    }
    assert!(told == known, "what is masked of the samples changed; it is now\n{told}");
}

mod any {
    use proptest::prelude::*;

    use super::*;

    const PLACES: [&str; 4] =
        ["\"customer\":{\"first_name\":§}", "\"phone\":§", "\"x\":§", "\"l\":[§,{\"email\":§}]"];

    proptest! {
        #[test]
        fn nothing_of_a_masked_value_is_left_and_the_structure_stays(
            word in "[A-Z][a-z]{5,12}", digits in "07[0-9]{9}", text in "\\PC{0,40}", place in 0..PLACES.len(),
        ) {
            let mail = format!("{}@{}.example", word.to_lowercase(), "mailbox");
            for value in [&word, &digits, &mail] {
                let data = format!("{{\"first_name\":\"{word}\",\"phone\":\"{digits}\",\"email\":\"{mail}\"}}");
                let body = serde_json::Value::from(format!("{text} {value} {text}")).to_string();
                let document = format!("{{{}}}", PLACES[place].replace('§', &body));
                let veil = veil(&[&data, &document]);
                let left = veil.document(&document).into_owned();
                let mut changed = Vec::new();
                compare(
                    &serde_json::from_str(&document).unwrap(), &serde_json::from_str(&left).unwrap(), "", &mut changed,
                );
                prop_assert!(!left.contains(value.as_str()), "{left}");
                let line = veil.text(&body).into_owned();
                prop_assert!(!line.contains(value.as_str()), "{line}");
            }
        }

        #[test]
        fn any_text_is_taken(text in "\\PC*", broken in "[\\[\\]{}\",:a@.+%\\\\u0-9 ]*") {
            for document in [text, broken] {
                let veil = veil(&[&document]);
                veil.document(&document);
                veil.text(&document);
            }
        }
    }
}
