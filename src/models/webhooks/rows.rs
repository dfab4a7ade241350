//! The table of webhooks.
use std::collections::HashMap;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use time::OffsetDateTime;

use super::columns::{Columns, Row};
use super::naming::named;
use super::{Settings, WEBHOOKS_MAX, WhenPaused, credentials, rates, switch};
use crate::base::db::{DbError, violates};
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::base::schema::webhooks;
use crate::base::seal::SealKey;
use crate::models::projects;

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

    /// One that is in no table: to try settings that are not saved.
    pub fn unsaved(project: ProjectId, id: WebhookId, now: OffsetDateTime) -> Self {
        Self {
            project,
            id,
            settings: Settings::default(),
            disabled: None,
            off_since: None,
            in_maintenance: false,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }
}

/// What the history calls a webhook that was tested before it was saved.
const DRAFT_NAME: &str = "Not saved yet";

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
    /// It stands for what was tested before it was saved; counts as deleted too.
    pub is_draft: bool,
}

/// Names and addresses of all webhooks that a project has or had.
pub fn names(conn: &mut PgConnection, project: ProjectId) -> Result<HashMap<WebhookId, Named>, DbError> {
    let rows: Vec<(WebhookId, String, String, Option<OffsetDateTime>, bool)> = webhooks::table
        .filter(webhooks::project_id.eq(project))
        .select((
            webhooks::id,
            webhooks::name,
            webhooks::target_url,
            webhooks::deleted_at,
            webhooks::is_draft,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, name, target_url, deleted, is_draft)| {
            (id, Named { name, target_url, is_deleted: deleted.is_some(), is_draft })
        })
        .collect())
}

/// What tests of webhooks that are not saved stand under in the history: one row a project, in no list.
pub fn draft(conn: &mut PgConnection, project: ProjectId, now: OffsetDateTime) -> Result<WebhookId, DbError> {
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::project_id.eq(project),
            webhooks::id.eq(WebhookId::new(now)),
            webhooks::name.eq(DRAFT_NAME),
            webhooks::target_url.eq(""),
            webhooks::active.eq(false),
            webhooks::created_at.eq(now),
            webhooks::updated_at.eq(now),
            webhooks::deleted_at.eq(now),
            webhooks::is_draft.eq(true),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let own = webhooks::table.filter(webhooks::project_id.eq(project)).filter(webhooks::is_draft);
    Ok(own.select(webhooks::id).first(conn)?)
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
