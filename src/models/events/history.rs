//! Reading events back.
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::Payload;
use crate::base::db::DbError;
use crate::base::ids::{EventId, GroupId, ProjectId};
use crate::base::schema::{events, external_ids};
use crate::prepared;
use crate::rules::kept::json;

/// An event with everything that was kept of it.
#[derive(Clone, Debug)]
pub struct Event {
    /// What was or will be sent.
    pub payload: Payload,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// JSON: subscribed webhooks that got nothing, with the reason.
    pub skipped: Option<String>,
    /// How many deliveries were made at once with it.
    pub deliveries: i16,
    /// Sent to one webhook to try it.
    pub test: bool,
}

/// A row of a list of events.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Summary {
    pub id: EventId,
    pub event_type: String,
    pub external_id: Option<String>,
    pub entity_id: Option<String>,
    pub group: String,
    pub created_at: OffsetDateTime,
    pub deliveries: i16,
    /// JSON: subscribed webhooks that got nothing, with the reason.
    pub skipped: Option<String>,
    /// Sent to one webhook to try it.
    pub test: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
pub(super) struct SummaryRow {
    id: EventId,
    event_type: String,
    external_id: Option<String>,
    entity_id: Option<String>,
    group_id: Option<String>,
    created_at: OffsetDateTime,
    deliveries: i16,
    skipped: Option<String>,
    test: bool,
}

impl From<SummaryRow> for Summary {
    fn from(row: SummaryRow) -> Self {
        Self {
            id: row.id,
            event_type: row.event_type,
            external_id: row.external_id,
            entity_id: row.entity_id,
            group: group_of(row.id, row.group_id),
            created_at: row.created_at,
            deliveries: row.deliveries,
            skipped: row.skipped,
            test: row.test,
        }
    }
}

/// A group that is named after its first event is not kept with it.
fn group_of(id: EventId, kept: Option<String>) -> String {
    kept.unwrap_or_else(|| GroupId::of(id).to_string())
}

/// JSON that was kept; none, with a line in the log, if it cannot be read any more.
pub(super) fn unpacked(id: EventId, kept: Vec<u8>) -> Vec<u8> {
    json::unpack(kept).unwrap_or_else(|| {
        tracing::error!(event = %id.0, "what was kept of an event cannot be read: the database is damaged, or of a newer version");
        Vec::new()
    })
}

/// A source that was kept.
fn source_of(id: EventId, kept: Vec<u8>) -> String {
    // It was text when it was packed.
    String::from_utf8(unpacked(id, kept)).unwrap_or_default()
}

type Row = (
    EventId,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    OffsetDateTime,
    Vec<u8>,
    Vec<u8>,
    Option<String>,
    i16,
    bool,
);

/// An event of the project.
pub fn find(conn: &mut PgConnection, project: ProjectId, id: EventId) -> Result<Option<Event>, DbError> {
    let row: Option<Row> = events::table
        .find((project, id))
        .select((
            events::id,
            events::event_type,
            events::external_id,
            events::entity_id,
            events::group_id,
            events::created_at,
            events::source,
            events::data,
            events::skipped,
            events::deliveries,
            events::test,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(
        |(
            id,
            event_type,
            external_id,
            entity_id,
            group,
            created_at,
            source,
            data,
            skipped,
            deliveries,
            test,
        )| {
            let (group, source) = (group_of(id, group), source_of(id, source));
            let data = Bytes::from(unpacked(id, data));
            let payload = Payload { project, id, event_type, created_at, entity_id, group, source, data };
            Event { payload, external_id, skipped, deliveries, test }
        },
    ))
}

/// Whether the data of an event is still kept; an event that is gone has none.
pub fn has_data(conn: &mut PgConnection, project: ProjectId, id: EventId) -> Result<bool, DbError> {
    let length = diesel::dsl::sql::<diesel::sql_types::Bool>("octet_length(data) > 0");
    let found = events::table.find((project, id)).select(length).first(conn).optional()?;
    Ok(found.unwrap_or(false))
}

/// Those of some events whose data are still kept.
pub fn with_data(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: Vec<EventId>,
) -> Result<HashSet<EventId>, DbError> {
    let has_data = diesel::dsl::sql::<diesel::sql_types::Bool>("octet_length(data) > 0");
    let named = events::table.filter(events::project_id.eq(project)).filter(events::id.eq_any(ids));
    Ok(named.filter(has_data).select(events::id).load(conn)?.into_iter().collect())
}

/// The types of events.
pub fn types_of(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: Vec<EventId>,
) -> Result<HashMap<EventId, String>, DbError> {
    let named = events::table.filter(events::project_id.eq(project)).filter(events::id.eq_any(ids));
    Ok(named.select((events::id, events::event_type)).load(conn)?.into_iter().collect())
}

/// The oldest event that is kept of a project, tests aside.
pub fn first_posted(conn: &mut PgConnection, project: ProjectId) -> Result<Option<Summary>, DbError> {
    let oldest = events::table.filter(events::project_id.eq(project)).filter(events::test.eq(false));
    Ok(oldest
        .order(events::id)
        .select(SummaryRow::as_select())
        .first::<SummaryRow>(conn)
        .optional()?
        .map(Summary::from))
}

/// The event that a search text names: our id, or the caller's own of the last seven days.
pub fn find_by_q(conn: &mut PgConnection, project: ProjectId, q: &str) -> Result<Option<EventId>, DbError> {
    if let Ok(id) = q.parse::<EventId>() {
        return Ok(Some(id));
    }
    Ok(external_ids::table.find((project, q)).select(external_ids::event_id).first(conn).optional()?)
}

prepared! {
    /// A join with unnest keeps partition pruning at run time: one look-up by primary key per event.
    pub struct LoadPayloads -> diesel::sql_types::Untyped {
        projects: Array<SqlUuid> = Vec<ProjectId>,
        ids: Array<SqlUuid> = Vec<EventId>,
    }
    sql "select e.project_id, e.id, e.event_type, e.entity_id, e.group_id, e.created_at, e.source, e.data \
         from unnest({}, {}) w (project_id, id) \
         cross join lateral (select * from events e where e.project_id = w.project_id and e.id = w.id) e"
}

/// What is sent of each of the events; missing ones have been dropped or emptied.
pub fn load_payloads(
    conn: &mut PgConnection,
    wanted: &[(ProjectId, EventId)],
) -> Result<HashMap<EventId, Arc<Payload>>, DbError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        project_id: ProjectId,
        #[diesel(sql_type = SqlUuid)]
        id: EventId,
        #[diesel(sql_type = diesel::sql_types::Text)]
        event_type: String,
        #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
        entity_id: Option<String>,
        #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
        group_id: Option<String>,
        #[diesel(sql_type = diesel::sql_types::Timestamptz)]
        created_at: OffsetDateTime,
        #[diesel(sql_type = diesel::sql_types::Binary)]
        source: Vec<u8>,
        #[diesel(sql_type = diesel::sql_types::Binary)]
        data: Vec<u8>,
    }
    let (projects, ids): (Vec<ProjectId>, Vec<EventId>) = wanted.iter().copied().unzip();
    let rows: Vec<Found> = LoadPayloads { projects, ids }.load(conn)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let data = unpacked(row.id, row.data);
            let payload = Payload {
                project: row.project_id,
                id: row.id,
                event_type: row.event_type,
                created_at: row.created_at,
                entity_id: row.entity_id,
                group: group_of(row.id, row.group_id),
                source: source_of(row.id, row.source),
                data: Bytes::from(data),
            };
            (!payload.is_emptied()).then(|| (row.id, Arc::new(payload)))
        })
        .collect())
}
