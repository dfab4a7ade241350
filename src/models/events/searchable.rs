//! What of events can be searched, a stretch of ids at a time.
use diesel::prelude::*;
use uuid::Uuid;

use super::history::{Summary, SummaryRow, unpacked};
use crate::base::db::DbError;
use crate::base::ids::{EventId, ProjectId};
use crate::base::schema::events;

/// An event with what it can be found by.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Searchable {
    pub id: EventId,
    pub external_id: Option<String>,
    pub entity_id: Option<String>,
    /// None if it is named after the event itself.
    pub group: Option<String>,
    /// JSON; nothing once it was emptied.
    pub data: Vec<u8>,
}

type Row = (EventId, Option<String>, Option<String>, Option<String>, Vec<u8>);

/// Events from the one id on and below the other, the oldest or the newest of them first.
pub fn searchable(
    conn: &mut PgConnection,
    project: ProjectId,
    (from, below): (Uuid, Uuid),
    newest_first: bool,
    limit: i64,
) -> Result<Vec<Searchable>, DbError> {
    let mut query = events::table
        .filter(events::project_id.eq(project))
        .filter(events::id.ge(EventId(from)))
        .filter(events::id.lt(EventId(below)))
        .limit(limit)
        .select((events::id, events::external_id, events::entity_id, events::group_id, events::data))
        .into_boxed();
    query = if newest_first { query.order(events::id.desc()) } else { query.order(events::id) };
    let read = |(id, external_id, entity_id, group, data): Row| Searchable {
        id,
        external_id,
        entity_id,
        group,
        data: unpacked(id, data),
    };
    Ok(query.load::<Row>(conn)?.into_iter().map(read).collect())
}

/// The ids of the first so many events from the one id on and below the other, oldest first.
pub fn first_ids(
    conn: &mut PgConnection,
    project: ProjectId,
    (from, below): (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<EventId>, DbError> {
    let within = events::table
        .filter(events::project_id.eq(project))
        .filter(events::id.ge(EventId(from)))
        .filter(events::id.lt(EventId(below)));
    Ok(within.order(events::id).limit(limit).select(events::id).load(conn)?)
}

/// Rows of a list for some events, newest first; those that are gone are left out.
pub fn summaries(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: &[EventId],
) -> Result<Vec<Summary>, DbError> {
    // The bounds let the planner leave out all other days.
    let (Some(least), Some(most)) = (ids.iter().min(), ids.iter().max()) else { return Ok(Vec::new()) };
    let named = events::table
        .filter(events::project_id.eq(project))
        .filter(events::id.ge(least))
        .filter(events::id.le(most))
        .filter(events::id.eq_any(ids));
    let rows = named.order(events::id.desc()).select(SummaryRow::as_select());
    Ok(rows.load::<SummaryRow>(conn)?.into_iter().map(Summary::from).collect())
}
