//! Switching a webhook on and off, together with what waits for it.
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::SmallInt;
use time::OffsetDateTime;

use super::{Status, pace};
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::deliveries;
use crate::models::projects;
use crate::models::webhooks::{self, Settings, UpdateError, Webhook};
use crate::rules::retry::DisableKind;

/// What to do with the deliveries that were kept back while a webhook was off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldChoice {
    /// They go out now.
    Send,
    /// They are cancelled and stay in the history.
    Cancel,
}

/// Switches a webhook off; what waits for it is held.
pub fn pause_webhook(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    let webhook = webhooks::set_active(conn, project, id, false, now)?;
    pace::reset(conn, project, id)?;
    hold_waiting(conn, project, id)?;
    Ok(webhook)
}

/// Switches a webhook on, at full speed. What was held becomes due, or is cancelled. Wake the dispatcher afterwards.
///
/// While the master switch is off, what is to be sent stays held until that is on.
pub fn resume_webhook(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    held: HeldChoice,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    let webhook = webhooks::set_active(conn, project, id, true, now)?;
    pace::reset(conn, project, id)?;
    release(conn, project, id, held, now)?;
    Ok(webhook)
}

/// Saves settings. If that switches the webhook on, what was held becomes due; if off, what waits is held.
///
/// As in [`resume_webhook`], nothing becomes due while the master switch is off. One that is switched, or leads elsewhere
/// now, is slowed no more.
/// Wake the dispatcher afterwards.
pub fn save_webhook(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    let before = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?;
    let webhook = webhooks::update(conn, project, id, settings, now)?;
    if before.settings.active != settings.active || before.settings.target_url != settings.target_url {
        pace::reset(conn, project, id)?;
    }
    match (before.settings.active, settings.active) {
        (false, true) => release(conn, project, id, HeldChoice::Send, now)?,
        (true, false) => hold_waiting(conn, project, id)?,
        _ => {}
    }
    Ok(webhook)
}

/// Deletes a webhook; what waits for it is cancelled. False if there was none.
pub fn delete_webhook(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    if !webhooks::mark_deleted(conn, project, id, now)? {
        return Ok(false);
    }
    pace::reset(conn, project, id)?;
    let waiting = [Status::Due.number(), Status::Retrying.number(), Status::Held.number()];
    diesel::update(of_webhook(project, id).filter(deliveries::status.eq_any(waiting)))
        .set((
            deliveries::status.eq(Status::Cancelled.number()),
            deliveries::due_at.eq(None::<OffsetDateTime>),
            deliveries::ended_at.eq(now),
        ))
        .execute(conn)?;
    Ok(true)
}

/// Switches a webhook off because of what its receiver did; what waits for it is held.
pub fn disable_webhook(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    kind: DisableKind,
    detail: &str,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    webhooks::disable(conn, project, id, kind, detail, now)?;
    pace::reset(conn, project, id)?;
    hold_waiting(conn, project, id)
}

/// The master switch, on: what was held for webhooks that are active becomes due. Wake the dispatcher afterwards.
pub fn enable_webhooks(
    conn: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    projects::enable_webhooks(conn, project)?;
    for webhook in webhooks::list(conn, project)?.iter().filter(|webhook| webhook.settings.active) {
        release_held(conn, project, webhook.id, HeldChoice::Send, now)?;
    }
    Ok(())
}

/// Makes due what is held although nothing holds it (any more): it was on its way from a sender's memory, or into the
/// table, while the switch was turned. Cheap when there is nothing; to be called now and then. Answers how many.
pub fn release_stranded(conn: &mut PgConnection, now: OffsetDateTime) -> Result<usize, DbError> {
    // What a deleted webhook left is cancelled when it is claimed.
    let released = diesel::sql_query(
        "update deliveries d set status = 0, due_at = $1 from projects p, webhooks w \
         where d.status = 5 and d.project_id = p.id and w.project_id = p.id and w.id = d.webhook_id \
         and ((w.active and p.webhooks_enabled) or w.deleted_at is not null)",
    )
    .bind::<diesel::sql_types::Timestamptz, _>(now)
    .execute(conn)?;
    Ok(released)
}

fn hold_waiting(conn: &mut PgConnection, project: ProjectId, id: WebhookId) -> Result<(), DbError> {
    let waiting = [Status::Due.number(), Status::Retrying.number()];
    diesel::update(of_webhook(project, id).filter(deliveries::status.eq_any(waiting)))
        .set((deliveries::status.eq(Status::Held.number()), deliveries::due_at.eq(None::<OffsetDateTime>)))
        .execute(conn)?;
    Ok(())
}

/// What of a webhook that is on now may go. Its project's row is locked, so nobody turns the master switch meanwhile.
fn release(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    choice: HeldChoice,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    if choice == HeldChoice::Send && !projects::sends(conn, project)? {
        return Ok(());
    }
    release_held(conn, project, id, choice, now)
}

fn release_held(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    choice: HeldChoice,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let held = of_webhook(project, id).filter(deliveries::status.eq(Status::Held.number()));
    match choice {
        HeldChoice::Send => diesel::update(held)
            // `due` waits for its first attempt, `retrying` had one.
            .set((
                deliveries::status.eq(sql::<SmallInt>("case when attempt_count > 0 then 3 else 0 end")),
                deliveries::due_at.eq(now),
            ))
            .execute(conn)?,
        HeldChoice::Cancel => diesel::update(held)
            .set((deliveries::status.eq(Status::Cancelled.number()), deliveries::ended_at.eq(now)))
            .execute(conn)?,
    };
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_webhook(project: ProjectId, id: WebhookId) -> _ {
    deliveries::table.filter(deliveries::project_id.eq(project)).filter(deliveries::webhook_id.eq(id))
}
