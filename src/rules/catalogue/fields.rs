//! The fields of an event's data, one after the other, as a table can show them.
//!
//! They are read from the type's schema; where there is none, from its sample. Examples come from the sample.

use std::cell::Cell;

use serde_json::{Map, Value};

/// Deeper levels are left out; no schema of ours comes near.
const DEPTH_MAX: usize = 12;
/// Looks at one schema and all that it refers to: a project's own may refer to itself in many places at once.
const LOOKS_MAX: usize = 10_000;
/// Longer examples tell no more than shorter ones.
const EXAMPLE_CHARS_MAX: usize = 48;

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it is, from the data on: `order.items[].price`; `*` stands for keys that are not fixed.
    pub path: String,
    /// How many objects and arrays stand around it.
    pub depth: usize,
    /// `string`, `integer`, `object`, `array of objects`, …, or several with "or" between; empty if anything goes.
    pub kind: String,
    /// Whether it is there whenever what stands around it is; otherwise only sometimes.
    pub is_always: bool,
    /// Whether it may be null.
    pub is_nullable: bool,
    /// The values that it can have, where they are fixed.
    pub values: Vec<String>,
    /// What its values begin with.
    pub starts_with: Option<String>,
    /// A sentence or two; may be empty.
    pub description: String,
    /// A short value from the sample.
    pub example: Option<String>,
    /// Whether there are fields below it in the table.
    pub is_parent: bool,
}

impl Field {
    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

/// The fields that a JSON Schema (draft 2020-12; local `$ref`, `anyOf` and `oneOf` are followed) describes, each
/// parent before its children, in the schema's order.
pub fn of_schema(schema: &Value, sample: &Value) -> Vec<Field> {
    let root = Root::of(schema);
    let mut reader = Reader { root: &root, fields: Vec::new() };
    reader.children("", 0, &Shape::of(schema, &root), Some(sample));
    reader.fields
}

/// The fields that a sample has. Nobody knows then when they are there, so all are told to be there sometimes.
pub fn of_sample(sample: &Value) -> Vec<Field> {
    let root = Root::of(&Value::Null);
    let mut reader = Reader { root: &root, fields: Vec::new() };
    reader.children("", 0, &Shape::of_value(sample), Some(sample));
    reader.fields
}

/// What references lead into; null where values are read instead of a schema.
struct Root<'a> {
    schema: &'a Value,
    looks_left: Cell<usize>,
}

impl<'a> Root<'a> {
    fn of(schema: &'a Value) -> Self {
        Self { schema, looks_left: Cell::new(LOOKS_MAX) }
    }

    /// Whether one more look is allowed.
    fn look(&self) -> bool {
        let left = self.looks_left.get();
        self.looks_left.set(left.saturating_sub(1));
        left > 0
    }

    fn shape_of(&self, value: &Value) -> Shape {
        if self.schema.is_null() { Shape::of_value(value) } else { Shape::of(value, self) }
    }
}

struct Reader<'a> {
    root: &'a Root<'a>,
    fields: Vec<Field>,
}

impl Reader<'_> {
    fn children(&mut self, path: &str, depth: usize, shape: &Shape, sample: Option<&Value>) {
        if depth > DEPTH_MAX {
            return;
        }
        let dot = if path.is_empty() { "" } else { "." };
        for (name, is_required, property) in &shape.properties {
            let below = sample.and_then(|sample| sample.get(name));
            self.field(format!("{path}{dot}{name}"), depth, property, *is_required, below);
        }
        if let Some(any) = &shape.any_key {
            let is_fixed = |key: &str| shape.properties.iter().any(|(name, ..)| name == key);
            let below = sample.and_then(Value::as_object);
            let below =
                below.and_then(|map| map.iter().find(|(key, _)| !is_fixed(key)).map(|(_, value)| value));
            self.field(format!("{path}{dot}*"), depth, any, false, below);
        }
    }

    fn field(
        &mut self,
        path: String,
        depth: usize,
        described: &Value,
        is_required: bool,
        sample: Option<&Value>,
    ) {
        let shape = self.root.shape_of(described);
        let place = self.fields.len();
        self.fields.push(Field {
            kind: shape.kind(self.root),
            is_always: is_required,
            is_nullable: shape.is_nullable,
            values: shape.values.clone(),
            starts_with: shape.starts_with.clone(),
            description: shape.description.clone(),
            example: sample.and_then(example),
            path: path.clone(),
            depth,
            is_parent: false,
        });
        self.children(&path, depth + 1, &shape, sample);
        // An array in an array is none of ours; its elements' fields are told under the inner one.
        if let Some(items) = &shape.items {
            let items = self.root.shape_of(items);
            self.children(&format!("{path}[]"), depth + 1, &items, sample.and_then(|sample| sample.get(0)));
        }
        self.fields[place].is_parent = self.fields.len() > place + 1;
    }
}

fn example(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.chars().count() <= EXAMPLE_CHARS_MAX).then_some(text)
}

/// What a schema says of one value, with references followed and alternatives put together.
#[derive(Clone, Debug, Default)]
struct Shape {
    types: Vec<String>,
    format: Option<String>,
    is_nullable: bool,
    values: Vec<String>,
    starts_with: Option<String>,
    description: String,
    properties: Vec<(String, bool, Value)>,
    any_key: Option<Value>,
    items: Option<Value>,
}

impl Shape {
    fn of(schema: &Value, root: &Root<'_>) -> Self {
        Self::at(schema, root, 0)
    }

    fn at(schema: &Value, root: &Root<'_>, depth: usize) -> Self {
        let mut shape = Self::default();
        let Some(schema) = schema.as_object().filter(|_| depth <= DEPTH_MAX && root.look()) else {
            return shape;
        };
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#')) {
            shape = Self::at(root.schema.pointer(target).unwrap_or(&Value::Null), root, depth + 1);
        }
        shape.read(schema);
        let alternatives = ["anyOf", "oneOf"].iter().filter_map(|word| schema.get(*word)?.as_array());
        for (number, alternative) in alternatives.flatten().filter(|one| !is_null(one)).enumerate() {
            shape.or(Self::at(alternative, root, depth + 1), number == 0);
        }
        let alternatives = ["anyOf", "oneOf"].iter().filter_map(|word| schema.get(*word)?.as_array());
        shape.is_nullable |= alternatives.flatten().any(is_null);
        shape
    }

    /// What stands directly in a schema goes before what it refers to.
    fn read(&mut self, schema: &Map<String, Value>) {
        let text = |name: &str| schema.get(name).and_then(Value::as_str);
        match schema.get("type") {
            Some(Value::String(one)) => self.add_type(one),
            Some(Value::Array(several)) => {
                several.iter().filter_map(Value::as_str).for_each(|one| self.add_type(one));
            }
            _ => {}
        }
        let fixed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        for value in fixed.chain(schema.get("const")).filter(|value| !value.is_null()) {
            self.values.push(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            if !schema.contains_key("type") {
                self.add_type(type_of(value));
            }
        }
        self.format = text("format").map(str::to_owned).or(self.format.take());
        self.starts_with = text("pattern").and_then(beginning).or(self.starts_with.take());
        if let Some(description) = text("description") {
            self.description = description.to_owned();
        }
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            self.properties.push((name.clone(), required.contains(&name.as_str()), property.clone()));
        }
        self.any_key =
            schema.get("additionalProperties").filter(|any| any.is_object()).cloned().or(self.any_key.take());
        self.items = schema.get("items").cloned().or(self.items.take());
    }

    /// Puts another possibility beside this one: what is required in one of them only is there sometimes.
    fn or(&mut self, other: Self, is_first: bool) {
        other.types.iter().for_each(|one| self.add_type(one));
        self.is_nullable |= other.is_nullable;
        self.format = self.format.take().or(other.format);
        self.starts_with = self.starts_with.take().or(other.starts_with);
        self.any_key = self.any_key.take().or(other.any_key);
        self.items = self.items.take().or(other.items);
        self.values.extend(other.values);
        if self.description.is_empty() {
            self.description = other.description;
        }
        if !is_first {
            for (name, is_required, _) in &mut self.properties {
                *is_required &=
                    other.properties.iter().any(|(theirs, required, _)| theirs == name && *required);
            }
        }
        for (name, is_required, property) in other.properties {
            match self.properties.iter_mut().find(|(ours, ..)| *ours == name) {
                Some((_, _, ours)) if *ours != property => {
                    *ours = Value::from_iter([("anyOf", Value::from(vec![ours.take(), property]))]);
                }
                Some(_) => {}
                None => self.properties.push((name, is_required && is_first, property)),
            }
        }
    }

    fn add_type(&mut self, name: &str) {
        if name == "null" {
            self.is_nullable = true;
        } else if !self.types.iter().any(|known| known == name) {
            self.types.push(name.to_owned());
        }
    }

    /// The shape of a value that nothing describes.
    fn of_value(value: &Value) -> Self {
        let mut shape = Self::default();
        shape.add_type(type_of(value));
        match value {
            Value::Object(map) => {
                shape.properties =
                    map.iter().map(|(name, value)| (name.clone(), false, value.clone())).collect();
            }
            Value::Array(items) => shape.items = items.first().cloned(),
            _ => {}
        }
        shape
    }

    fn kind(&self, root: &Root<'_>) -> String {
        let words: Vec<String> = self.types.iter().map(|one| self.word(one, root)).collect();
        words.join(" or ")
    }

    fn word(&self, name: &str, root: &Root<'_>) -> String {
        match (name, self.format.as_deref()) {
            ("string", Some("date-time")) => "date and time".to_owned(),
            ("string", Some("date")) => "date".to_owned(),
            ("string", Some("uri")) => "URL".to_owned(),
            ("string", Some(format)) => format!("string ({format})"),
            ("array", _) => {
                let items = self.items.as_ref().map(|items| root.shape_of(items));
                match items.map(|items| items.types).unwrap_or_default().as_slice() {
                    [one] => format!("array of {one}s"),
                    _ => "array".to_owned(),
                }
            }
            (name, _) => name.to_owned(),
        }
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|name| name == "null")
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `cust_` of `^cust_`; nothing of patterns that say more than a beginning.
fn beginning(pattern: &str) -> Option<String> {
    let start = pattern.strip_prefix('^')?;
    let is_plain = start.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    (is_plain && !start.is_empty()).then(|| start.to_owned())
}

#[cfg(test)]
mod tests;
