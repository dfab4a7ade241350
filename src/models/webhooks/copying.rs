//! Sealed values of one webhook for another: a copy has all that its model has, but for the signing secret.
use diesel::prelude::*;
use uuid::Uuid;

use super::Settings;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::webhook_credentials;
use crate::base::seal::SealKey;
use crate::rules::authentication::{Authentication, Hidden};

/// Why settings could not take over another webhook's values.
#[derive(Debug)]
pub enum CopyError {
    /// The value is no longer stored, or cannot be opened with the present key.
    Unreadable,
    /// The database did not do it.
    Db(DbError),
}

impl From<DbError> for CopyError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for CopyError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

#[derive(Queryable)]
struct Sealed {
    id: Uuid,
    kind: String,
    name: String,
    sealed: Vec<u8>,
}

/// `settings`, checked against those of `source`, with what they keep of its stored values as new values: to be created
/// as another webhook, whose rows they are sealed to.
///
/// # Errors
/// [`CopyError::Unreadable`] when one of them cannot be had: nothing is left out silently.
pub fn with_values_of(
    conn: &mut PgConnection,
    project: ProjectId,
    source: WebhookId,
    settings: Settings,
    key: &SealKey,
) -> Result<Settings, CopyError> {
    let rows: Vec<Sealed> = webhook_credentials::table
        .filter(webhook_credentials::project_id.eq(project))
        .filter(webhook_credentials::webhook_id.eq(source))
        .order(webhook_credentials::id)
        .select((
            webhook_credentials::id,
            webhook_credentials::kind,
            webhook_credentials::name,
            webhook_credentials::sealed,
        ))
        .load(conn)?;
    // The newest: of a rotation that is the one that stays.
    let opened = |value: Hidden, kind: &str, name: Option<&str>| {
        if value.as_new().is_some() {
            return Ok(value);
        }
        let is_it = |row: &&Sealed| row.kind == kind && name.is_none_or(|name| row.name == name);
        let row = rows.iter().rev().find(is_it).ok_or(CopyError::Unreadable)?;
        let open = key.open(&row.sealed, row.id.as_bytes()).map_err(|_| CopyError::Unreadable)?;
        let text = std::str::from_utf8(&open).map_err(|_| CopyError::Unreadable)?;
        Ok::<_, CopyError>(Hidden::new(text))
    };
    let authentication = match settings.authentication {
        Authentication::None => Authentication::None,
        Authentication::Bearer { token } => Authentication::Bearer { token: opened(token, "bearer", None)? },
        Authentication::Basic { username, password } => {
            Authentication::Basic { username, password: opened(password, "basic", None)? }
        }
        Authentication::ApiKey { header, value } => {
            Authentication::ApiKey { header, value: opened(value, "api_key", None)? }
        }
    };
    let mut headers = settings.headers;
    for header in &mut headers {
        header.value = opened(header.value.clone(), "header", Some(&header.name))?;
    }
    let certificate = settings.client_certificate.map(|value| opened(value, "client_certificate", None));
    Ok(Settings { authentication, headers, client_certificate: certificate.transpose()?, ..settings })
}
