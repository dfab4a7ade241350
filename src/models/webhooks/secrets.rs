//! The signing secrets, sealed at rest.
use std::collections::HashMap;

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::snapshot::LiveSecret;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::webhook_secrets;
use crate::base::seal::SealKey;
use crate::rules::signing::Secret;

/// Keeps `secret`, sealed to its row, as the webhook's live one.
pub fn add_secret(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    secret: &Secret,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let id = WebhookId::new(now).0;
    diesel::insert_into(webhook_secrets::table)
        .values((
            webhook_secrets::project_id.eq(project),
            webhook_secrets::webhook_id.eq(webhook),
            webhook_secrets::id.eq(id),
            webhook_secrets::sealed.eq(key.seal(secret.as_text().as_bytes(), id.as_bytes())),
            webhook_secrets::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Those of a webhook that is deleted are not kept.
pub(super) fn forget(conn: &mut PgConnection, project: ProjectId, webhook: WebhookId) -> QueryResult<()> {
    let its = webhook_secrets::table
        .filter(webhook_secrets::project_id.eq(project))
        .filter(webhook_secrets::webhook_id.eq(webhook));
    diesel::delete(its).execute(conn)?;
    Ok(())
}

/// Whether this key opens what was sealed: true also while nothing is sealed.
pub fn key_fits(conn: &mut PgConnection, key: &SealKey) -> Result<bool, DbError> {
    let row: Option<(Uuid, Vec<u8>)> = webhook_secrets::table
        .order(webhook_secrets::created_at.desc())
        .select((webhook_secrets::id, webhook_secrets::sealed))
        .first(conn)
        .optional()?;
    Ok(row.is_none_or(|(id, sealed)| key.open(&sealed, id.as_bytes()).is_ok()))
}

/// What may be shown of a signing secret.
#[derive(Clone, Debug)]
pub struct SecretMark {
    /// [`Secret::fingerprint`]; none for one that this key does not open.
    pub fingerprint: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// It signs until then; none for the live one.
    pub expires_at: Option<OffsetDateTime>,
}

/// The secrets that sign at `now` for a webhook, newest first, without giving them away.
pub fn secret_marks(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Vec<SecretMark>, DbError> {
    let rows: Vec<(Uuid, Vec<u8>, OffsetDateTime, Option<OffsetDateTime>)> = webhook_secrets::table
        .filter(webhook_secrets::project_id.eq(project))
        .filter(webhook_secrets::webhook_id.eq(webhook))
        .filter(webhook_secrets::expires_at.is_null().or(webhook_secrets::expires_at.gt(now)))
        .order((
            webhook_secrets::expires_at.desc().nulls_first(),
            webhook_secrets::created_at.desc(),
            webhook_secrets::id.desc(),
        ))
        .select((
            webhook_secrets::id,
            webhook_secrets::sealed,
            webhook_secrets::created_at,
            webhook_secrets::expires_at,
        ))
        .load(conn)?;
    let mark = |(id, sealed, created_at, expires_at): (Uuid, Vec<u8>, _, _)| SecretMark {
        fingerprint: opened(key, id, &sealed).ok().map(|secret| secret.fingerprint()),
        created_at,
        expires_at,
    };
    Ok(rows.into_iter().map(mark).collect())
}

/// The secrets that sign at `now` for every webhook of a project, newest first.
pub(super) fn live(
    conn: &mut PgConnection,
    project: ProjectId,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<HashMap<WebhookId, Vec<LiveSecret>>, DbError> {
    let rows: Vec<(WebhookId, Uuid, Vec<u8>, Option<OffsetDateTime>)> = webhook_secrets::table
        .filter(webhook_secrets::project_id.eq(project))
        .filter(webhook_secrets::expires_at.is_null().or(webhook_secrets::expires_at.gt(now)))
        .order((
            webhook_secrets::expires_at.desc().nulls_first(),
            webhook_secrets::created_at.desc(),
            webhook_secrets::id.desc(),
        ))
        .select((
            webhook_secrets::webhook_id,
            webhook_secrets::id,
            webhook_secrets::sealed,
            webhook_secrets::expires_at,
        ))
        .load(conn)?;
    let mut found: HashMap<WebhookId, Vec<LiveSecret>> = HashMap::new();
    for (webhook, id, sealed, until) in rows {
        // One damaged row must not stop the others' deliveries: a webhook without a secret sends nothing and says so.
        match opened(key, id, &sealed) {
            Ok(secret) => found.entry(webhook).or_default().push(LiveSecret { secret, until }),
            Err(error) => tracing::error!(%webhook, %error, "a signing secret cannot be used"),
        }
    }
    Ok(found)
}

fn opened(key: &SealKey, id: Uuid, sealed: &[u8]) -> Result<Secret, String> {
    let open = key.open(sealed, id.as_bytes()).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&open).map_err(|error| error.to_string())?;
    Secret::parse(text).map_err(|error| error.to_string())
}
