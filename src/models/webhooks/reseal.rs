//! All sealed values anew, under another key.
use diesel::prelude::*;
use uuid::Uuid;

use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::{webhook_credentials, webhook_secrets};
use crate::base::seal::{SealError, SealKey};

/// How much was sealed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Now under the new key.
    pub resealed: usize,
    /// Were under the new key already.
    pub unchanged: usize,
}

/// Why nothing was sealed anew. The transaction is to be rolled back.
#[derive(Debug)]
pub enum ResealError {
    /// A webhook has a value that neither key opens.
    Closed(WebhookId, SealError),
    /// The database did not do it.
    Db(DbError),
}

impl From<diesel::result::Error> for ResealError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Seals every value that `old` opens with `new`, in every project; what `new` opens stays. Call it in a transaction.
pub fn reseal(conn: &mut PgConnection, old: &SealKey, new: &SealKey) -> Result<Resealed, ResealError> {
    let mut done = Resealed::default();
    let secrets: Vec<(ProjectId, WebhookId, Uuid, Vec<u8>)> = webhook_secrets::table
        .select((
            webhook_secrets::project_id,
            webhook_secrets::webhook_id,
            webhook_secrets::id,
            webhook_secrets::sealed,
        ))
        .for_update()
        .load(conn)?;
    for (project, webhook, id, sealed) in secrets {
        let Some((sealed, _)) = anew(webhook, id, &sealed, (old, new), &mut done)? else { continue };
        diesel::update(webhook_secrets::table.find((project, webhook, id)))
            .set(webhook_secrets::sealed.eq(sealed))
            .execute(conn)?;
    }
    let credentials: Vec<(ProjectId, WebhookId, Uuid, Vec<u8>)> = webhook_credentials::table
        .select((
            webhook_credentials::project_id,
            webhook_credentials::webhook_id,
            webhook_credentials::id,
            webhook_credentials::sealed,
        ))
        .for_update()
        .load(conn)?;
    for (project, webhook, id, sealed) in credentials {
        let Some((sealed, fingerprint)) = anew(webhook, id, &sealed, (old, new), &mut done)? else {
            continue;
        };
        diesel::update(webhook_credentials::table.find((project, webhook, id)))
            .set((webhook_credentials::sealed.eq(sealed), webhook_credentials::fingerprint.eq(fingerprint)))
            .execute(conn)?;
    }
    Ok(done)
}

/// The value under the new key, with its fingerprint; none if it is already.
fn anew(
    webhook: WebhookId,
    id: Uuid,
    sealed: &[u8],
    (old, new): (&SealKey, &SealKey),
    done: &mut Resealed,
) -> Result<Option<(Vec<u8>, String)>, ResealError> {
    if new.open(sealed, id.as_bytes()).is_ok() {
        done.unchanged += 1;
        return Ok(None);
    }
    let open = old.open(sealed, id.as_bytes()).map_err(|error| ResealError::Closed(webhook, error))?;
    done.resealed += 1;
    Ok(Some((new.seal(&open, id.as_bytes()), new.fingerprint(&open))))
}
