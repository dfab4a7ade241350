//! The document as the program gives it out, and whether answers are as it describes them.
use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::support::app::App;
use crate::support::client::{Answer, Client};

/// One call of the API.
#[derive(Clone)]
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// With its placeholders.
    pub path: String,
    pub description: Value,
}

impl Operation {
    pub fn id(&self) -> &str {
        self.description["operationId"].as_str().expect("an operationId")
    }

    /// Whether this status is described.
    pub fn has(&self, status: &str) -> bool {
        self.description["responses"].get(status).is_some()
    }

    /// The values of the request's examples.
    pub fn request_examples(&self) -> Vec<Value> {
        let examples = &self.description["requestBody"]["content"]["application/json"]["examples"];
        examples.as_object().into_iter().flatten().map(|(_, example)| example["value"].clone()).collect()
    }
}

/// The document.
pub struct Described {
    pub document: Value,
    seen: RefCell<BTreeSet<(String, String)>>,
}

impl Described {
    pub fn by(app: &App) -> Self {
        let document = app.client().get("/api/openapi.json").expect(200).json();
        Self { document, seen: RefCell::default() }
    }

    /// Every call, in the document's order.
    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.document["paths"].as_object().expect("paths");
        let each = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().into_iter().flatten().map(|(method, description)| Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                description: description.clone(),
            })
        });
        each.collect()
    }

    pub fn operation(&self, id: &str) -> Operation {
        self.operations()
            .into_iter()
            .find(|operation| operation.id() == id)
            .unwrap_or_else(|| panic!("no {id}"))
    }

    /// What a `$ref` points to, or the value itself.
    pub fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(to) = value["$ref"].as_str() else { return value };
        let pointer = to.strip_prefix('#').unwrap_or_else(|| panic!("{to} is not in the document"));
        self.resolved(self.document.pointer(pointer).unwrap_or_else(|| panic!("{to} leads nowhere")))
    }

    /// Calls, and holds the answer to what is described. `query` may be empty; `thing` stands for the placeholder; several have spaces
    /// between.
    #[track_caller]
    pub fn call(&self, client: &Client, id: &str, thing: &str, query: &str, body: &[u8]) -> Answer {
        let operation = self.operation(id);
        let mut path = operation.path.clone();
        for thing in thing.split(' ') {
            if let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
                path.replace_range(from..=to, thing);
            }
        }
        let answer = client.send(
            &operation.method,
            &format!("{path}{query}"),
            &[("content-type", "application/json")],
            body,
        );
        self.hold(&operation, &answer);
        answer
    }

    /// Panics unless status, headers and body are as described.
    #[track_caller]
    pub fn hold(&self, operation: &Operation, answer: &Answer) {
        let (id, status) = (operation.id(), answer.status.to_string());
        let told = operation.description["responses"].get(&status);
        let told =
            self.resolved(told.unwrap_or_else(|| panic!("{id}: {status} is not described: {answer:?}")));
        for (name, header) in told["headers"].as_object().into_iter().flatten() {
            let value = answer.header(&name.to_lowercase());
            assert!(value.is_some() || header["required"] != true, "{id}: no {name} in {answer:?}");
        }
        match told["content"].as_object().and_then(|content| content.iter().next()) {
            None => assert_eq!(answer.body, "", "{id}: {status} has no body"),
            Some((kind, content)) => {
                assert_eq!(answer.header("content-type"), Some(kind.as_str()), "{id}: {answer:?}");
                let is_json = kind.ends_with("json");
                let body = if is_json { answer.json() } else { Value::from(answer.body.as_str()) };
                let faults = self.faults(&content["schema"], &body);
                assert!(faults.is_empty(), "{id}: {status}: {faults:#?}\n{body:#}");
            }
        }
        self.seen.borrow_mut().insert((id.to_owned(), status));
    }

    /// What a value has that its schema does not allow. What is not described is not allowed.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let schema = self.closed(schema);
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema);
        let validator = validator.unwrap_or_else(|error| panic!("{error} in {schema:#}"));
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// Statuses that are described and were not met, as `operationId status`.
    pub fn unseen(&self, but: &[&str]) -> Vec<String> {
        let all = self.operations().into_iter().flat_map(|operation| {
            let statuses = operation.description["responses"].as_object().cloned().unwrap_or_default();
            let id = operation.id().to_owned();
            statuses.into_iter().map(move |(status, _)| (id.clone(), status))
        });
        let seen = self.seen.borrow();
        let unseen = all.filter(|pair| !but.contains(&pair.1.as_str()) && !seen.contains(pair));
        unseen.map(|(id, status)| format!("{id} {status}")).collect()
    }

    /// The schema with everything it refers to in it, and closed: outsiders must expect further fields, its tests not.
    fn closed(&self, schema: &Value) -> Value {
        self.inlined(schema, false)
    }

    fn inlined(&self, schema: &Value, is_part: bool) -> Value {
        let Value::Object(told) = self.resolved(schema) else { return schema.clone() };
        let mut made = Map::new();
        for (name, value) in told {
            let each = |is_part: bool| -> Value {
                match value {
                    Value::Array(list) => list.iter().map(|one| self.inlined(one, is_part)).collect(),
                    Value::Object(map) => {
                        map.iter().map(|(name, one)| (name.clone(), self.inlined(one, is_part))).collect()
                    }
                    other => other.clone(),
                }
            };
            let value = match name.as_str() {
                "properties" | "oneOf" => each(false),
                // Only all parts together say which fields there are.
                "allOf" | "anyOf" => each(true),
                "items" | "additionalProperties" => self.inlined(value, false),
                _ => value.clone(),
            };
            made.insert(name.clone(), value);
        }
        let names_fields = made.contains_key("properties") || made.contains_key("allOf");
        if names_fields && !is_part && !made.contains_key("additionalProperties") {
            made.insert("unevaluatedProperties".to_owned(), false.into());
        }
        made.into()
    }
}
