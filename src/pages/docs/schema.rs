//! From a JSON Schema to rows that people read: a field each, nested ones after the one that holds them.
use serde_json::Value;

use super::text::{Line, Span, line};
use crate::rules::openapi::resolved;

/// More choices than these are not listed.
const CHOICES_MAX: usize = 12;
/// Deeper fields are left out; no shape of ours goes there.
const DEPTH_MAX: usize = 5;

/// One field of a body, or one parameter.
#[derive(Clone, Debug)]
pub struct Field {
    /// The fields that hold it, with a dot at the end: `attempts[].request.`; empty at the top.
    pub within: String,
    /// Its own name.
    pub name: String,
    /// `string`, `list of integers or null` …
    pub kind: String,
    /// Whether it has to be there (in requests) or always is (in answers).
    pub is_required: bool,
    /// What it means.
    pub text: Line,
    /// Limits, choices and default, a sentence each.
    pub limits: Line,
}

/// The fields of a schema, in its order; those of the items for a list.
pub fn fields(schema: &'static Value) -> Vec<Field> {
    let mut rows = Vec::new();
    add_fields(&mut rows, schema, "", 0);
    rows
}

/// One row for a schema by itself.
pub fn field(name: &str, schema: &'static Value, is_required: bool) -> Field {
    // What is said where a schema is used goes before what it says of itself.
    let told = schema["description"].as_str().or(resolved(schema)["description"].as_str());
    Field {
        within: String::new(),
        name: name.to_owned(),
        kind: kinds(schema).join(" or ").replace("true or false or ", "true, false or "),
        is_required,
        text: line(told.unwrap_or_default()),
        limits: limits(schema),
    }
}

fn add_fields(rows: &mut Vec<Field>, schema: &'static Value, within: &str, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    let schema = resolved(schema);
    for part in list(schema, "allOf").iter().chain(list(schema, "oneOf")).chain(schema.get("items")) {
        add_fields(rows, part, within, depth);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = list(schema, "required").iter().any(|one| one == name);
        rows.push(Field { within: within.to_owned(), ..field(name, property, is_required) });
        let mark = if resolved(property).get("items").is_some() { "[]." } else { "." };
        add_fields(rows, property, &format!("{within}{name}{mark}"), depth + 1);
    }
}

fn list(schema: &'static Value, name: &str) -> &'static [Value] {
    schema[name].as_array().map_or(&[], Vec::as_slice)
}

/// The types that a value may have, in words.
fn kinds(schema: &'static Value) -> Vec<String> {
    let schema = resolved(schema);
    let mut kinds: Vec<String> = list(schema, "oneOf").iter().flat_map(kinds).collect();
    let named = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    kinds.extend(named.into_iter().map(|name| word(name, schema)));
    kinds.dedup();
    kinds
}

fn word(name: &str, schema: &'static Value) -> String {
    let of_format = match schema["format"].as_str() {
        Some("date-time") => "time",
        Some("uri") => "URL",
        _ => "string",
    };
    match name {
        "string" => of_format.to_owned(),
        "array" => match schema.get("items").map(kinds).unwrap_or_default().as_slice() {
            [one] => format!("list of {one}s"),
            _ => "list".to_owned(),
        },
        "boolean" => "true or false".to_owned(),
        other => other.to_owned(),
    }
}

fn limits(schema: &'static Value) -> Line {
    let schema = resolved(schema);
    let mut spans = choices(schema);
    for part in list(schema, "oneOf") {
        spans.extend(choices(resolved(part)));
    }
    let mut sentences = Vec::new();
    let range = |low: &str, high: &str| (schema[low].as_u64(), schema[high].as_u64());
    for (low, high, unit) in [
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " items"),
        ("minimum", "maximum", ""),
    ] {
        match range(low, high) {
            (Some(low), Some(high)) => {
                sentences.push(format!("{} to {}{unit}.", grouped(low), grouped(high)))
            }
            (None, Some(high)) if high > 0 => sentences.push(format!("At most {}{unit}.", grouped(high))),
            _ => {}
        }
    }
    if !sentences.is_empty() {
        spans.push(Span::Words(format!("{} ", sentences.join(" "))));
    }
    if let Some(default) = schema.get("default") {
        spans.push(Span::Words("Left out: ".to_owned()));
        spans.push(Span::Code(plain(default)));
        spans.push(Span::Words(".".to_owned()));
    }
    spans
}

/// "One of …", unless that is a long list.
fn choices(schema: &'static Value) -> Line {
    let listed: Vec<&Value> = list(schema, "enum").iter().filter(|choice| !choice.is_null()).collect();
    if listed.is_empty() {
        return schema.get("items").map(|items| choices(resolved(items))).unwrap_or_default();
    }
    if listed.len() < 2 || listed.len() > CHOICES_MAX {
        return Vec::new();
    }
    let mut spans = vec![Span::Words("One of ".to_owned())];
    for (n, choice) in listed.iter().enumerate() {
        if n > 0 {
            spans.push(Span::Words(", ".to_owned()));
        }
        spans.push(Span::Code(plain(choice)));
    }
    spans.push(Span::Words(". ".to_owned()));
    spans
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::openapi::document;

    fn rows(name: &str) -> Vec<Field> {
        fields(&document()["components"]["schemas"][name])
    }

    fn row(schema: &str, full_name: &str) -> Field {
        let rows = rows(schema);
        let found = rows.iter().find(|row| format!("{}{}", row.within, row.name) == full_name);
        found.unwrap_or_else(|| panic!("no {full_name} in {rows:#?}")).clone()
    }

    fn words(line: &Line) -> String {
        let each = line.iter().map(|span| match span {
            Span::Words(text) => text.clone(),
            Span::Code(text) => format!("`{text}`"),
        });
        each.collect()
    }

    #[test]
    fn nested_fields_come_with_what_holds_them() {
        assert_eq!(row("Delivery", "last_failure").kind, "object or null");
        assert_eq!(row("Delivery", "last_failure.kind").kind, "string");
        assert_eq!(row("DeliveryWithAttempts", "attempts[].request.headers").kind, "object");
        assert_eq!(row("DeliveryWithAttempts", "id").kind, "string", "parts are put together");
        assert_eq!(row("NewEvents", "data").kind, "object", "items stand for the list");
    }

    #[test]
    fn kinds_limits_and_what_must_be_there_are_told_in_words() {
        let id = row("NewEvent", "id");
        assert_eq!((id.kind.as_str(), id.is_required), ("string or null", false));
        assert_eq!(words(&id.limits), "1 to 128 characters. ");
        assert_eq!(row("NewWebhook", "active").kind, "true, false or null");
        assert!(row("NewEvent", "type").is_required);
        assert_eq!(row("NewEvent", "created_at").kind, "time or null");
        let timeout = row("NewWebhook", "timeout_ms");
        assert_eq!(words(&timeout.limits), "1,000 to 30,000. Left out: `10000`.");
        assert_eq!(row("NewWebhook", "retries").kind, "string or list of integers or null");
        assert_eq!(words(&row("Webhook", "when_used_up").limits), "One of `fail`, `disable`. ");
        assert_eq!(words(&row("NewWebhook", "events").limits), "", "a hundred names are no help");
    }

    #[test]
    fn every_field_of_every_shape_has_a_kind_and_is_explained() {
        let schemas = document()["components"]["schemas"].as_object().unwrap();
        for (name, schema) in schemas {
            for row in fields(schema) {
                assert!(!row.kind.is_empty() && !row.text.is_empty(), "{name}: {row:?}");
            }
        }
    }
}
