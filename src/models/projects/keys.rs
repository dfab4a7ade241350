//! API keys: what programs show instead of signing in. The token is shown once; its SHA-256 is stored.
use std::fmt;
use std::str::FromStr;

use diesel::prelude::*;
use diesel::sql_types;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::db::{DbError, violates};
use crate::base::ids::{KeyId, ProjectId};
use crate::base::schema::api_keys;
use crate::models::accounts::token;
use crate::rules::name::has_unseen;

/// Longest name of a key, in characters.
pub const NAME_CHARS_MAX: usize = 80;
/// Random characters of a token: 238 bits.
const TOKEN_CHARS: usize = 40;

/// A part of the API that a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Post and read events; read the catalogue.
    Events,
    /// Read and change webhooks and the project.
    Webhooks,
    /// Read deliveries, resend.
    Deliveries,
    /// Opens no call yet; may be given on the command line.
    Contacts,
}

impl Scope {
    /// Every scope, in the order of forms and pages.
    pub const ALL: [Self; 4] = [Self::Events, Self::Webhooks, Self::Deliveries, Self::Contacts];

    /// Those that open something, which is what people are offered.
    pub const OFFERED: [Self; 3] = [Self::Events, Self::Webhooks, Self::Deliveries];

    /// As stored and as typed on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Webhooks => "webhooks",
            Self::Deliveries => "deliveries",
            Self::Contacts => "contacts",
        }
    }

    /// What it opens, for the form.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Events => "Post and read events, read the catalogue",
            Self::Webhooks => "Read and change webhooks and the project",
            Self::Deliveries => "Read deliveries and send them again",
            Self::Contacts => "Nothing yet",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAScope;

impl fmt::Display for NotAScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scope is `events`, `webhooks`, `deliveries` or `contacts`")
    }
}

impl std::error::Error for NotAScope {}

impl FromStr for Scope {
    type Err = NotAScope;
    fn from_str(text: &str) -> Result<Self, NotAScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(NotAScope)
    }
}

/// A key, without its token, which nobody knows but its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub project: ProjectId,
    pub id: KeyId,
    pub name: String,
    /// Names the calling program, for systems that send an id beside the token.
    pub app_id: Uuid,
    /// The token's last four characters, to tell keys apart.
    pub token_hint: String,
    pub scopes: Vec<Scope>,
    pub created_at: OffsetDateTime,
    pub revoked_at: Option<OffsetDateTime>,
    /// Accurate to about a minute; it is written in batches.
    pub last_used_at: Option<OffsetDateTime>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct Row {
    project_id: ProjectId,
    id: KeyId,
    name: String,
    app_id: Uuid,
    token_hint: String,
    scopes: Vec<String>,
    created_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
}

impl From<Row> for Key {
    fn from(row: Row) -> Self {
        Self {
            project: row.project_id,
            id: row.id,
            name: row.name,
            app_id: row.app_id,
            token_hint: row.token_hint,
            // A scope that this version does not know opens nothing.
            scopes: row.scopes.iter().filter_map(|scope| scope.parse().ok()).collect(),
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// Why a key was not created.
#[derive(Debug)]
pub enum CreateError {
    /// The name is empty, longer than 80 characters, or has control characters.
    Name,
    /// A key without scopes opens nothing.
    NoScopes,
    /// The project is gone.
    Gone,
    Db(DbError),
}

impl From<diesel::result::Error> for CreateError {
    fn from(error: diesel::result::Error) -> Self {
        if violates(&error, "api_keys_project_fkey") { Self::Gone } else { Self::Db(error.into()) }
    }
}

impl From<DbError> for CreateError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Whether a text may be a key's name, once trimmed.
pub fn is_name(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().count() <= NAME_CHARS_MAX && !has_unseen(text)
}

/// Creates a key. The token, `ck_` and 40 letters and digits, is in this answer and nowhere else.
///
/// # Errors
/// [`CreateError::Name`], [`CreateError::NoScopes`], [`CreateError::Gone`]
pub fn create(
    conn: &mut PgConnection,
    project: ProjectId,
    name: &str,
    scopes: &[Scope],
    now: OffsetDateTime,
) -> Result<(Key, String), CreateError> {
    if !is_name(name) {
        return Err(CreateError::Name);
    }
    if scopes.is_empty() {
        return Err(CreateError::NoScopes);
    }
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    let text = token::random("ck_", TOKEN_CHARS);
    let row: Row = diesel::insert_into(api_keys::table)
        .values((
            api_keys::project_id.eq(project),
            api_keys::id.eq(KeyId::new(now)),
            api_keys::name.eq(name.trim()),
            api_keys::app_id.eq(KeyId::new(now).0),
            api_keys::token_hash.eq(token::digest(&text).to_vec()),
            api_keys::token_hint.eq(&text[text.len() - 4..]),
            api_keys::scopes.eq(scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>()),
            api_keys::created_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(conn)?;
    Ok((row.into(), text))
}

/// All keys of a project, revoked ones too: live ones first, newest first.
pub fn list(conn: &mut PgConnection, project: ProjectId) -> Result<Vec<Key>, DbError> {
    let rows: Vec<Row> = api_keys::table
        .filter(api_keys::project_id.eq(project))
        .order((api_keys::revoked_at.is_not_null(), api_keys::id.desc()))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Key::from).collect())
}

/// Ends a key for good. Answers whether it was live until now; a key that is revoked already stays so.
pub fn revoke(
    conn: &mut PgConnection,
    project: ProjectId,
    id: KeyId,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    let live = api_keys::table.find((project, id)).filter(api_keys::revoked_at.is_null());
    Ok(diesel::update(live).set(api_keys::revoked_at.eq(now)).execute(conn)? == 1)
}

/// The live key whose token has this digest ([`token::digest`]).
pub fn find(conn: &mut PgConnection, token_hash: [u8; 32]) -> Result<Option<Key>, DbError> {
    let live = api_keys::table
        .filter(api_keys::token_hash.eq(token_hash.to_vec()))
        .filter(api_keys::revoked_at.is_null());
    let row: Option<Row> = live.select(Row::as_select()).first(conn).optional()?;
    Ok(row.map(Key::from))
}

/// Remembers that these keys were used at `now`. For batches: nobody needs it to the second.
pub fn touch(
    conn: &mut PgConnection,
    used: &[(ProjectId, KeyId)],
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let (projects, ids): (Vec<Uuid>, Vec<Uuid>) = used.iter().map(|(project, id)| (project.0, id.0)).unzip();
    diesel::sql_query(
        "update api_keys set last_used_at = greatest(last_used_at, $1) \
         from unnest($2, $3) as used (project_id, id) \
         where api_keys.project_id = used.project_id and api_keys.id = used.id",
    )
    .bind::<sql_types::Timestamptz, _>(now)
    .bind::<sql_types::Array<sql_types::Uuid>, _>(projects)
    .bind::<sql_types::Array<sql_types::Uuid>, _>(ids)
    .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_they_were_printed() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert_eq!("Events".parse::<Scope>(), Err(NotAScope));
    }
}
