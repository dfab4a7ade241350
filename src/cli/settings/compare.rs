//! What differs between stored settings and those of a file.
use serde_json::{Map, Value, json};

use crate::api::settings_told;
use crate::base::seal::SealKey;
use crate::models::webhooks::{Settings, Webhook};
use crate::rules::authentication::{Authentication, Hidden};
use crate::rules::body::canonical;
use crate::rules::catalogue::own::OwnType;

/// What stands for a key that is made when the plan is carried out.
const GENERATED: &str = "generated";

/// A webhook's settings as the API tells them, with fingerprints also of values that are not stored yet.
pub(super) fn told(
    settings: &Settings,
    like: &Webhook,
    key: &SealKey,
    is_generated: bool,
) -> Map<String, Value> {
    let mut masked = settings.clone();
    let mask = |value: &mut Hidden| {
        if let Hidden::New(text) = value {
            *value = Hidden::Kept { fingerprint: key.fingerprint(text.as_bytes()) };
        }
    };
    match &mut masked.authentication {
        Authentication::None => {}
        Authentication::ApiKey { value, .. } if is_generated => {
            *value = Hidden::Kept { fingerprint: GENERATED.to_owned() };
        }
        Authentication::Bearer { token: value }
        | Authentication::Basic { password: value, .. }
        | Authentication::ApiKey { value, .. } => mask(value),
    }
    masked.headers.iter_mut().for_each(|header| mask(&mut header.value));
    masked.client_certificate.iter_mut().for_each(mask);
    settings_told(&Webhook { settings: masked, ..like.clone() })
}

/// Fields that differ, each `{from, to}`.
pub(super) fn webhook(stored: &Webhook, new: &Settings, new_told: &Map<String, Value>) -> Map<String, Value> {
    let old = settings_told(stored);
    let is_moot = |field: &str| field == "events" && stored.settings.all_events && new.all_events;
    let fields = new_told.iter().filter(|(field, to)| old.get(*field) != Some(to) && !is_moot(field));
    fields.map(|(field, to)| (field.clone(), json!({ "from": old.get(field), "to": to }))).collect()
}

/// Fields that differ, each `{from, to}`; JSON that says the same in another form does not.
pub(super) fn own_type(stored: &OwnType, new: &OwnType) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, from: Value, to: Value| {
        fields.insert(name.to_owned(), json!({ "from": from, "to": to }))
    };
    if stored.description != new.description {
        put("description", stored.description.as_str().into(), new.description.as_str().into());
    }
    if !same_json(&stored.sample, &new.sample) {
        put("sample", json_of(Some(&stored.sample)), json_of(Some(&new.sample)));
    }
    let (old, schema) = (stored.typed_schema.as_deref(), new.typed_schema.as_deref());
    let is_same = match (old, schema) {
        (Some(old), Some(new)) => same_json(old, new),
        (old, new) => old == new,
    };
    if !is_same {
        put("schema", json_of(old), json_of(schema));
    }
    fields
}

fn same_json(one: &str, other: &str) -> bool {
    let form = |text: &str| canonical(text.as_bytes()).ok().map(std::borrow::Cow::into_owned);
    one == other || form(one).is_some_and(|one| Some(one) == form(other))
}

fn json_of(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
}
