use std::collections::HashSet;

use super::super::people::{Person, everybody};
use super::*;
use crate::rules::body::canonical;

fn scene(people: &[Person], seed: u64) -> Scene<'_> {
    let at = datetime!(2031-03-05 17:20:01.250 UTC);
    Scene { people: [&people[4], &people[12]], seed, at, base: datetime!(2031-03-20 00:00 UTC), tenths: 14 }
}

#[test]
fn every_type_of_the_catalogue_can_be_told_with_other_people_in_canonical_form() {
    let people = everybody();
    for event_type in catalogue::all() {
        let template = Template::of(event_type.name).expect("a template");
        let data = template.data(&scene(&people, 7));
        let text = std::str::from_utf8(&data).expect("text");
        let same = canonical(&data).unwrap_or_else(|error| panic!("{}: {error:?}", event_type.name));
        assert_eq!(&same[..], &data[..], "{}", event_type.name);
        let (got, sample): (Value, Value) = (
            serde_json::from_str(text).expect("JSON"),
            serde_json::from_str(event_type.sample()).expect("JSON"),
        );
        let renamed = shape(&sample).replace("Juniper", "Larkspur");
        assert_eq!(shape(&got), renamed, "{}", event_type.name);
        for left in
            ["Juniper", "juniper", "JO-", "Amina", "haddad", "mail.example", "2026-09", "2026-10", "2026-11"]
        {
            assert!(!text.contains(left), "{}: {left} in {text}", event_type.name);
        }
    }
}

/// The names of all fields, in order.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            object.iter().map(|(name, value)| format!("{name}:{{{}}}", shape(value))).collect()
        }
        Value::Array(list) => list.iter().map(shape).collect(),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
        _ => String::new(),
    }
}

#[test]
fn an_event_is_about_its_customer_at_its_moment() {
    let people = everybody();
    let template = Template::of("redemption.succeeded").expect("a template");
    let scene = scene(&people, 7);
    let data: Value = serde_json::from_slice(&template.data(&scene)).expect("JSON");
    assert_eq!(data["customer"]["name"], "Siobhán O'Connor");
    assert_eq!(data["customer"]["email"], data["holder"]["email"]);
    assert_eq!(data["voucher"]["holder_id"], data["customer"]["id"]);
    assert_eq!(data["created_at"], "2031-03-05T17:20:01.250Z");
    assert!(data["voucher"]["code"].as_str().is_some_and(|code| code.starts_with("LINEN-")));
    assert_eq!(data["order"]["amount"], 11_900);
    let items: i64 =
        data["order"]["items"].as_array().expect("items").iter().filter_map(|i| i["amount"].as_i64()).sum();
    assert_eq!(data["order"]["amount"], items);
    assert_eq!(template.entity(&scene).as_deref(), data["redemption"]["id"].as_str());
}

#[test]
fn a_voucher_is_the_same_in_every_event_about_it() {
    let people = everybody();
    let told: HashSet<String> = [1, 2]
        .into_iter()
        .map(|seed| {
            let data = Template::of("redemption.succeeded").expect("a template").data(&scene(&people, seed));
            let data: Value = serde_json::from_slice(&data).expect("JSON");
            format!("{} {}", data["voucher"]["id"], data["voucher"]["code"])
        })
        .collect();
    assert_eq!(told.len(), 1);
}
