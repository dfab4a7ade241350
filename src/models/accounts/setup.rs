//! The one-time link with which the first owner is made.
use diesel::prelude::*;
use time::{Duration, OffsetDateTime};

use super::password::PasswordHash;
use super::{CreateError, NewUser, User, create, token};
use crate::base::db::DbError;
use crate::base::schema::{setup_links, users};

/// How long a link works.
pub const LINK_LIFE: Duration = Duration::hours(24);

/// Why the first owner was not made.
#[derive(Debug)]
pub enum SetupError {
    /// The link was used, ran out, or never existed, or there is a user already.
    LinkUsedUp,
    Db(DbError),
}

impl From<diesel::result::Error> for SetupError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<DbError> for SetupError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// A new link's token while there is no user yet, else `None`. Valid for 24 hours, once; stored as its digest.
///
/// Earlier links that have not run out stay valid: several nodes may start at once, each printing its own.
pub fn issue(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Option<String>, DbError> {
    diesel::delete(setup_links::table.filter(setup_links::expires_at.le(now))).execute(conn)?;
    if anybody(conn)? {
        return Ok(None);
    }
    let text = token::random("", 40);
    diesel::insert_into(setup_links::table)
        .values((
            setup_links::token_hash.eq(token::digest(&text).to_vec()),
            setup_links::expires_at.eq(now + LINK_LIFE),
        ))
        .execute(conn)?;
    Ok(Some(text))
}

/// Whether anybody can sign in, i.e. setting up is over.
pub fn anybody(conn: &mut PgConnection) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::exists(users::table.select(users::id))).get_result(conn)?)
}

/// Whether a link would work now.
pub fn is_open(conn: &mut PgConnection, token: &str, now: OffsetDateTime) -> Result<bool, DbError> {
    let link = setup_links::table
        .filter(setup_links::token_hash.eq(token::digest(token).to_vec()))
        .filter(setup_links::expires_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(link)).get_result::<bool>(conn)? && !anybody(conn)?)
}

/// Makes the first owner and uses up the link, and all others, in the caller's transaction. Of two at once one wins.
///
/// # Errors
/// [`SetupError::LinkUsedUp`]
pub fn create_owner(
    conn: &mut PgConnection,
    token: &str,
    new: &NewUser,
    hash: &PasswordHash,
    now: OffsetDateTime,
) -> Result<User, SetupError> {
    // Rows are not enough to wait on: two may come with two different links.
    diesel::sql_query("lock table setup_links in share row exclusive mode").execute(conn)?;
    if !is_open(conn, token, now)? {
        return Err(SetupError::LinkUsedUp);
    }
    let owner = NewUser { is_owner: true, ..new.clone() };
    let user = create(conn, &owner, hash, now).map_err(|error| match error {
        CreateError::EmailTaken => SetupError::LinkUsedUp,
        CreateError::Db(error) => SetupError::Db(error),
    })?;
    diesel::delete(setup_links::table).execute(conn)?;
    Ok(user)
}
