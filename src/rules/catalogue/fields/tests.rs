use serde_json::json;

use super::*;
use crate::rules::catalogue;

fn fields(schema: Value, sample: Value) -> Vec<Field> {
    of_schema(&schema, &sample)
}

fn told(field: &Field) -> String {
    let (always, null) = (if field.is_always { "always" } else { "sometimes" }, field.is_nullable);
    format!("{} {} {always}{}", field.path, field.kind, if null { " null" } else { "" })
}

#[test]
fn a_schema_that_refers_to_itself_in_many_places_is_read_to_a_certain_point() {
    let many: Map<String, Value> =
        (0..50).map(|n| (format!("p{n}"), json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }))).collect();
    let told = fields(json!({ "type": "object", "properties": many }), json!({}));
    assert!((50..100_000).contains(&told.len()), "{}", told.len());
}

#[test]
fn a_field_is_there_always_or_sometimes_and_may_be_null() {
    let schema = json!({
        "required": ["a", "b"],
        "properties": {
            "a": { "type": "string", "pattern": "^cust_", "description": "One." },
            "b": { "type": ["integer", "null"] },
            "c": { "type": "string", "format": "date-time" },
            "d": { "const": "customer" },
            "e": { "type": "string", "enum": ["X", "Y"] },
        },
    });
    let fields = fields(schema, json!({ "a": "cust_1", "b": 5, "c": "x".repeat(60) }));
    let told: Vec<String> = fields.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "a string always",
            "b integer always null",
            "c date and time sometimes",
            "d string sometimes",
            "e string sometimes"
        ]
    );
    assert_eq!((fields[0].starts_with.as_deref(), fields[0].description.as_str()), (Some("cust_"), "One."));
    assert_eq!((fields[3].values.as_slice(), fields[4].values.len()), (&["customer".to_owned()][..], 2));
    let examples: Vec<_> = fields.iter().map(|field| field.example.as_deref()).collect();
    assert_eq!(examples, [Some("cust_1"), Some("5"), None, None, None]);
}

#[test]
fn what_stands_in_objects_and_arrays_has_its_whole_path() {
    let schema = json!({
        "properties": {
            "order": { "anyOf": [{ "$ref": "#/$defs/order" }, { "type": "null" }], "description": "Here." },
        },
        "$defs": {
            "order": {
                "type": "object",
                "description": "There.",
                "required": ["items"],
                "properties": {
                    "items": { "type": "array", "items": { "$ref": "#/$defs/item" } },
                    "by": { "type": "object", "additionalProperties": { "type": "object",
                        "properties": { "n": { "type": "number" } } } },
                },
            },
            "item": { "type": "object", "properties": { "price": { "type": "integer" } } },
        },
    });
    let fields =
        fields(schema, json!({ "order": { "items": [{ "price": 5 }], "by": { "k": { "n": 1.5 } } } }));
    let told: Vec<String> = fields.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "order object sometimes null",
            "order.items array of objects always",
            "order.items[].price integer sometimes",
            "order.by object sometimes",
            "order.by.* object sometimes",
            "order.by.*.n number sometimes",
        ]
    );
    let depths: Vec<_> = fields.iter().map(|field| field.depth).collect();
    assert_eq!(depths, [0, 1, 2, 1, 2, 3]);
    assert_eq!(fields[0].description, "Here.");
    assert_eq!((fields[2].example.as_deref(), fields[5].example.as_deref()), (Some("5"), Some("1.5")));
    assert!(fields[0].is_parent && fields[1].is_parent && !fields[2].is_parent);
    assert_eq!((fields[2].name(), fields[4].name()), ("price", "*"));
}

#[test]
fn of_alternatives_only_what_all_require_is_always_there() {
    let schema = json!({ "properties": { "discount": { "oneOf": [
        { "type": "object", "required": ["type", "amount"], "properties": {
            "type": { "const": "AMOUNT" }, "amount": { "type": "integer" } } },
        { "type": "object", "required": ["type"], "properties": {
            "type": { "const": "UNIT" }, "unit": { "type": "string" } } },
    ] } } });
    let fields = fields(schema, json!({}));
    let told: Vec<String> = fields.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "discount object sometimes",
            "discount.type string always",
            "discount.amount integer sometimes",
            "discount.unit string sometimes"
        ]
    );
    assert_eq!(fields[1].values, ["AMOUNT", "UNIT"]);
}

#[test]
fn a_schema_that_refers_to_itself_comes_to_an_end() {
    let schema = json!({ "properties": { "a": { "$ref": "#" } } });
    assert!(fields(schema, json!({})).len() <= DEPTH_MAX + 1);
    assert!(fields(json!({ "properties": { "a": { "$ref": "#/properties/a" } } }), json!({})).len() == 1);
}

#[test]
fn without_a_schema_the_sample_tells_the_fields() {
    let fields = of_sample(&json!({ "a": { "b": [{ "c": 1 }] }, "d": null, "e": 1.5 }));
    let told: Vec<String> = fields.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "a object sometimes",
            "a.b array of objects sometimes",
            "a.b[].c integer sometimes",
            "d  sometimes null",
            "e number sometimes"
        ]
    );
}

/// Paths of all values of a sample, with `[]` for elements.
fn paths(value: &Value, path: &str, into: &mut Vec<String>) {
    if !path.is_empty() && !path.ends_with("[]") {
        into.push(path.to_owned());
    }
    let dot = if path.is_empty() { "" } else { "." };
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| paths(v, &format!("{path}{dot}{k}"), into)),
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{path}[]"), into)),
        _ => {}
    }
}

#[test]
fn every_field_of_every_sample_is_in_its_table() {
    for event_type in catalogue::all() {
        let mut in_sample = Vec::new();
        paths(&serde_json::from_str(event_type.sample()).unwrap(), "", &mut in_sample);
        for path in in_sample {
            assert!(
                catalogue::fields_of(event_type).iter().any(|field| covers(field, &path)),
                "{}: {path}",
                event_type.name
            );
        }
    }
}

/// Whether a row of the table tells of a path: it is its own, or it is that of an object with free keys.
fn covers(field: &Field, path: &str) -> bool {
    let (row, path): (Vec<&str>, Vec<&str>) = (field.path.split('.').collect(), path.split('.').collect());
    let is_free = !field.is_parent && field.kind.contains("object");
    let fits = row.iter().zip(&path).all(|(ours, theirs)| {
        *ours == "*" || ours == theirs || is_free && ours == &theirs.trim_end_matches("[]")
    });
    fits && (row.len() == path.len() || is_free && row.len() < path.len())
}
