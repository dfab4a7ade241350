//! Failures that are alike: which webhook, in which way, at which host; and what people know of them.
use std::fmt;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::range::Range;
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, FailureGroupId, ProjectId, WebhookId};
use crate::base::schema::failure_groups;
use crate::models::deliveries::FailureKind;

/// Characters of a note.
pub const NOTE_MAX: usize = 500;
/// Groups that are listed: those with the most failures.
const LISTED_MAX: i64 = 100;

/// Attempts that failed alike.
#[derive(Clone, Debug)]
pub struct Group {
    /// Always the same for what fails alike.
    pub id: FailureGroupId,
    /// Whose.
    pub webhook: WebhookId,
    /// How.
    pub kind: FailureKind,
    /// What was answered, if anything.
    pub response_status: Option<u16>,
    /// The host that was called, with its port where that is not the usual one.
    pub host: String,
    /// The first of all, not of a range.
    pub first_seen_at: OffsetDateTime,
    /// The newest of all.
    pub last_seen_at: OffsetDateTime,
    /// Whose attempt that was.
    pub last_delivery: DeliveryId,
    /// Attempts in the range.
    pub attempts: i64,
    /// Deliveries that were given up with one of them.
    pub failed: i64,
    /// That somebody knows of it.
    pub known: Option<Known>,
}

/// What somebody knows of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Known {
    pub at: OffsetDateTime,
    /// A person's name, or an API key's.
    pub by: String,
    pub note: String,
}

/// Why a group is known, in a person's words: not empty, at most [`NOTE_MAX`] characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(String);

/// Why a group was not marked.
#[derive(Debug)]
pub enum KnownError {
    /// There is no such group.
    Gone,
    /// The database did not do it.
    Db(DbError),
}

impl Note {
    /// Reads it, without space around it; else says what is wrong.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.chars().count() {
            0 => {
                Err("Say in a few words what is known, e.g. “receiver's maintenance, ticket 123”.".to_owned())
            }
            1..=NOTE_MAX if text.contains('\0') => Err("A note has no character U+0000.".to_owned()),
            1..=NOTE_MAX => Ok(Self(text.to_owned())),
            _ => Err(format!("A note has at most {NOTE_MAX} characters.")),
        }
    }
}

impl fmt::Display for KnownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("There is no such failure group."),
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl From<DbError> for KnownError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: FailureGroupId,
    #[diesel(sql_type = SqlUuid)]
    webhook_id: WebhookId,
    #[diesel(sql_type = SmallInt)]
    failure_kind: i16,
    #[diesel(sql_type = Nullable<SmallInt>)]
    response_status: Option<i16>,
    #[diesel(sql_type = Text)]
    host: String,
    #[diesel(sql_type = Timestamptz)]
    first_seen_at: OffsetDateTime,
    #[diesel(sql_type = Timestamptz)]
    last_seen_at: OffsetDateTime,
    #[diesel(sql_type = SqlUuid)]
    last_delivery_id: DeliveryId,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    known_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Text>)]
    known_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
}

/// What failed alike within a range: those that nobody knows of first, then by how often. At most a hundred of each.
pub fn groups(
    conn: &mut PgConnection,
    project: ProjectId,
    range: Range,
    now: OffsetDateTime,
) -> Result<Vec<Group>, DbError> {
    let rows: Vec<Row> = diesel::sql_query(
        "select * from (select g.*, c.attempts, c.failed, \
           row_number() over (partition by g.known_at is null order by c.attempts desc, g.id) as place \
           from (select group_id, sum(attempts)::bigint as attempts, sum(failed)::bigint as failed \
             from failure_counts where project_id = $1 and grain = $2 and at >= $3 and at < $4 group by group_id) c \
           join failure_groups g on g.project_id = $1 and g.id = c.group_id) s \
         where place <= $5 order by known_at is not null, place",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<Integer, _>(range.grain().seconds())
    .bind::<Timestamptz, _>(range.begin(now))
    .bind::<Timestamptz, _>(range.end(now))
    .bind::<BigInt, _>(LISTED_MAX)
    .load(conn)?;
    Ok(rows.into_iter().map(Group::from).collect())
}

/// Whether there is such a group.
pub fn exists(conn: &mut PgConnection, project: ProjectId, id: FailureGroupId) -> Result<bool, DbError> {
    let found = diesel::dsl::exists(failure_groups::table.find((project, id)));
    Ok(diesel::select(found).get_result(conn)?)
}

/// Marks a group as known; a new note takes the place of the one before.
pub fn mark_known(
    conn: &mut PgConnection,
    project: ProjectId,
    id: FailureGroupId,
    note: &Note,
    (by, now): (&str, OffsetDateTime),
) -> Result<(), KnownError> {
    let known = (
        failure_groups::known_at.eq(now),
        failure_groups::known_by.eq(by),
        failure_groups::note.eq(note.0.as_str()),
    );
    let marked = diesel::update(failure_groups::table.find((project, id))).set(known).execute(conn);
    one(marked)
}

/// Takes the mark away.
pub fn unmark_known(
    conn: &mut PgConnection,
    project: ProjectId,
    id: FailureGroupId,
) -> Result<(), KnownError> {
    let unknown = (
        failure_groups::known_at.eq(None::<OffsetDateTime>),
        failure_groups::known_by.eq(None::<String>),
        failure_groups::note.eq(None::<String>),
    );
    one(diesel::update(failure_groups::table.find((project, id))).set(unknown).execute(conn))
}

fn one(changed: QueryResult<usize>) -> Result<(), KnownError> {
    match changed.map_err(DbError::from)? {
        0 => Err(KnownError::Gone),
        _ => Ok(()),
    }
}

impl From<Row> for Group {
    fn from(row: Row) -> Self {
        let known = row.known_at.map(|at| Known {
            at,
            by: row.known_by.unwrap_or_default(),
            note: row.note.unwrap_or_default(),
        });
        Self {
            id: row.id,
            webhook: row.webhook_id,
            kind: FailureKind::of_number(row.failure_kind).unwrap_or(FailureKind::Body),
            response_status: row.response_status.and_then(|status| u16::try_from(status).ok()),
            host: row.host,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
            last_delivery: row.last_delivery_id,
            attempts: row.attempts,
            failed: row.failed,
            known,
        }
    }
}
