//! Switching a webhook on and off, together with what waits for it.
//!
//! Of very many a part follows at once and the rest soon, see [`super::follow`].
use diesel::{Connection as _, PgConnection};
use time::OffsetDateTime;

use super::follow::{self, PIECE};
use super::{missed, pace};
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::models::webhooks::{self, LastStraw, Settings, Turn, UpdateError, Webhook, WhenPaused};
use crate::models::{notices, projects};

/// What to do with the deliveries that were kept back while a webhook was off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldChoice {
    /// They go out now.
    Send,
    /// They are cancelled and stay in the history.
    Cancel,
}

/// Switches a webhook off with a choice of what becomes of the events that come meanwhile; what waits for it is held.
pub fn pause_webhook_with(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    choice: WhenPaused,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    webhooks::set_when_paused(conn, project, id, choice)?;
    pause_webhook(conn, project, id, now)
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

/// Switches a webhook on, at full speed. What was held becomes due, or is cancelled, and with it what an earlier
/// [`resume_and_send_missed`] has not come to yet. Wake the dispatcher afterwards.
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
    if held == HeldChoice::Cancel {
        missed::end(conn, project, id)?;
    }
    pace::reset(conn, project, id)?;
    follow::begin(conn, project, id, Some(held), PIECE, now)?;
    Ok(webhook)
}

/// Switches a webhook on as [`resume_webhook`] does, and sends it the events that it missed: those that came since then,
/// or since it is off, while it was paused or disabled, subscribed and kept nothing. A piece at a time, see
/// [`missed`].
pub fn resume_and_send_missed(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    held: HeldChoice,
    since: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    // The project's row is the lock: nobody switches it between this look and ours.
    projects::bump_settings_version(conn, project)?;
    let before = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?;
    let webhook = resume_webhook(conn, project, id, held, now)?;
    if let Some(since) = since.or(before.off_since) {
        missed::begin(conn, project, id, since, now)?;
    }
    Ok(webhook)
}

/// Saves settings. If that switches the webhook on, what was held becomes due; if off, what waits is held.
///
/// As in [`resume_webhook`], nothing becomes due while the master switch is off. One that is switched, or leads elsewhere
/// now, is slowed no more. One that is off for a maintenance window that is taken away or put off is on again, and
/// switching it on ends a window that has begun.
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
    let settings = &at_this_time(settings, &before, now);
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

/// The settings as a maintenance window that has begun leaves them.
fn at_this_time(settings: &Settings, before: &Webhook, now: OffsetDateTime) -> Settings {
    let mut settings = settings.clone();
    let has_begun = settings.maintenance.is_some_and(|window| window.from <= now);
    if before.in_maintenance && !has_begun {
        settings.active = true;
    }
    if settings.active
        && !before.settings.active
        && settings.maintenance == before.settings.maintenance
        && has_begun
    {
        settings.maintenance = None;
    }
    settings
}

/// Begins and ends maintenance windows, whose time has come, of all projects: what waits for a webhook is held
/// meanwhile, and sent at the end. Any node may, as often as it likes. Answers how many; wake the dispatcher afterwards.
pub fn keep_windows(conn: &mut PgConnection, now: OffsetDateTime) -> Result<usize, DbError> {
    let mut turned = 0;
    for (project, id) in webhooks::turning(conn, now)? {
        let turn = conn.transaction(|conn| -> Result<_, UpdateError> {
            let turn = webhooks::turn(conn, project, id, now)?;
            if let Some(Turn::Begun | Turn::Ended) = turn {
                pace::reset(conn, project, id)?;
                let held = (turn == Some(Turn::Ended)).then_some(HeldChoice::Send);
                follow::begin(conn, project, id, held, PIECE, now)?;
            }
            Ok(turn)
        });
        match turn {
            Ok(turn) => turned += usize::from(turn.is_some()),
            // Deleted meanwhile; its name was not touched.
            Err(UpdateError::Gone | UpdateError::NameTaken) => {}
            Err(UpdateError::Db(error)) => return Err(error),
        }
    }
    Ok(turned)
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
    straw: LastStraw<'_>,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    if webhooks::disable(conn, project, id, straw, now)? {
        notices::tell_disabled(conn, project, id, straw, now)?;
    }
    pace::reset(conn, project, id)?;
    follow::begin(conn, project, id, None, PIECE, now)?;
    Ok(())
}

/// The master switch, on: what was held for webhooks that are active becomes due, or is cancelled. Wake the dispatcher
/// afterwards.
pub fn enable_webhooks(
    conn: &mut PgConnection,
    project: ProjectId,
    held: HeldChoice,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    projects::enable_webhooks(conn, project)?;
    // To send is no new choice: what somebody chose to cancel of one webhook goes on being cancelled.
    let held = Some(held).filter(|held| *held == HeldChoice::Cancel);
    let mut left = PIECE;
    for webhook in webhooks::list(conn, project)?.iter().filter(|webhook| webhook.settings.active) {
        left -= follow::begin(conn, project, webhook.id, held, left, now)?;
    }
    Ok(())
}
