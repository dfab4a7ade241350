//! Notes that people write on a delivery.
use std::collections::HashMap;
use std::fmt;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::history::find;
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, NoteId, ProjectId, UserId};
use crate::base::schema::delivery_notes;

/// Longest note, in characters.
pub const NOTE_CHARS_MAX: usize = 2_000;
/// Most notes of a delivery.
pub const NOTES_MAX: i64 = 100;
/// Notes that are looked at in one go when they are forgotten.
const FORGET_AT_ONCE: i64 = 500;

/// A note. When it was written is in its id.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = delivery_notes, check_for_backend(diesel::pg::Pg))]
pub struct Note {
    /// Which one.
    pub id: NoteId,
    /// Who wrote it; none for an API key, and for a person who is gone.
    pub user_id: Option<UserId>,
    /// Their name as it was then.
    pub author: String,
    /// As it was typed.
    pub text: String,
}

impl Note {
    /// When it was written.
    pub fn created_at(&self) -> OffsetDateTime {
        ids::time_of(self.id.0)
    }
}

/// Why a note was not added.
#[derive(Debug)]
pub enum NoteError {
    /// Empty, too long, or with characters that no text holds.
    Text,
    /// The delivery has [`NOTES_MAX`] already.
    TooMany,
    /// There is no such delivery.
    Gone,
    /// The database.
    Db(DbError),
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("A note has 1 to 2,000 characters."),
            Self::TooMany => write!(f, "This delivery has {NOTES_MAX} notes already. Delete one first."),
            Self::Gone => f.write_str("There is no such delivery."),
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl From<DbError> for NoteError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for NoteError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// The notes of a delivery, oldest first.
pub fn notes(
    conn: &mut PgConnection,
    project: ProjectId,
    delivery: DeliveryId,
) -> Result<Vec<Note>, DbError> {
    let of = delivery_notes::table
        .filter(delivery_notes::project_id.eq(project))
        .filter(delivery_notes::delivery_id.eq(delivery))
        .order(delivery_notes::id);
    Ok(of.limit(NOTES_MAX).select(Note::as_select()).load(conn)?)
}

/// How many notes some deliveries have; those without are not in it.
pub fn note_counts(
    conn: &mut PgConnection,
    project: ProjectId,
    deliveries: &[DeliveryId],
) -> Result<HashMap<DeliveryId, i64>, DbError> {
    let counts: Vec<(DeliveryId, i64)> = delivery_notes::table
        .filter(delivery_notes::project_id.eq(project))
        .filter(delivery_notes::delivery_id.eq_any(deliveries))
        .group_by(delivery_notes::delivery_id)
        .select((delivery_notes::delivery_id, count_star()))
        .load(conn)?;
    Ok(counts.into_iter().collect())
}

/// Writes a note; `by` is who, with their name.
///
/// # Errors
/// See [`NoteError`].
pub fn add_note(
    conn: &mut PgConnection,
    (project, delivery): (ProjectId, DeliveryId),
    by: (Option<UserId>, &str),
    text: &str,
    now: OffsetDateTime,
) -> Result<Note, NoteError> {
    if find(conn, project, delivery)?.is_none() {
        return Err(NoteError::Gone);
    }
    let text = text.replace("\r\n", "\n").trim().to_owned();
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.is_empty() || text.chars().count() > NOTE_CHARS_MAX || text.contains(is_odd) {
        return Err(NoteError::Text);
    }
    if note_counts(conn, project, &[delivery])?.get(&delivery).is_some_and(|count| *count >= NOTES_MAX) {
        return Err(NoteError::TooMany);
    }
    let note = Note { id: NoteId::new(now), user_id: by.0, author: by.1.to_owned(), text };
    diesel::insert_into(delivery_notes::table)
        .values((
            delivery_notes::project_id.eq(project),
            delivery_notes::delivery_id.eq(delivery),
            delivery_notes::id.eq(note.id),
            delivery_notes::user_id.eq(note.user_id),
            delivery_notes::author.eq(&note.author),
            delivery_notes::text.eq(&note.text),
        ))
        .execute(conn)?;
    Ok(note)
}

/// Deletes a note; with `own`, only one that this person wrote. Whether there was one.
pub fn delete_note(
    conn: &mut PgConnection,
    (project, delivery): (ProjectId, DeliveryId),
    note: NoteId,
    own: Option<UserId>,
) -> Result<bool, DbError> {
    let mut which = diesel::delete(delivery_notes::table)
        .filter(delivery_notes::project_id.eq(project))
        .filter(delivery_notes::delivery_id.eq(delivery))
        .filter(delivery_notes::id.eq(note))
        .into_boxed();
    if let Some(user) = own {
        which = which.filter(delivery_notes::user_id.eq(user));
    }
    Ok(which.execute(conn)? > 0)
}

/// Forgets the notes of deliveries that are no longer kept. Looks at those of deliveries that are older than `kept`, some
/// hundreds in a statement.
pub fn forget_notes(conn: &mut PgConnection, kept: Duration, now: OffsetDateTime) -> Result<(), DbError> {
    let bound = DeliveryId(ids::lower_bound(now - kept));
    let mut from = DeliveryId(Uuid::nil());
    loop {
        let looked_at: Vec<DeliveryId> = delivery_notes::table
            .filter(delivery_notes::delivery_id.gt(from))
            .filter(delivery_notes::delivery_id.lt(bound))
            .order(delivery_notes::delivery_id)
            .limit(FORGET_AT_ONCE)
            .select(delivery_notes::delivery_id)
            .load(conn)?;
        let Some(last) = looked_at.last().copied() else { return Ok(()) };
        diesel::sql_query(
            "delete from delivery_notes n where n.delivery_id = any($1) and not exists \
             (select 1 from deliveries d where d.project_id = n.project_id and d.id = n.delivery_id)",
        )
        .bind::<Array<SqlUuid>, _>(&looked_at)
        .execute(conn)?;
        from = last;
    }
}
