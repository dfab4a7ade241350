//! Sessions: who is signed in, from where the browser's cookie points. Only the SHA-256 of its key is stored.
use diesel::prelude::*;
use time::{Duration, OffsetDateTime};

use crate::base::db::DbError;
use crate::base::ids::UserId;
use crate::base::schema::sessions;

/// A session ends after so long without a request.
pub const IDLE_MAX: Duration = Duration::days(14);
/// Its end is moved on in steps of this, so that most requests write nothing.
const SLIDE_STEP: Duration = Duration::hours(1);

/// The state of a live session, as it was stored; its end moves on to [`IDLE_MAX`] from now.
pub fn load(
    conn: &mut PgConnection,
    key_hash: [u8; 32],
    now: OffsetDateTime,
) -> Result<Option<String>, DbError> {
    let live = sessions::table.find(key_hash.to_vec()).filter(sessions::expires_at.gt(now));
    let found: Option<(String, OffsetDateTime)> =
        live.select((sessions::state, sessions::expires_at)).first(conn).optional()?;
    let Some((state, expires_at)) = found else { return Ok(None) };
    if expires_at < now + IDLE_MAX - SLIDE_STEP {
        diesel::update(sessions::table.find(key_hash.to_vec()))
            .set(sessions::expires_at.eq(now + IDLE_MAX))
            .execute(conn)?;
    }
    Ok(Some(state))
}

/// Whether a session is live. Its end stays where it is.
pub fn is_live(conn: &mut PgConnection, key_hash: [u8; 32], now: OffsetDateTime) -> Result<bool, DbError> {
    let live = sessions::table.find(key_hash.to_vec()).filter(sessions::expires_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(live)).get_result(conn)?)
}

/// Starts a session.
pub fn start(
    conn: &mut PgConnection,
    key_hash: [u8; 32],
    user: Option<UserId>,
    state: &str,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let row = (
        sessions::key_hash.eq(key_hash.to_vec()),
        sessions::user_id.eq(user),
        sessions::state.eq(state),
        sessions::created_at.eq(now),
        sessions::expires_at.eq(now + IDLE_MAX),
    );
    diesel::insert_into(sessions::table).values(row).execute(conn)?;
    Ok(())
}

/// Changes a session's state. One that was ended meanwhile stays ended.
pub fn change(
    conn: &mut PgConnection,
    key_hash: [u8; 32],
    user: Option<UserId>,
    state: &str,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::update(sessions::table.find(key_hash.to_vec()))
        .set((sessions::user_id.eq(user), sessions::state.eq(state), sessions::expires_at.eq(now + IDLE_MAX)))
        .execute(conn)?;
    Ok(())
}

/// Ends one session.
pub fn end(conn: &mut PgConnection, key_hash: [u8; 32]) -> Result<(), DbError> {
    diesel::delete(sessions::table.find(key_hash.to_vec())).execute(conn)?;
    Ok(())
}

/// Ends all sessions of a person, on every device.
pub fn end_all(conn: &mut PgConnection, user: UserId) -> Result<(), DbError> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn)?;
    Ok(())
}

/// How many sessions of a person are live.
pub fn count(conn: &mut PgConnection, user: UserId, now: OffsetDateTime) -> Result<i64, DbError> {
    let live = sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::expires_at.gt(now));
    Ok(live.count().get_result(conn)?)
}

/// Deletes sessions that ran out; answers how many.
pub fn forget_expired(conn: &mut PgConnection, now: OffsetDateTime) -> Result<usize, DbError> {
    Ok(diesel::delete(sessions::table.filter(sessions::expires_at.le(now))).execute(conn)?)
}
