//! The table of webhooks.
use std::collections::HashMap;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use time::OffsetDateTime;

use super::naming::named;
use super::{Maintenance, Settings, WEBHOOKS_MAX, WhenPaused, credentials, rates, switch};
use crate::base::db::{DbError, violates};
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::base::schema::webhooks;
use crate::base::seal::SealKey;
use crate::models::projects;
use crate::rules::preset::Preset;

/// When and why a webhook was disabled.
#[derive(Clone, Debug)]
pub struct Disabled {
    /// `gone` or `retries_used_up`.
    pub kind: String,
    /// The last answer, in words.
    pub detail: String,
    /// When.
    pub at: OffsetDateTime,
    /// The delivery that was the last straw, as far as known.
    pub delivery: Option<DeliveryId>,
    /// The status of its last answer; none if there was none.
    pub status: Option<i16>,
}

/// A webhook as it stands in the table.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Webhook {
    pub project: ProjectId,
    pub id: WebhookId,
    pub settings: Settings,
    pub disabled: Option<Disabled>,
    /// Since when nothing is sent to it; none while it is on.
    pub off_since: Option<OffsetDateTime>,
    /// Its maintenance window has begun and switched it off.
    pub in_maintenance: bool,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
    pub deleted_at: Option<OffsetDateTime>,
}

impl Webhook {
    /// Whether an event that comes makes a delivery that is held: it is off, by a person or for a maintenance window,
    /// and keeps what comes.
    pub fn holds_what_comes(&self) -> bool {
        let keeps = self.in_maintenance || self.settings.when_paused == WhenPaused::Hold;
        !self.settings.active && self.disabled.is_none() && keeps
    }
}

/// Why a webhook was not created.
#[derive(Debug)]
pub enum CreateError {
    /// Another webhook of the project has this name.
    NameTaken,
    /// The project has [`WEBHOOKS_MAX`] webhooks.
    TooMany,
    /// The database did not do it.
    Db(DbError),
}

/// Why a webhook was not changed.
#[derive(Debug)]
pub enum UpdateError {
    /// Another webhook of the project has this name.
    NameTaken,
    /// There is no such webhook in the project.
    Gone,
    /// The database did not do it.
    Db(DbError),
}

impl From<DbError> for CreateError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<DieselError> for CreateError {
    fn from(error: DieselError) -> Self {
        if violates(&error, "webhooks_name_key") { Self::NameTaken } else { Self::Db(error.into()) }
    }
}

impl From<DbError> for UpdateError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<DieselError> for UpdateError {
    fn from(error: DieselError) -> Self {
        if violates(&error, "webhooks_name_key") { Self::NameTaken } else { Self::Db(error.into()) }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    project_id: ProjectId,
    id: WebhookId,
    name: String,
    description: String,
    target_url: String,
    active: bool,
    disabled_kind: Option<String>,
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
struct Columns<'a> {
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
    preset: Option<&'static str>,
    extra_signature: &'static str,
    when_paused: &'static str,
    hold_from: Option<OffsetDateTime>,
    hold_until: Option<OffsetDateTime>,
    updated_at: OffsetDateTime,
}

/// All webhooks of a project that exist, oldest first.
pub fn list(conn: &mut PgConnection, project: ProjectId) -> Result<Vec<Webhook>, DbError> {
    let rows = webhooks::table
        .filter(webhooks::project_id.eq(project))
        .filter(webhooks::deleted_at.is_null())
        .order(webhooks::id)
        .select(Row::as_select())
        .load(conn)?;
    with_marks(conn, project, rows)
}

/// A webhook with what may be read of its sealed values.
pub(super) fn with_mark(conn: &mut PgConnection, project: ProjectId, row: Row) -> Result<Webhook, DbError> {
    let mut webhook = Webhook::from(row);
    credentials::fill(conn, project, std::slice::from_mut(&mut webhook))?;
    Ok(webhook)
}

/// Webhooks with what may be read of their sealed values.
fn with_marks(conn: &mut PgConnection, project: ProjectId, rows: Vec<Row>) -> Result<Vec<Webhook>, DbError> {
    let mut webhooks: Vec<Webhook> = rows.into_iter().map(Webhook::from).collect();
    credentials::fill(conn, project, &mut webhooks)?;
    Ok(webhooks)
}

/// A webhook that exists.
pub fn find(conn: &mut PgConnection, project: ProjectId, id: WebhookId) -> Result<Option<Webhook>, DbError> {
    Ok(find_with_deleted(conn, project, id)?.filter(|webhook| webhook.deleted_at.is_none()))
}

/// A webhook, also one that was deleted: history names it still.
pub fn find_with_deleted(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
) -> Result<Option<Webhook>, DbError> {
    let row = webhooks::table.find((project, id)).select(Row::as_select()).load(conn)?;
    Ok(with_marks(conn, project, row)?.pop())
}

/// What history shows of a webhook, deleted or not.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Named {
    pub name: String,
    pub target_url: String,
    pub is_deleted: bool,
}

/// Names and addresses of all webhooks that a project has or had.
pub fn names(conn: &mut PgConnection, project: ProjectId) -> Result<HashMap<WebhookId, Named>, DbError> {
    let rows: Vec<(WebhookId, String, String, Option<OffsetDateTime>)> = webhooks::table
        .filter(webhooks::project_id.eq(project))
        .select((webhooks::id, webhooks::name, webhooks::target_url, webhooks::deleted_at))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, name, target_url, deleted)| {
            (id, Named { name, target_url, is_deleted: deleted.is_some() })
        })
        .collect())
}

/// Adds a webhook; where events go changes with it.
pub fn create(
    conn: &mut PgConnection,
    project: ProjectId,
    settings: &Settings,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Webhook, CreateError> {
    // First: the project's row is the lock that makes the count exact.
    projects::bump_settings_version(conn, project)?;
    let existing: i64 = webhooks::table
        .filter(webhooks::project_id.eq(project))
        .filter(webhooks::deleted_at.is_null())
        .count()
        .get_result(conn)?;
    if existing >= WEBHOOKS_MAX {
        return Err(CreateError::TooMany);
    }
    let id = WebhookId::new(now);
    let settings = &*named(conn, project, None, settings)?;
    let row = diesel::insert_into(webhooks::table)
        .values((
            webhooks::project_id.eq(project),
            webhooks::id.eq(id),
            webhooks::created_at.eq(now),
            webhooks::off_since.eq((!settings.active).then_some(now)),
            Columns::of(settings, now),
        ))
        .returning(Row::as_returning())
        .get_result(conn)?;
    rates::keep(conn, project, id, settings.rate_per_s, now)?;
    credentials::keep(conn, project, id, settings, key, now)?;
    Ok(with_mark(conn, project, row)?)
}

/// Replaces the settings. Switching on clears the reason why it had been disabled.
pub fn update(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    settings: &Settings,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    projects::bump_settings_version(conn, project)?;
    let settings = &*named(conn, project, Some(id), settings)?;
    switch::foresee(conn, project, id, settings, now)?;
    let place = existing(project, id);
    let row = diesel::update(place)
        .set(Columns::of(settings, now))
        .returning(Row::as_returning())
        .get_result::<Row>(conn)
        .optional()?
        .ok_or(UpdateError::Gone)?;
    rates::keep(conn, project, id, settings.rate_per_s, now)?;
    credentials::keep(conn, project, id, settings, key, now)?;
    if settings.active && row.disabled_kind.is_some() {
        return switch::set_active(conn, project, id, true, now);
    }
    Ok(with_mark(conn, project, row)?)
}

#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn existing(project: ProjectId, id: WebhookId) -> _ {
    let by_key: diesel::dsl::Find<webhooks::table, (ProjectId, WebhookId)> =
        webhooks::table.find((project, id));
    by_key.filter(webhooks::deleted_at.is_null())
}

impl<'a> Columns<'a> {
    fn of(settings: &'a Settings, now: OffsetDateTime) -> Self {
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
                Some(Disabled {
                    kind,
                    detail,
                    at,
                    delivery: row.disabled_delivery,
                    status: row.disabled_status,
                })
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
