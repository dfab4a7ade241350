//! Webhooks that are switched on and off: by hand, because of what their receivers did, or for a maintenance window.
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::columns::Row;
use super::rows::{Webhook, existing, with_mark};
use super::{Settings, UpdateError, WhenPaused, credentials, rates, secrets};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::base::schema::webhooks;
use crate::models::projects;
use crate::rules::retry::DisableKind;

/// What a webhook is disabled for.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct LastStraw<'a> {
    pub kind: DisableKind,
    /// The last answer, in words.
    pub detail: &'a str,
    /// The delivery that failed.
    pub delivery: Option<DeliveryId>,
    /// The status of its last answer; none if there was none.
    pub status: Option<i16>,
}

/// Keeps since when it is off, and that it is so for its window no longer if these settings say otherwise. Before the
/// settings themselves.
pub(super) fn foresee(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    settings: &Settings,
    now: OffsetDateTime,
) -> QueryResult<()> {
    diesel::sql_query(
        "update webhooks set off_since = case when $3 then null else coalesce(off_since, $4) end, \
         in_maintenance = in_maintenance and $5 where project_id = $1 and id = $2 and deleted_at is null",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(id)
    .bind::<Bool, _>(settings.active)
    .bind::<Timestamptz, _>(now)
    .bind::<Bool, _>(!settings.active && settings.maintenance.is_some())
    .execute(conn)?;
    Ok(())
}

/// Switches a webhook on or off by hand. One that is switched on is not "disabled" by us any more; one that is disabled
/// stays so, with its reason, if it is switched off once more. Switching it on ends a maintenance window that has begun.
pub fn set_active(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    active: bool,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    projects::bump_settings_version(conn, project)?;
    let before: Webhook = one(conn, project, id)?;
    if !active && before.disabled.is_some() {
        return Ok(before);
    }
    let window = before.settings.maintenance.filter(|window| !active || window.from > now);
    let row = diesel::update(existing(project, id))
        .set((
            webhooks::active.eq(active),
            webhooks::off_since.eq((!active).then_some(before.off_since.unwrap_or(now))),
            webhooks::in_maintenance.eq(false),
            webhooks::hold_from.eq(window.map(|window| window.from)),
            webhooks::hold_until.eq(window.map(|window| window.until)),
            webhooks::disabled_kind.eq(None::<String>),
            webhooks::disabled_detail.eq(None::<String>),
            webhooks::disabled_at.eq(None::<OffsetDateTime>),
            webhooks::disabled_delivery.eq(None::<DeliveryId>),
            webhooks::disabled_status.eq(None::<i16>),
            webhooks::updated_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result::<Row>(conn)?;
    Ok(with_mark(conn, project, row)?)
}

/// Keeps what becomes of the events that come while a webhook is off.
pub fn set_when_paused(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    choice: WhenPaused,
) -> Result<(), DbError> {
    projects::bump_settings_version(conn, project)?;
    diesel::update(existing(project, id)).set(webhooks::when_paused.eq(choice.as_str())).execute(conn)?;
    Ok(())
}

/// Switches a webhook off because of what its receiver did; false if that had happened already. One that is paused, or
/// off for its maintenance window, is disabled all the same: what it answered is the last word, and no window wakes it.
pub fn disable(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    straw: LastStraw<'_>,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    projects::bump_settings_version(conn, project)?;
    let off_since: Option<Option<OffsetDateTime>> =
        existing(project, id).select(webhooks::off_since).first(conn).optional()?;
    let off_since = off_since.flatten().unwrap_or(now);
    let changed = diesel::update(existing(project, id).filter(webhooks::disabled_kind.is_null()))
        .set((
            webhooks::active.eq(false),
            webhooks::off_since.eq(off_since),
            webhooks::in_maintenance.eq(false),
            webhooks::disabled_kind.eq(straw.kind.as_str()),
            webhooks::disabled_detail.eq(straw.detail),
            webhooks::disabled_at.eq(now),
            webhooks::disabled_delivery.eq(straw.delivery),
            webhooks::disabled_status.eq(straw.status),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Takes a webhook out of every list, and its secrets out of the database; false if there was none. What is due for it is
/// the queue's matter.
pub fn mark_deleted(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    projects::bump_settings_version(conn, project)?;
    let changed = diesel::update(existing(project, id))
        .set((webhooks::active.eq(false), webhooks::deleted_at.eq(now)))
        .execute(conn)?;
    rates::forget(conn, project, id)?;
    secrets::forget(conn, project, id)?;
    credentials::forget(conn, project, id)?;
    Ok(changed == 1)
}

/// What the time asks for of a webhook with a maintenance window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was on and is off from now on, and holds what comes.
    Begun,
    /// It was off for its window and is on again.
    Ended,
    /// Its window is over, and was nothing to it: it had been off already, or nobody was there to begin it.
    Over,
}

/// The webhooks whose maintenance windows begin or end by now, of all projects. Cheap: few have any.
pub fn turning(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Vec<(ProjectId, WebhookId)>, DbError> {
    let begins = webhooks::active.and(webhooks::hold_from.le(now));
    let found = webhooks::table
        .filter(webhooks::hold_until.is_not_null())
        .filter(webhooks::hold_from.le(now))
        .filter(webhooks::deleted_at.is_null())
        .filter(begins.or(webhooks::hold_until.le(now)))
        .select((webhooks::project_id, webhooks::id))
        .load(conn)?;
    Ok(found)
}

/// Does what the time asks for of one that was found to turn; none if somebody else has done it.
pub fn turn(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    now: OffsetDateTime,
) -> Result<Option<Turn>, UpdateError> {
    // First of all: the project's row is the lock under which the webhook is looked at.
    projects::bump_settings_version(conn, project)?;
    let webhook = one(conn, project, id)?;
    let Some(window) = webhook.settings.maintenance else { return Ok(None) };
    if window.until <= now && webhook.in_maintenance {
        set_active(conn, project, id, true, now)?;
        return Ok(Some(Turn::Ended));
    }
    if window.until <= now {
        let nothing =
            (webhooks::hold_from.eq(None::<OffsetDateTime>), webhooks::hold_until.eq(None::<OffsetDateTime>));
        diesel::update(existing(project, id)).set(nothing).execute(conn)?;
        return Ok(Some(Turn::Over));
    }
    if window.from > now || !webhook.settings.active {
        return Ok(None);
    }
    diesel::update(existing(project, id))
        .set((webhooks::active.eq(false), webhooks::in_maintenance.eq(true), webhooks::off_since.eq(now)))
        .execute(conn)?;
    Ok(Some(Turn::Begun))
}

fn one(conn: &mut PgConnection, project: ProjectId, id: WebhookId) -> Result<Webhook, UpdateError> {
    let row = existing(project, id).select(Row::as_select()).first::<Row>(conn).optional()?;
    Ok(with_mark(conn, project, row.ok_or(UpdateError::Gone)?)?)
}
