//! A webhook's row as settings, and the way back.
use diesel::prelude::*;
use time::OffsetDateTime;

use super::{Disabled, Maintenance, Settings, Webhook};
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::base::schema::webhooks;
use crate::rules::filter::Filter;
use crate::rules::preset::Preset;

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    project_id: ProjectId,
    id: WebhookId,
    name: String,
    description: String,
    target_url: String,
    active: bool,
    pub(super) disabled_kind: Option<String>,
    disabled_detail: Option<String>,
    disabled_at: Option<OffsetDateTime>,
    all_events: bool,
    events: Vec<String>,
    body: String,
    version: String,
    timeout_ms: i32,
    retries: String,
    success: String,
    when_used_up: String,
    rate_per_s: Option<i32>,
    filter: Option<String>,
    preset: Option<String>,
    extra_signature: String,
    when_paused: String,
    hold_from: Option<OffsetDateTime>,
    hold_until: Option<OffsetDateTime>,
    off_since: Option<OffsetDateTime>,
    disabled_delivery: Option<DeliveryId>,
    disabled_status: Option<i16>,
    in_maintenance: bool,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    deleted_at: Option<OffsetDateTime>,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = webhooks, treat_none_as_null = true)]
pub(super) struct Columns<'a> {
    name: &'a str,
    description: &'a str,
    target_url: &'a str,
    active: bool,
    all_events: bool,
    events: &'a [String],
    body: String,
    version: &'a str,
    timeout_ms: i32,
    retries: String,
    success: String,
    when_used_up: String,
    rate_per_s: Option<i32>,
    filter: Option<String>,
    preset: Option<&'static str>,
    extra_signature: &'static str,
    when_paused: &'static str,
    hold_from: Option<OffsetDateTime>,
    hold_until: Option<OffsetDateTime>,
    updated_at: OffsetDateTime,
}

impl<'a> Columns<'a> {
    pub(super) fn of(settings: &'a Settings, now: OffsetDateTime) -> Self {
        Self {
            name: &settings.name,
            description: &settings.description,
            target_url: &settings.target_url,
            active: settings.active,
            all_events: settings.all_events,
            events: &settings.events,
            body: word(&settings.body),
            version: &settings.version,
            timeout_ms: settings.timeout_ms,
            retries: serde_json::to_string(&settings.retries).unwrap_or_default(),
            success: word(&settings.success),
            when_used_up: word(&settings.when_used_up),
            rate_per_s: settings.rate_per_s,
            filter: settings.filter.as_ref().and_then(|filter| serde_json::to_string(filter).ok()),
            preset: settings.preset.map(Preset::as_str),
            extra_signature: settings.extra_signature.as_str(),
            when_paused: settings.when_paused.as_str(),
            hold_from: settings.maintenance.map(|window| window.from),
            hold_until: settings.maintenance.map(|window| window.until),
            updated_at: now,
        }
    }
}

/// The word that an enum is written as.
fn word<T: serde::Serialize>(choice: &T) -> String {
    serde_json::to_value(choice).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn from_word<T: serde::de::DeserializeOwned>(word: &str, otherwise: T) -> T {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).unwrap_or(otherwise)
}

impl From<Row> for Webhook {
    fn from(row: Row) -> Self {
        // The table's checks allow no other words; a default is for a database that a newer version wrote.
        let like = Settings::default();
        let disabled = match (row.disabled_kind, row.disabled_at) {
            (Some(kind), Some(at)) => {
                let detail = row.disabled_detail.unwrap_or_default();
                let (delivery, status) = (row.disabled_delivery, row.disabled_status);
                Some(Disabled { kind, detail, at, delivery, status })
            }
            _ => None,
        };
        Self {
            project: row.project_id,
            id: row.id,
            settings: Settings {
                name: row.name,
                description: row.description,
                target_url: row.target_url,
                active: row.active,
                all_events: row.all_events,
                events: row.events,
                body: from_word(&row.body, like.body),
                version: row.version,
                timeout_ms: row.timeout_ms,
                retries: serde_json::from_str(&row.retries).unwrap_or(like.retries),
                success: from_word(&row.success, like.success),
                when_used_up: from_word(&row.when_used_up, like.when_used_up),
                rate_per_s: row.rate_per_s,
                filter: row.filter.as_deref().map(|json| filter(row.id, json)),
                preset: row.preset.as_deref().and_then(Preset::parse),
                extra_signature: from_word(&row.extra_signature, like.extra_signature),
                when_paused: from_word(&row.when_paused, like.when_paused),
                maintenance: row
                    .hold_from
                    .zip(row.hold_until)
                    .map(|(from, until)| Maintenance { from, until }),
                ..like
            },
            disabled,
            off_since: row.off_since,
            in_maintenance: row.in_maintenance,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        }
    }
}

/// A stored filter. One that cannot be read, as a newer version may have written it, takes nothing: what was to be kept
/// from a receiver is not sent there.
fn filter(id: WebhookId, json: &str) -> Filter {
    serde_json::from_str(json).unwrap_or_else(|error| {
        tracing::error!(webhook = %id, %error, "a stored filter cannot be read: nothing passes it");
        Filter::nothing()
    })
}
