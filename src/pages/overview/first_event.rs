//! A ready command line that posts an event which somebody gets.
use diesel::PgConnection;
use serde_json::{Map, Value, json};

use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::models::event_types::TypeSample;
use crate::models::webhooks::{Webhook, trial_of};
use crate::rules::catalogue;

/// Members that are kept of the sample, and of an object in it: enough to see what it is.
const MEMBERS_MAX: usize = 3;

/// A ready command line that posts an event of a type with this key.
pub fn first_event(public_url: &str, token: &str, event_type: &TypeSample) -> String {
    let event = json!({ "type": event_type.name, "data": shortened(&event_type.sample) });
    let body = serde_json::to_string_pretty(&event).unwrap_or_default().replace('\'', r"'\''");
    format!(
        "curl {public_url}/v1/events \\\n  -H \"Authorization: Bearer {token}\" \\\n  \
         -H \"Content-Type: application/json\" \\\n  -d '{body}'"
    )
}

/// The plain type if anybody takes it or nobody takes anything, else the first one of the oldest webhook that is on.
pub fn taken_type(
    conn: &mut PgConnection,
    project: ProjectId,
    webhooks: &[Webhook],
) -> Result<TypeSample, DbError> {
    let plain = TypeSample::of(catalogue::plain());
    let on = || webhooks.iter().filter(|webhook| webhook.settings.active);
    if on().any(|webhook| webhook.settings.takes(&plain.name)) {
        return Ok(plain);
    }
    match on().chain(webhooks).next() {
        Some(webhook) => trial_of(conn, project, &webhook.settings),
        None => Ok(plain),
    }
}

/// The head of a sample: a few members, and of objects in it a few plain ones.
fn shortened(sample: &str) -> Value {
    let Ok(Value::Object(members)) = serde_json::from_str(sample) else { return json!({}) };
    let is_plain = |value: &Value| !value.is_null() && !value.is_array() && !value.is_object();
    let kept = |(name, value): (String, Value)| match value {
        Value::Object(inner) => {
            let inner: Map<String, Value> =
                inner.into_iter().filter(|(_, value)| is_plain(value)).take(MEMBERS_MAX).collect();
            (!inner.is_empty()).then_some((name, inner.into()))
        }
        value => is_plain(&value).then_some((name, value)),
    };
    members.into_iter().filter_map(kept).take(MEMBERS_MAX).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::body::canonical;

    #[test]
    fn the_head_of_every_sample_is_short_and_may_be_sent() {
        assert_eq!(catalogue::plain().name, "customer.created");
        for event_type in catalogue::all() {
            let short = shortened(event_type.sample());
            assert!(canonical(short.to_string().as_bytes()).is_ok(), "{}", event_type.name);
            let lines = serde_json::to_string_pretty(&short).expect("JSON").lines().count();
            assert!((3..=20).contains(&lines), "{}: {lines} lines", event_type.name);
        }
    }

    #[test]
    fn a_quote_in_the_data_does_not_end_the_shells_text() {
        let sample = json!({ "name": "it's", "empty": null, "list": [1], "deep": { "a": { "b": 1 } } });
        assert_eq!(shortened(&sample.to_string()), json!({ "name": "it's" }));
        let line = first_event("https://callout.example", "ck_1", &TypeSample::of(catalogue::plain()));
        assert!(line.starts_with("curl https://callout.example/v1/events") && line.ends_with("}'"), "{line}");
    }
}
