//! Going through the events of a project in the order in which they came.
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::history::unpacked;
use crate::base::db::{DbError, by_key};
use crate::base::ids::{EventId, ProjectId};
use crate::rules::filter::Filter;

/// Events in a step, if nobody asks for their data.
const STEP: i64 = 1_000;
/// The same with their data, each of which may have 256 KiB.
const STEP_WITH_DATA: i64 = 200;

/// Which events are meant. Tests never are.
#[derive(Clone, Debug, Default)]
pub struct Meant<'a> {
    /// None for all types.
    pub types: Option<&'a [String]>,
    /// Conditions on their data.
    pub filter: Option<&'a Filter>,
}

/// An event that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Which.
    pub id: EventId,
    /// Whether its data are kept. Of those that are not nobody knows what a filter makes of them: all are meant.
    pub is_kept: bool,
}

/// What a step came upon.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Oldest first.
    pub meant: Vec<Walked>,
    /// All that were looked at.
    pub looked_at: usize,
    /// The last that was looked at: the next step begins behind it. None at the end.
    pub last: Option<EventId>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: EventId,
    #[diesel(sql_type = Bool)]
    is_meant: bool,
    #[diesel(sql_type = Bool)]
    is_kept: bool,
    #[diesel(sql_type = Nullable<Binary>)]
    data: Option<Vec<u8>>,
}

/// A step over the events with ids behind `after` and below `until`, however many of them are meant.
pub fn walk(
    conn: &mut PgConnection,
    project: ProjectId,
    (after, until): (Uuid, Uuid),
    meant: &Meant<'_>,
) -> Result<Step, DbError> {
    let limit = if meant.filter.is_some() { STEP_WITH_DATA } else { STEP };
    let rows: Vec<Row> = by_key(conn, |conn| {
        Ok(diesel::sql_query(
            "select e.id, e.is_meant, e.is_kept, case when e.is_meant and $6 then e.data end as data from \
             (select id, data, octet_length(data) > 0 as is_kept, \
              not test and ($4 is null or event_type = any($4)) as is_meant \
              from events where project_id = $1 and id > $2 and id < $3 order by id limit $5) e order by e.id",
        )
        .bind::<SqlUuid, _>(project)
        .bind::<SqlUuid, _>(after)
        .bind::<SqlUuid, _>(until)
        .bind::<Nullable<Array<Text>>, _>(meant.types)
        .bind::<BigInt, _>(limit)
        .bind::<Bool, _>(meant.filter.is_some())
        .load(conn)?)
    })?;
    let mut step = Step { looked_at: rows.len(), ..Step::default() };
    step.last = rows.last().map(|row| row.id).filter(|_| rows.len() as i64 == limit);
    for row in rows.into_iter().filter(|row| row.is_meant) {
        let takes = |filter: &Filter| filter.matches(&unpacked(row.id, row.data.clone().unwrap_or_default()));
        if !row.is_kept || meant.filter.is_none_or(takes) {
            step.meant.push(Walked { id: row.id, is_kept: row.is_kept });
        }
    }
    Ok(step)
}
