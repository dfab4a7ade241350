//! Saved views: filters of a list that a person keeps under a name, for one project; and which of the views that
//! everybody has they do not want to see.
use std::fmt;

use diesel::prelude::*;
use time::OffsetDateTime;

use crate::base::db::{DbError, violates};
use crate::base::ids::{ProjectId, UserId, ViewId};
use crate::base::schema::{hidden_views, saved_views};
use crate::rules::name::has_unseen;

/// Longest name of a view, in characters.
pub const NAME_CHARS_MAX: usize = 60;
/// Most views that a person keeps of one list of a project.
pub const VIEWS_MAX: i64 = 50;
/// Longest query, in bytes: more than an address of a list holds.
const QUERY_BYTES_MAX: usize = 8_000;

/// Which list a view is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Deliveries.
    History,
    /// Events.
    Events,
}

impl List {
    /// As stored, as in forms, and the last part of its path.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::History => "history",
            Self::Events => "events",
        }
    }

    /// Reads the word; the history for anything else.
    pub fn of_word(word: &str) -> Self {
        if word == "events" { Self::Events } else { Self::History }
    }
}

/// Whose views, and of which list.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Whose {
    pub project: ProjectId,
    pub user: UserId,
    pub list: List,
}

/// Filters under a name.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct SavedView {
    /// Which one; as a link names it.
    pub id: ViewId,
    /// As it was typed.
    pub name: String,
    /// As in the list's address. Names in it may have lost their meaning since.
    pub query: String,
}

/// All that a person has set about views of a list.
#[derive(Clone, Debug, Default)]
pub struct Views {
    /// Their own, by name.
    pub own: Vec<SavedView>,
    /// Words of the views that everybody has and they do not want to see.
    pub hidden: Vec<String>,
}

/// Why a view was not saved.
#[derive(Debug)]
pub enum SaveError {
    /// Empty, too long, or with characters that nobody sees.
    Name,
    /// Another view of theirs has this name, in whatever capitals.
    Taken,
    /// They have [`VIEWS_MAX`] already.
    TooMany,
    /// The filters are longer than any address.
    TooLong,
    /// There is no such view of theirs.
    Gone,
    /// The database.
    Db(DbError),
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => write!(f, "Enter a name of at most {NAME_CHARS_MAX} characters that can be seen."),
            Self::Taken => f.write_str("You have a view of this name already. Choose another name."),
            Self::TooMany => write!(f, "You have {VIEWS_MAX} views already. Delete one first."),
            Self::TooLong => f.write_str("These are too many filters for a view. Remove some."),
            Self::Gone => f.write_str("There is no such view of yours any more."),
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl From<DbError> for SaveError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for SaveError {
    fn from(error: diesel::result::Error) -> Self {
        if violates(&error, "saved_views_name_key") { Self::Taken } else { Self::Db(error.into()) }
    }
}

/// A person's views of a list.
pub fn views(conn: &mut PgConnection, whose: Whose) -> Result<Views, DbError> {
    let mut own: Vec<SavedView> = saved_views::table
        .filter(saved_views::project_id.eq(whose.project))
        .filter(saved_views::user_id.eq(whose.user))
        .filter(saved_views::list.eq(whose.list.as_str()))
        .select((saved_views::id, saved_views::name, saved_views::query))
        .load(conn)?;
    own.sort_by_cached_key(|view| view.name.to_lowercase());
    let hidden = hidden_views::table
        .filter(hidden_views::project_id.eq(whose.project))
        .filter(hidden_views::user_id.eq(whose.user))
        .filter(hidden_views::list.eq(whose.list.as_str()))
        .select(hidden_views::word)
        .load(conn)?;
    Ok(Views { own, hidden })
}

/// Keeps filters under a name.
///
/// # Errors
/// See [`SaveError`].
pub fn create(
    conn: &mut PgConnection,
    whose: Whose,
    name: &str,
    query: &str,
    now: OffsetDateTime,
) -> Result<ViewId, SaveError> {
    let (name, id) = (checked(name)?, ViewId::new(now));
    check_length(query)?;
    let there: i64 = saved_views::table
        .filter(saved_views::project_id.eq(whose.project))
        .filter(saved_views::user_id.eq(whose.user))
        .filter(saved_views::list.eq(whose.list.as_str()))
        .count()
        .get_result(conn)?;
    if there >= VIEWS_MAX {
        return Err(SaveError::TooMany);
    }
    diesel::insert_into(saved_views::table)
        .values((
            saved_views::project_id.eq(whose.project),
            saved_views::user_id.eq(whose.user),
            saved_views::id.eq(id),
            saved_views::list.eq(whose.list.as_str()),
            saved_views::name.eq(name),
            saved_views::query.eq(query),
        ))
        .execute(conn)?;
    Ok(id)
}

/// Gives a view another name.
///
/// # Errors
/// See [`SaveError`].
pub fn rename(conn: &mut PgConnection, whose: Whose, id: ViewId, name: &str) -> Result<(), SaveError> {
    let name = checked(name)?;
    let changed = diesel::update(
        saved_views::table
            .find((whose.project, whose.user, id))
            .filter(saved_views::list.eq(whose.list.as_str())),
    )
    .set(saved_views::name.eq(name))
    .execute(conn)?;
    if changed == 0 { Err(SaveError::Gone) } else { Ok(()) }
}

/// Gives a view other filters; tells its name.
///
/// # Errors
/// See [`SaveError`].
pub fn replace(conn: &mut PgConnection, whose: Whose, id: ViewId, query: &str) -> Result<String, SaveError> {
    check_length(query)?;
    let name = diesel::update(
        saved_views::table
            .find((whose.project, whose.user, id))
            .filter(saved_views::list.eq(whose.list.as_str())),
    )
    .set(saved_views::query.eq(query))
    .returning(saved_views::name)
    .get_result(conn)
    .optional()?;
    name.ok_or(SaveError::Gone)
}

/// Deletes a view; tells what it was, if there was one.
pub fn delete(conn: &mut PgConnection, whose: Whose, id: ViewId) -> Result<Option<SavedView>, DbError> {
    let gone = diesel::delete(
        saved_views::table
            .find((whose.project, whose.user, id))
            .filter(saved_views::list.eq(whose.list.as_str())),
    )
    .returning((saved_views::id, saved_views::name, saved_views::query))
    .get_result(conn)
    .optional()?;
    Ok(gone)
}

/// Hides a view that everybody has, or shows it again.
pub fn set_hidden(conn: &mut PgConnection, whose: Whose, word: &str, hidden: bool) -> Result<(), DbError> {
    if hidden {
        diesel::insert_into(hidden_views::table)
            .values((
                hidden_views::project_id.eq(whose.project),
                hidden_views::user_id.eq(whose.user),
                hidden_views::list.eq(whose.list.as_str()),
                hidden_views::word.eq(word),
            ))
            .on_conflict_do_nothing()
            .execute(conn)?;
    } else {
        let key = (whose.project, whose.user, whose.list.as_str(), word);
        diesel::delete(hidden_views::table.find(key)).execute(conn)?;
    }
    Ok(())
}

fn checked(name: &str) -> Result<&str, SaveError> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && !has_unseen(name);
    if fits { Ok(name) } else { Err(SaveError::Name) }
}

fn check_length(query: &str) -> Result<(), SaveError> {
    if query.len() <= QUERY_BYTES_MAX { Ok(()) } else { Err(SaveError::TooLong) }
}
