//! Switching a webhook on and off, together with what waits for it.
//!
//! Of very many a part follows at once and the rest soon, see [`super::follow`].
use diesel::PgConnection;
use time::OffsetDateTime;

use super::follow::{self, PIECE};
use super::pace;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
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
    follow::begin(conn, project, id, None, PIECE, now)?;
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
    follow::begin(conn, project, id, Some(held), PIECE, now)?;
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
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    let before = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?;
    let webhook = webhooks::update(conn, project, id, settings, key, now)?;
    if before.settings.active != settings.active || before.settings.target_url != settings.target_url {
        pace::reset(conn, project, id)?;
    }
    if before.settings.active != settings.active {
        let held = settings.active.then_some(HeldChoice::Send);
        follow::begin(conn, project, id, held, PIECE, now)?;
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
    follow::begin(conn, project, id, None, PIECE, now)?;
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
    follow::begin(conn, project, id, None, PIECE, now)?;
    Ok(())
}

/// The master switch, on: what was held for webhooks that are active becomes due. Wake the dispatcher afterwards.
pub fn enable_webhooks(
    conn: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    projects::enable_webhooks(conn, project)?;
    let mut left = PIECE;
    for webhook in webhooks::list(conn, project)?.iter().filter(|webhook| webhook.settings.active) {
        left -= follow::begin(conn, project, webhook.id, None, left, now)?;
    }
    Ok(())
}
