//! A project's own event types: their names begin with `custom.`, and people describe them.
use std::fmt;

use serde_json::{Map, Value, json};

use super::fields::{self, Field};
use super::{all, find, nearest_of};
use crate::rules::body::{BodyErrorKind, canonical};

/// What the names of own types begin with, and no name of the catalogue.
pub const PREFIX: &str = "custom.";
/// The family and the group of own types.
pub const FAMILY: &str = "custom";
/// Characters of a name after [`PREFIX`].
pub const NAME_REST_CHARS_MAX: usize = 100;
/// Characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// Bytes of a sample, and of a schema.
pub const JSON_BYTES_MAX: usize = 64 * 1024;
/// Levels that a schema derived from a sample describes; deeper ones take anything.
const DERIVED_DEPTH_MAX: usize = 12;

/// An event type of a project's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnType {
    /// `custom.` and segments of `a` to `z`, `0` to `9` and `_`, with dots between.
    pub name: String,
    /// What happened when this is sent; may be empty.
    pub description: String,
    /// A JSON object, as it was typed.
    pub sample: String,
    /// JSON Schema of the data, as it was typed. None: see [`OwnType::schema`].
    pub typed_schema: Option<String>,
}

/// One thing that is wrong with a type. Shown, it is the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `name`, `description`, `sample` or `schema`.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl OwnType {
    /// Judges what was typed; all that is wrong at once. An empty schema is none.
    pub fn checked(name: &str, description: &str, sample: &str, schema: &str) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut note = |field, found: Result<(), String>| {
            wrong.extend(found.err().map(|message| Wrong { field, message }));
        };
        let (name, description) = (name.trim(), description.trim());
        note("name", name_is_fine(name));
        note("description", description_is_fine(description));
        note("sample", object(sample, "the event's data").map(|_| ()));
        let schema = Some(schema).filter(|schema| !schema.trim().is_empty());
        note("schema", schema.map_or(Ok(()), schema_is_fine));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Self {
            name: name.to_owned(),
            description: description.to_owned(),
            sample: sample.trim().to_owned(),
            typed_schema: schema.map(|schema| schema.trim().to_owned()),
        })
    }

    /// JSON Schema of the data, as text: the typed one, else one that says what the sample has.
    pub fn schema(&self) -> String {
        match &self.typed_schema {
            Some(schema) => schema.clone(),
            None => derived(&parsed(&self.sample), 0).to_string(),
        }
    }

    /// The fields of the data, from the schema if there is one.
    pub fn fields(&self) -> Vec<Field> {
        let sample = parsed(&self.sample);
        match &self.typed_schema {
            Some(schema) => fields::of_schema(&parsed(schema), &sample),
            None => fields::of_sample(&sample),
        }
    }
}

/// The names of a project's own types with their descriptions, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnNames(pub Vec<(String, String)>);

impl OwnNames {
    /// Whether the project knows the type: from the catalogue or as its own.
    pub fn knows(&self, name: &str) -> bool {
        find(name).is_some() || self.0.iter().any(|(own, _)| own == name)
    }

    /// Up to `n` names that resemble `name`, own ones and the catalogue's, the most similar first.
    pub fn nearest<'a>(&'a self, name: &str, n: usize) -> Vec<&'a str> {
        nearest_of(name, self.iter().chain(all().iter().map(|event_type| event_type.name)), n)
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Whether a type of that name can only be a project's own.
pub fn is_own(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Whether a type of a project's own may have that name.
pub fn is_name(name: &str) -> bool {
    name_is_fine(name).is_ok()
}

fn name_is_fine(name: &str) -> Result<(), String> {
    let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !rest.is_empty()) else {
        return Err("Enter a name that begins with \"custom.\", such as custom.order_shipped.".to_owned());
    };
    if rest.len() > NAME_REST_CHARS_MAX {
        return Err(format!("After \"{PREFIX}\" a name has at most {NAME_REST_CHARS_MAX} characters."));
    }
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if rest.split('.').all(|part| !part.is_empty() && part.chars().all(is_fine)) {
        return Ok(());
    }
    Err("A name has small letters a to z, digits and \"_\", in words with one dot between, such as \
         custom.order.shipped."
        .to_owned())
}

fn description_is_fine(text: &str) -> Result<(), String> {
    if text.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(format!("A description has at most {DESCRIPTION_CHARS_MAX} characters."));
    }
    match text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        true => Err("A description must not hold control characters.".to_owned()),
        false => Ok(()),
    }
}

/// A text that must be a JSON object, `what` in words.
fn object(text: &str, what: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Err(format!("Enter {what}: a JSON object."));
    }
    if text.len() > JSON_BYTES_MAX {
        return Err(format!("This is larger than {} KiB. Take something out.", JSON_BYTES_MAX / 1024));
    }
    match canonical(text.as_bytes()) {
        Ok(canonical) => serde_json::from_slice(&canonical).map_err(|error| error.to_string()),
        Err(error) if error.kind == BodyErrorKind::NotAnObject => {
            Err("This must be a JSON object.".to_owned())
        }
        Err(error) => Err(format!("Line {}, column {}: {}.", error.line, error.column, error.kind)),
    }
}

/// Only what the reference builds on: data is an object, and its properties are schemas.
fn schema_is_fine(text: &str) -> Result<(), String> {
    let schema = object(text, "a schema")?;
    let is_object = |name: &Value| name == "object";
    match schema.get("type") {
        None => {}
        Some(Value::Array(names)) if names.iter().any(is_object) => {}
        Some(name) if is_object(name) => {}
        Some(_) => return Err("The schema's \"type\" must be \"object\": data is one.".to_owned()),
    }
    match schema.get("properties") {
        None => {}
        Some(Value::Object(properties)) => {
            if let Some((name, _)) = properties.iter().find(|(_, one)| !one.is_object() && !one.is_boolean())
            {
                return Err(format!("The property \"{name}\" must have a schema: an object, true or false."));
            }
        }
        Some(_) => return Err("The schema's \"properties\" must be an object.".to_owned()),
    }
    match schema.get("required") {
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => Ok(()),
        None => Ok(()),
        Some(_) => Err("The schema's \"required\" must be an array of names.".to_owned()),
    }
}

/// It was JSON when it was saved.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// What a value has, as a schema. Nothing of it is required: one sample does not tell.
fn derived(value: &Value, depth: usize) -> Value {
    match value {
        _ if depth > DERIVED_DEPTH_MAX => json!({}),
        Value::Object(members) => {
            let properties: Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), derived(value, depth + 1))).collect();
            json!({ "type": "object", "properties": properties })
        }
        Value::Array(items) => match items.first() {
            Some(first) => json!({ "type": "array", "items": derived(first, depth + 1) }),
            None => json!({ "type": "array" }),
        },
        // Null now, something else at other times.
        Value::Null => json!({}),
        Value::String(_) => json!({ "type": "string" }),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Number(number) if number.is_f64() => json!({ "type": "number" }),
        Value::Number(_) => json!({ "type": "integer" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(name: &str, sample: &str, schema: &str) -> Vec<&'static str> {
        let found = OwnType::checked(name, "", sample, schema).err().unwrap_or_default();
        found.into_iter().map(|one| one.field).collect()
    }

    #[test]
    fn a_name_begins_with_custom_and_has_words_with_dots_between() {
        for good in [
            "custom.a",
            "custom.order_shipped",
            "custom.shop.order.v2",
            &format!("custom.{}", "a".repeat(100)),
        ] {
            assert!(wrong(good, "{}", "").is_empty(), "{good}");
        }
        let long = format!("custom.{}", "a".repeat(101));
        for bad in [
            "",
            "custom.",
            "custom",
            "order.shipped",
            "custom..a",
            "custom.a.",
            "custom.A",
            "custom.ä",
            "custom.a b",
            &long,
        ] {
            assert_eq!(wrong(bad, "{}", ""), ["name"], "{bad}");
        }
        assert!(all().iter().all(|event_type| !is_own(event_type.name)));
    }

    #[test]
    fn what_is_wrong_with_json_is_told_with_its_place() {
        let told = OwnType::checked("custom.a", "", "{\n  \"a\": 1,\n  b\n}", "[]").unwrap_err();
        assert_eq!(told[0].message, "Line 3, column 3: expected a key in quotes.");
        assert_eq!((told[1].field, told[1].message.as_str()), ("schema", "This must be a JSON object."));
        assert_eq!(wrong("custom.a", "", ""), ["sample"]);
        assert_eq!(
            wrong("custom.a", &format!("{{\"a\":\"{}\"}}", "x".repeat(JSON_BYTES_MAX)), ""),
            ["sample"]
        );
    }

    #[test]
    fn a_schema_describes_an_object() {
        for good in [
            "{}",
            r#"{"type":"object","properties":{"a":true}}"#,
            r#"{"type":["object","null"],"required":["a"]}"#,
        ] {
            assert!(wrong("custom.a", "{}", good).is_empty(), "{good}");
        }
        for bad in [
            r#"{"type":"array"}"#,
            r#"{"properties":[]}"#,
            r#"{"properties":{"a":1}}"#,
            r#"{"required":"a"}"#,
        ] {
            assert_eq!(wrong("custom.a", "{}", bad), ["schema"], "{bad}");
        }
    }

    #[test]
    fn without_a_schema_the_sample_tells_one() {
        let own = OwnType::checked("custom.a", "", r#"{"id":1,"to":{"mail":"a@b.example"},"n":null}"#, " ")
            .unwrap();
        let schema: Value = serde_json::from_str(&own.schema()).unwrap();
        assert_eq!(schema["properties"]["to"]["properties"]["mail"]["type"], "string");
        assert_eq!(schema["properties"]["id"]["type"], "integer");
        assert_eq!(own.fields().len(), 4);
    }

    #[test]
    fn own_names_are_known_and_among_the_nearest() {
        let own = OwnNames(vec![("custom.order_shipped".to_owned(), String::new())]);
        assert!(own.knows("custom.order_shipped") && own.knows("voucher.created") && !own.knows("custom.x"));
        assert_eq!(own.nearest("custom.order_shiped", 3)[0], "custom.order_shipped");
        assert_eq!(own.nearest("voucher.craeted", 3)[0], "voucher.created");
    }
}
