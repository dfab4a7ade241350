//! New secrets for old ones: both sign until the old one's time is over, and until then there is a way back.
//!
//! What can only be said once in a request, the older signature and a generated key, is the old one's until then: the
//! receiver changes over when it is ready, at the latest when the time is over.
use diesel::prelude::*;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::credentials;
use super::secrets::add_secret;
use super::settings::Settings;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::webhook_secrets;
use crate::base::seal::SealKey;
use crate::models::projects;
use crate::rules::preset::Preset;
use crate::rules::signing::Secret;

/// Hours that an old secret may go on beside the new one: up to a week.
pub const OVERLAP_HOURS: std::ops::RangeInclusive<i64> = 0..=168;
/// Hours where nothing is said.
pub const OVERLAP_HOURS_DEFAULT: i64 = 24;
/// Secrets of a webhook that sign at the same time.
pub const LIVE_MAX: i64 = 4;

/// Why a secret was not changed.
#[derive(Debug)]
pub enum RotateError {
    /// There is no such webhook in the project.
    Gone,
    /// [`LIVE_MAX`] secrets sign already: one has to be ended first.
    TooMany,
    /// There is no older secret whose time is not over.
    NoPrevious,
    /// The database did not do it.
    Db(DbError),
}

impl From<DbError> for RotateError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for RotateError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// What a rotation made: to be told this once.
#[derive(Debug)]
pub struct Rotated {
    /// Signs from now on.
    pub secret: Secret,
    /// The older one signs until then.
    pub previous_valid_until: OffsetDateTime,
    /// A new key for a webhook that has one of ours; requests carry it from `previous_valid_until` on.
    pub key: Option<String>,
}

/// Whether the key that a webhook's requests carry is changed with the secret, if it is one that we made.
pub fn has_own_key(settings: &Settings) -> bool {
    settings.preset == Some(Preset::Loyalty) && settings.authentication.kind() == "api_key"
}

/// Gives a webhook a new secret; the present one goes on for `overlap`, and older ones no longer than that.
pub fn rotate(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    overlap: Duration,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Rotated, RotateError> {
    let settings = existing(conn, project, webhook)?;
    let live = live(conn, project, webhook, now)?;
    if i64::try_from(live.len()).unwrap_or(i64::MAX) >= LIVE_MAX && overlap > Duration::ZERO {
        return Err(RotateError::TooMany);
    }
    let until = now + overlap;
    let outlives = webhook_secrets::expires_at.is_null().or(webhook_secrets::expires_at.gt(until));
    diesel::update(of_webhook(project, webhook).filter(outlives))
        .set(webhook_secrets::expires_at.eq(until))
        .execute(conn)?;
    let secret = Secret::generate();
    add_secret(conn, project, webhook, &secret, key, now)?;
    let key = match has_own_key(&settings) {
        true => credentials::replace_key(conn, project, webhook, until, key, now)?,
        false => None,
    };
    Ok(Rotated { secret, previous_valid_until: until, key })
}

/// Takes the newest secret back: the one before it is for good again, and the newest signs no more. So with a key.
pub fn roll_back(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    now: OffsetDateTime,
) -> Result<(), RotateError> {
    existing(conn, project, webhook)?;
    let live = live(conn, project, webhook, now)?;
    let [(newest, None), (previous, Some(_)), ..] = live.as_slice() else {
        return Err(RotateError::NoPrevious);
    };
    diesel::delete(webhook_secrets::table.find((project, webhook, *newest))).execute(conn)?;
    diesel::update(webhook_secrets::table.find((project, webhook, *previous)))
        .set(webhook_secrets::expires_at.eq(None::<OffsetDateTime>))
        .execute(conn)?;
    credentials::restore_key(conn, project, webhook, now)?;
    Ok(())
}

/// Ends every older secret now: only the newest signs from here on. So with a key.
pub fn end_previous(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    now: OffsetDateTime,
) -> Result<(), RotateError> {
    existing(conn, project, webhook)?;
    let ended = diesel::update(of_webhook(project, webhook).filter(webhook_secrets::expires_at.gt(now)))
        .set(webhook_secrets::expires_at.eq(now))
        .execute(conn)?;
    if ended == 0 {
        return Err(RotateError::NoPrevious);
    }
    credentials::end_key(conn, project, webhook)?;
    Ok(())
}

/// The webhook's settings; the project's row is the lock that makes what follows one change after the other.
fn existing(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
) -> Result<Settings, RotateError> {
    projects::bump_settings_version(conn, project)?;
    Ok(super::find(conn, project, webhook)?.ok_or(RotateError::Gone)?.settings)
}

/// Secrets that sign at `now`, the newest first, each with its end.
fn live(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    now: OffsetDateTime,
) -> Result<Vec<(Uuid, Option<OffsetDateTime>)>, DbError> {
    Ok(of_webhook(project, webhook)
        .filter(webhook_secrets::expires_at.is_null().or(webhook_secrets::expires_at.gt(now)))
        .order((
            webhook_secrets::expires_at.desc().nulls_first(),
            webhook_secrets::created_at.desc(),
            webhook_secrets::id.desc(),
        ))
        .select((webhook_secrets::id, webhook_secrets::expires_at))
        .load(conn)?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_webhook(project: ProjectId, webhook: WebhookId) -> _ {
    webhook_secrets::table
        .filter(webhook_secrets::project_id.eq(project))
        .filter(webhook_secrets::webhook_id.eq(webhook))
}
