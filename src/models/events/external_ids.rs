//! The caller's own event ids, remembered for a week so that the same event posted again is not a new one.
use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};

use crate::base::db::DbError;
use crate::base::ids::{EventId, ProjectId};
use crate::base::schema::external_ids;
use crate::prepared;

/// How long a caller's id is remembered.
const REMEMBERED: Duration = Duration::days(7);

/// What was answered when the id was first seen.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Known {
    pub event: EventId,
    pub event_type: String,
    pub group: String,
    pub created_at: OffsetDateTime,
    pub deliveries: i16,
}

/// An id to remember with its event.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Remembered {
    pub project: ProjectId,
    pub external_id: String,
    pub known: Known,
}

prepared! {
    /// Remembers ids that are not remembered yet, or no longer; answers which.
    pub struct Remember -> (SqlUuid, Text) {
        expires: Timestamptz = OffsetDateTime,
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        external_ids: Array<Text> = Vec<String>,
        events: Array<SqlUuid> = Vec<EventId>,
        types: Array<Text> = Vec<String>,
        groups: Array<Text> = Vec<String>,
        created: Array<Timestamptz> = Vec<OffsetDateTime>,
        deliveries: Array<SmallInt> = Vec<i16>,
        now: Timestamptz = OffsetDateTime,
    }
    sql "insert into external_ids as old (project_id, external_id, event_id, event_type, group_id, created_at, \
         deliveries, expires_at) \
         select a, b, c, d, e, f, g, {}::timestamptz from unnest({}, {}, {}, {}, {}, {}, {}) t (a, b, c, d, e, f, g) \
         on conflict (project_id, external_id) do update set event_id = excluded.event_id, \
         event_type = excluded.event_type, group_id = excluded.group_id, created_at = excluded.created_at, \
         deliveries = excluded.deliveries, expires_at = excluded.expires_at where old.expires_at <= {} \
         returning project_id, external_id"
}

/// Remembers ids; answers those that are new. A parallel transaction with the same id is waited for.
///
/// Ids must be distinct. They are written in order, so that two such statements cannot wait for each other.
pub fn remember(
    conn: &mut PgConnection,
    mut ids: Vec<Remembered>,
    now: OffsetDateTime,
) -> Result<HashSet<(ProjectId, String)>, DbError> {
    ids.sort_by(|a, b| (a.project, &a.external_id).cmp(&(b.project, &b.external_id)));
    let rows: Vec<(ProjectId, String)> = Remember {
        expires: now + REMEMBERED,
        project_ids: ids.iter().map(|id| id.project).collect(),
        external_ids: ids.iter().map(|id| id.external_id.clone()).collect(),
        events: ids.iter().map(|id| id.known.event).collect(),
        types: ids.iter().map(|id| id.known.event_type.clone()).collect(),
        groups: ids.iter().map(|id| id.known.group.clone()).collect(),
        created: ids.iter().map(|id| id.known.created_at).collect(),
        deliveries: ids.iter().map(|id| id.known.deliveries).collect(),
        now,
    }
    .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// What was answered for ids that are remembered already.
pub fn known(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: &[String],
) -> Result<HashMap<String, Known>, DbError> {
    let rows: Vec<(String, EventId, String, String, OffsetDateTime, i16)> = external_ids::table
        .filter(external_ids::project_id.eq(project))
        .filter(external_ids::external_id.eq_any(ids))
        .select((
            external_ids::external_id,
            external_ids::event_id,
            external_ids::event_type,
            external_ids::group_id,
            external_ids::created_at,
            external_ids::deliveries,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, event, event_type, group, created_at, deliveries)| {
            (id, Known { event, event_type, group, created_at, deliveries })
        })
        .collect())
}

/// Forgets what is over a week old; at most `rows_max` a call, so that it never holds others up. Answers how many.
pub fn forget_expired(conn: &mut PgConnection, now: OffsetDateTime, rows_max: i64) -> Result<usize, DbError> {
    let statement = diesel::sql_query(
        "delete from external_ids where ctid = any(array( \
           select ctid from external_ids where expires_at <= $1 order by expires_at limit $2 for update skip locked))",
    );
    Ok(statement.bind::<Timestamptz, _>(now).bind::<BigInt, _>(rows_max).execute(conn)?)
}
