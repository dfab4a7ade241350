//! The description of the API: an OpenAPI 3.1 document that the API gives out and a page renders.
//!
//! It is kept by hand in `openapi.json`; tests hold it to the routes and to real answers. Two things are filled in: the
//! names of event types, and where this installation is reached.
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::catalogue;

/// Stands in the document where the installation's address belongs.
const PUBLIC_URL: &str = "\"{public_url}\"";

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    // The file is part of the program and read by its tests: it is JSON.
    let mut document: Value = serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    let names: Vec<&str> = catalogue::all().iter().map(|event_type| event_type.name).collect();
    document["components"]["schemas"]["EventTypeName"]["anyOf"][0]["enum"] = json!(names);
    document
});

static TEXT: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string_pretty(document()).unwrap_or_default());

/// The document. Its server is still a placeholder; [`text`] names it.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// The document as JSON, indented, for an installation that is reached at `public_url` (without a slash at the end).
pub fn text(public_url: &str) -> String {
    TEXT.replacen(PUBLIC_URL, &Value::from(public_url).to_string(), 1)
}

/// What a `$ref` in the document points to; the value itself if it is none. Null for what is not there.
pub fn resolved(value: &'static Value) -> &'static Value {
    static NULL: Value = Value::Null;
    match value.get("$ref").and_then(Value::as_str) {
        Some(to) => document().pointer(to.trim_start_matches('#')).map_or(&NULL, resolved),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_its_server_and_every_event_type() {
        let told: Value = serde_json::from_str(&text("https://callout.example")).unwrap();
        assert_eq!(told["openapi"], "3.1.0");
        assert_eq!(told["servers"], json!([{ "url": "https://callout.example" }]));
        let names = told["components"]["schemas"]["EventTypeName"]["anyOf"][0]["enum"].as_array().unwrap();
        assert_eq!(names.len(), catalogue::all().len());
    }

    #[test]
    fn references_are_followed() {
        let parameters = &document()["paths"]["/v1/webhooks/{id}"]["get"]["parameters"];
        assert_eq!(resolved(&parameters[0])["name"], "id");
        assert!(resolved(&document()["info"])["title"].is_string());
    }
}
