//! From stored settings to a file: a stable order, defaults left out, references in the place of secrets.
use serde_json::{Map, Value, json};

use super::file::Format;
use super::references::Names;
use super::state::State;
use crate::api::settings_told;
use crate::models::webhooks::{Settings, Webhook};
use crate::rules::authentication::Authentication;
use crate::rules::body::canonical;
use crate::rules::catalogue::own::OwnType;

/// The form of the file; another one will have another number.
pub(super) const FORM: i64 = 1;

/// All of a project's settings.
pub(super) fn document(state: &State, format: Format) -> Map<String, Value> {
    let mut names = Names::default();
    let types: Vec<Value> = state.types.iter().map(|own| own_type(own, format)).collect();
    let webhooks: Vec<Value> =
        state.webhooks.iter().map(|stored| webhook(stored, format, &mut names)).collect();
    let document = json!({
        "format": FORM,
        "project": {
            "allowed_hosts": state.project.allowed_hosts,
            "webhooks_enabled": state.project.webhooks_enabled,
        },
        "event_types": types,
        "webhooks": webhooks,
    });
    document.as_object().cloned().unwrap_or_default()
}

fn own_type(own: &OwnType, format: Format) -> Value {
    let mut fields = Map::new();
    fields.insert("type".to_owned(), own.name.as_str().into());
    if !own.description.is_empty() {
        fields.insert("description".to_owned(), own.description.as_str().into());
    }
    fields.insert("sample".to_owned(), json_of(&own.sample, format));
    if let Some(schema) = &own.typed_schema {
        fields.insert("schema".to_owned(), json_of(schema, format));
    }
    fields.into()
}

/// As an object where nothing of it is lost, else as text. TOML knows no null, and keeps text as it was typed.
fn json_of(text: &str, format: Format) -> Value {
    let same = |value: &Value| {
        let (one, other) = (canonical(text.as_bytes()).ok(), value.to_string());
        one.is_some() && one.as_deref() == canonical(other.as_bytes()).ok().as_deref()
    };
    let object = serde_json::from_str(text).ok().filter(|value| format == Format::Json && same(value));
    object.unwrap_or_else(|| text.into())
}

/// What the settings of a file begin with: the defaults, and what a preset fills in.
pub(super) fn beginning(settings: &Settings) -> Settings {
    let mut beginning = Settings::default();
    if let Some(preset) = settings.preset {
        beginning.apply(preset);
    }
    beginning
}

fn webhook(stored: &Webhook, format: Format, names: &mut Names) -> Value {
    let settings = &stored.settings;
    let beginning = beginning(settings);
    let usual = settings_told(&Webhook { settings: beginning.clone(), ..stored.clone() });
    let mut fields = Map::new();
    for (field, value) in settings_told(stored) {
        let is_usual = usual.get(&field) == Some(&value);
        let told = match field.as_str() {
            "name" | "target_url" => Some(value),
            "preset" => Some(value).filter(|value| !value.is_null()),
            "events" if settings.all_events => None,
            "authentication" => authentication(settings, &beginning, names),
            "headers" => headers(settings, names),
            "client_certificate" => {
                let what = settings.client_certificate.as_ref();
                what.map(|_| names.reference(&settings.name, "client certificate"))
            }
            "filter" if format == Format::Toml => settings.filter.as_ref().map(|f| f.to_text().into()),
            _ => Some(value).filter(|value| !is_usual && !value.is_null()),
        };
        fields.extend(told.map(|told| (field, told)));
    }
    fields.into()
}

fn authentication(settings: &Settings, beginning: &Settings, names: &mut Names) -> Option<Value> {
    let mut named = |what: &str| names.reference(&settings.name, what);
    match &settings.authentication {
        Authentication::None if beginning.authentication == Authentication::None => None,
        Authentication::None => Some(json!({ "type": "none" })),
        Authentication::Bearer { .. } => Some(json!({ "type": "bearer", "token": named("token") })),
        Authentication::Basic { username, .. } => {
            Some(json!({ "type": "basic", "username": username, "password": named("password") }))
        }
        Authentication::ApiKey { header, .. } => {
            Some(json!({ "type": "api_key", "header": header, "value": named("api key") }))
        }
    }
}

fn headers(settings: &Settings, names: &mut Names) -> Option<Value> {
    let header = |name: &String| (name.clone(), names.reference(&settings.name, &format!("header {name}")));
    let headers: Map<String, Value> =
        settings.headers.iter().map(|header| &header.name).map(header).collect();
    (!headers.is_empty()).then(|| headers.into())
}
