//! The filter against a naive one over the whole document, and what it says of mistakes.
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::rules::body::canonical;

fn filter(value: Value) -> Filter {
    Filter::parse(&value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn takes(conditions: Value, data: &str) -> bool {
    filter(conditions).matches(&canonical(data.as_bytes()).unwrap())
}

fn one(path: &str, test: &str, value: Value) -> Value {
    json!([{ "path": path, test: value }])
}

#[test]
fn each_test_takes_what_it_says() {
    let data = r#"{"campaign":{"id":"camp_1","ends":null},"order":{"amount":1500,"paid":true,
        "items":[{"sku":"a"},{"sku":"b"}]},"metadata":{"a.b":"x","tab\t":1},"list":[1,[2,3]]}"#;
    for (path, test, value, expected) in [
        ("data.campaign.id", "is", json!("camp_1"), true),
        ("data.campaign.id", "is", json!("camp_2"), false),
        ("data.campaign.id", "is_not", json!("camp_2"), true),
        ("data.campaign.id", "is_not", json!("camp_1"), false),
        ("data.campaign.id", "is_one_of", json!(["x", "camp_1"]), true),
        ("data.campaign.id", "is_one_of", json!(["x", 1]), false),
        ("data.campaign", "is", json!("camp_1"), false),
        ("data.campaign", "exists", json!(true), true),
        ("data.campaign.ends", "exists", json!(true), true),
        ("data.campaign.ends", "is", json!(null), true),
        ("data.gone", "is", json!(null), false),
        ("data.gone", "is_not", json!("x"), true),
        ("data.gone", "exists", json!(false), true),
        ("data.gone.further", "min", json!(0), false),
        ("data.order.paid", "is", json!(true), true),
        ("data.order.amount", "is", json!(1500.0), true),
        ("data.order.amount", "is", json!("1500"), false),
        ("data.order.amount", "min", json!(1500), true),
        ("data.order.amount", "max", json!(1499.5), false),
        ("data.campaign.id", "min", json!(0), false),
        ("data.order.items[1].sku", "is", json!("b"), true),
        ("data.order.items[2].sku", "is", json!("b"), false),
        ("data.order.items[*].sku", "is", json!("b"), true),
        ("data.order.items[*].sku", "is_not", json!("b"), false),
        ("data.order.items[*].sku", "is_not", json!("c"), true),
        ("data.list[1][*]", "is", json!(3), true),
        (r#"data.metadata."a.b""#, "is", json!("x"), true),
        (r#"data.metadata."tab\t""#, "is", json!(1), true),
    ] {
        assert_eq!(takes(one(path, test, value.clone()), data), expected, "{path} {test} {value}");
    }
}

#[test]
fn integers_beyond_the_exact_doubles_are_told_apart() {
    let data = r#"{"id":9007199254740993,"long":123456789012345678901234567890}"#;
    assert!(takes(one("data.id", "is", json!(9_007_199_254_740_993_u64)), data));
    assert!(!takes(one("data.id", "is", json!(9_007_199_254_740_992_u64)), data));
    assert!(!takes(one("data.id", "max", json!(9_007_199_254_740_992_u64)), data));
    assert!(takes(one("data.long", "min", json!(u64::MAX)), data));
}

#[test]
fn conditions_of_which_one_leads_through_another_are_all_looked_at() {
    let both = json!([
        { "path": "data.a", "exists": true },
        { "path": "data.a.b", "is": 1 },
        { "path": "data.a.c[0]", "is": 2 },
        { "path": "data.a.c[*]", "is": 3 },
    ]);
    assert!(takes(both.clone(), r#"{"a":{"b":1,"c":[2,3]}}"#));
    assert!(!takes(both.clone(), r#"{"a":{"b":1,"c":[3,2]}}"#));
    assert!(!takes(both, r#"{"a":{"b":2,"c":[2,3]}}"#));
}

#[test]
fn a_verdict_names_what_failed_and_what_was_found() {
    let filter = Filter::from_text("data.a = x\ndata.list[*] >= 5\ndata.gone missing\ndata.b exists")
        .unwrap()
        .unwrap();
    let told = filter.verdict(br#"{"a":"y","list":[1,7]}"#);
    let told: Vec<_> = told.iter().map(|f| (f.condition.as_str(), f.holds, f.found.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("data.a = x", false, Some(r#""y""#)),
            ("data.list[*] >= 5", true, Some("7")),
            ("data.gone missing", true, None),
            ("data.b exists", false, None),
        ]
    );
}

#[test]
fn a_mistake_is_told_with_the_number_of_its_condition() {
    let good = json!({ "path": "data.a", "is": 1 });
    for (wrong, part) in [
        (json!("x"), "object with a path"),
        (json!({ "is": 1 }), "Name the \"path\""),
        (json!({ "path": "data.a" }), "Add one test"),
        (json!({ "path": "data.a", "is": 1, "exists": true }), "Keep one test"),
        (json!({ "path": "data.a", "is": 1, "max": 2 }), "Keep one test"),
        (json!({ "path": "data.a", "equals": 1 }), "no \"equals\""),
        (json!({ "path": "a.b", "is": 1 }), "must begin with \"data.\""),
        (json!({ "path": "database", "is": 1 }), "must begin with \"data.\""),
        (json!({ "path": "data.a..b", "is": 1 }), "after each \".\""),
        (json!({ "path": "data.a[x]", "is": 1 }), "from 0"),
        (json!({ "path": "data.a b", "is": 1 }), "double quotes"),
        (json!({ "path": "data.\"a", "is": 1 }), "does not end"),
        (json!({ "path": "data.a", "is": {} }), "Compare with a text"),
        (json!({ "path": "data.a", "is": 1e30 }), "64 bits"),
        (json!({ "path": "data.a", "is_one_of": [] }), "empty"),
        (json!({ "path": "data.a", "is_one_of": vec![1; 101] }), "this has 101"),
        (json!({ "path": "data.a", "exists": 1 }), "true or false"),
        (json!({ "path": "data.a", "min": "1" }), "\"min\" must be a number"),
        (json!({ "path": "data.a", "min": 2, "max": 1 }), "above the maximum"),
    ] {
        let error = Filter::parse(&json!([good, wrong])).unwrap_err();
        assert_eq!(error.at(), Some(1));
        let text = error.to_string();
        assert!(text.starts_with("Condition 2: ") && text.contains(part), "{text}");
    }
    assert!(Filter::parse(&json!({})).unwrap_err().to_string().contains("a list of conditions"));
    assert!(Filter::parse(&json!([])).unwrap_err().to_string().contains("null"));
    assert!(Filter::parse(&json!(vec![good; 21])).unwrap_err().to_string().contains("this has 21"));
}

#[test]
fn a_line_reads_as_the_condition_it_looks_like() {
    for (line, json) in [
        ("data.campaign.id = camp_1", json!({ "path": "data.campaign.id", "is": "camp_1" })),
        ("data.campaign.id=camp_1", json!({ "path": "data.campaign.id", "is": "camp_1" })),
        ("data.x = two words, so", json!({ "path": "data.x", "is": "two words, so" })),
        ("data.x = 12", json!({ "path": "data.x", "is": 12 })),
        ("data.x = \"12\"", json!({ "path": "data.x", "is": "12" })),
        ("data.x != null", json!({ "path": "data.x", "is_not": null })),
        ("data.x in a, b, \"c, d\"", json!({ "path": "data.x", "is_one_of": ["a", "b", "c, d"] })),
        ("data.x exists", json!({ "path": "data.x", "exists": true })),
        ("data.x missing", json!({ "path": "data.x", "exists": false })),
        ("data.order.amount >= 1000", json!({ "path": "data.order.amount", "min": 1000 })),
        ("data.order.amount <= -1.5", json!({ "path": "data.order.amount", "max": -1.5 })),
        ("data.amount 10..20", json!({ "path": "data.amount", "min": 10, "max": 20 })),
        ("data.items[*].\"a b\" = x", json!({ "path": "data.items[*].\"a b\"", "is": "x" })),
    ] {
        let read = Filter::from_text(&format!("\n  {line}  \r\n")).unwrap().unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), json!([json]), "{line}");
    }
    assert_eq!(Filter::from_text(" \n\t\r\n").unwrap(), None);
}

#[test]
fn a_mistake_in_a_text_is_told_with_its_line() {
    for (line, part) in [
        ("campaign.id = 1", "must begin with \"data.\""),
        ("data.x", "After the path"),
        ("data.x like a", "After the path"),
        ("data.x > 5", "Write >= instead of >"),
        ("data.x >= many", "\"many\" is no number"),
        ("data.x a..b", "\"a\" is no number"),
        ("data.x =", "A value is missing"),
        ("data.x in a,, b", "A value is missing"),
        ("data.x = \"a", "does not end"),
        ("data.x = \"a\" b", "does not end"),
        ("data.x in \"a\" b", "does not end"),
        ("data.x 20..10", "above the maximum"),
        ("data.a\"b\" = 1", "double quotes"),
    ] {
        let text = Filter::from_text(&format!("data.a = 1\n\n{line}")).unwrap_err().to_string();
        assert!(text.starts_with("Line 3: ") && text.contains(part), "{line}: {text}");
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        Just(json!(1.5)),
        Just(json!(9_007_199_254_740_993_u64)),
        prop_oneof![
            Just("a"),
            Just(""),
            Just(" x"),
            Just("1"),
            Just("=,"),
            Just("Zo\"ë\n\u{1}"),
            Just("null")
        ]
        .prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("c.d"), Just("e f\""), Just("ü")].prop_map(str::to_owned)
}

fn document() -> impl Strategy<Value = Value> {
    let inner = scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(key(), inner, 0..5)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// Steps, and the same as they are written.
fn path() -> impl Strategy<Value = (Vec<path::Step>, String)> {
    let key = prop_oneof![4 => key().prop_map(path::Step::Key),
        1 => (0_usize..3).prop_map(path::Step::Index), 1 => Just(path::Step::Any)];
    proptest::collection::vec(key, 1..4).prop_map(|steps| {
        let mut text = "data".to_owned();
        for step in &steps {
            text += &match step {
                path::Step::Key(key) if key.contains(['.', ' ']) => format!(".{}", json!(key)),
                path::Step::Key(key) => format!(".{key}"),
                path::Step::Index(index) => format!("[{index}]"),
                path::Step::Any => "[*]".to_owned(),
            };
        }
        (steps, text)
    })
}

fn test() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        scalar().prop_map(|value| ("is", value)),
        scalar().prop_map(|value| ("is_not", value)),
        proptest::collection::vec(scalar(), 1..4).prop_map(|values| ("is_one_of", values.into())),
        any::<bool>().prop_map(|exists| ("exists", exists.into())),
        (-3_i64..4).prop_map(|min| ("min", min.into())),
        (-3_i64..4).prop_map(|max| ("max", max.into())),
    ]
}

fn found<'a>(value: &'a Value, steps: &[path::Step]) -> Vec<&'a Value> {
    let Some((step, rest)) = steps.split_first() else { return vec![value] };
    let below: Vec<&Value> = match step {
        path::Step::Key(key) => value.as_object().and_then(|map| map.get(key)).into_iter().collect(),
        path::Step::Index(index) => value.as_array().and_then(|list| list.get(*index)).into_iter().collect(),
        path::Step::Any => value.as_array().into_iter().flatten().collect(),
    };
    below.into_iter().flat_map(|value| found(value, rest)).collect()
}

fn same(one: &Value, other: &Value) -> bool {
    one == other
        || (one.is_number()
            && other.is_number()
            && one.as_f64() == other.as_f64()
            && (one.is_f64() || other.is_f64()))
}

fn naive(steps: &[path::Step], (test, value): &(&str, Value), data: &Value) -> bool {
    let found = found(data, steps);
    match *test {
        "is" => found.iter().any(|found| same(found, value)),
        "is_not" => !found.iter().any(|found| same(found, value)),
        "is_one_of" => {
            found.iter().any(|found| value.as_array().unwrap().iter().any(|value| same(found, value)))
        }
        "exists" => found.is_empty() != value.as_bool().unwrap(),
        limit => found.iter().filter_map(|found| found.as_f64()).any(|number| {
            let limit_at = value.as_f64().unwrap();
            if limit == "min" { number >= limit_at } else { number <= limit_at }
        }),
    }
}

proptest! {
    #[test]
    fn a_filter_takes_what_a_naive_one_takes(
        document in document(),
        conditions in proptest::collection::vec((path(), test()), 1..5),
    ) {
        let json: Vec<Value> =
            conditions.iter().map(|((_, path), (test, value))| json!({ "path": path, *test: value })).collect();
        let filter = filter(json.clone().into());
        let data = document.to_string();
        let data = canonical(data.as_bytes()).unwrap();
        let expected: Vec<bool> =
            conditions.iter().map(|((steps, _), test)| naive(steps, test, &document)).collect();
        prop_assert_eq!(filter.matches(&data), expected.iter().all(|holds| *holds), "{}", &document);
        let told: Vec<bool> = filter.verdict(&data).iter().map(|finding| finding.holds).collect();
        prop_assert_eq!(told, expected);
        prop_assert_eq!(serde_json::to_value(&filter).unwrap(), Value::from(json));
        let text = filter.to_text();
        prop_assert_eq!(Filter::from_text(&text).unwrap().unwrap(), filter, "{}", text);
    }

    #[test]
    fn nothing_that_is_typed_makes_it_panic(text in "(data|\\.|\\[|\\]|\\*|\"|=| |in|\\.\\.|[0-9]|\\PC){0,20}") {
        let _ = Filter::from_text(&text);
        let _ = Filter::parse(&json!([{ "path": text, "is": 1 }]));
    }
}
