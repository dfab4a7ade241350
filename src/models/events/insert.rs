//! Many events in one statement.
use std::sync::Arc;

use bytes::Bytes;
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::Payload;
use crate::base::db::{Blob, DbError};
use crate::base::ids::{EventId, GroupId, ProjectId};
use crate::base::schema::events as table;
use crate::prepared;
use crate::rules::kept::json;

/// An event about to be written.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What will be sent.
    pub payload: Arc<Payload>,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// JSON: why webhooks that subscribe got nothing.
    pub skipped: Option<String>,
    /// How many deliveries are written with it.
    pub deliveries: i16,
}

prepared! {
    /// Writes events, one array a column.
    pub struct InsertEvents -> () {
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        ids: Array<SqlUuid> = Vec<EventId>,
        types: Array<Text> = Vec<String>,
        external_ids: Array<Nullable<Text>> = Vec<Option<String>>,
        entity_ids: Array<Nullable<Text>> = Vec<Option<String>>,
        groups: Array<Nullable<Text>> = Vec<Option<String>>,
        created: Array<Timestamptz> = Vec<OffsetDateTime>,
        sources: Array<Binary> = Vec<Blob>,
        data: Array<Binary> = Vec<Blob>,
        skipped: Array<Nullable<Text>> = Vec<Option<String>>,
        deliveries: Array<SmallInt> = Vec<i16>,
    }
    sql "insert into events (project_id, id, event_type, external_id, entity_id, group_id, created_at, source, data, \
         skipped, deliveries) select * from unnest({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})"
}

/// Writes events.
pub fn insert(conn: &mut PgConnection, events: &[NewEvent]) -> Result<(), DbError> {
    if events.is_empty() {
        return Ok(());
    }
    let n = events.len();
    let mut rows = InsertEvents {
        project_ids: Vec::with_capacity(n),
        ids: Vec::with_capacity(n),
        types: Vec::with_capacity(n),
        external_ids: Vec::with_capacity(n),
        entity_ids: Vec::with_capacity(n),
        groups: Vec::with_capacity(n),
        created: Vec::with_capacity(n),
        sources: Vec::with_capacity(n),
        data: Vec::with_capacity(n),
        skipped: Vec::with_capacity(n),
        deliveries: Vec::with_capacity(n),
    };
    let mut sources = Sources::default();
    for event in events {
        let payload = &event.payload;
        rows.project_ids.push(payload.project);
        rows.ids.push(payload.id);
        rows.types.push(payload.event_type.clone());
        rows.external_ids.push(event.external_id.clone());
        rows.entity_ids.push(payload.entity_id.clone());
        rows.groups.push(own_name(payload));
        rows.created.push(payload.created_at);
        rows.sources.push(Blob(sources.packed(&payload.source)));
        rows.data.push(Blob(json::pack(&payload.data)));
        rows.skipped.push(event.skipped.clone());
        rows.deliveries.push(event.deliveries);
    }
    rows.execute(conn)?;
    Ok(())
}

/// The name of the event's group, unless that is the event's own.
fn own_name(payload: &Payload) -> Option<String> {
    (payload.group != GroupId::of(payload.id).to_string()).then(|| payload.group.clone())
}

/// Most events that come together come from the same source: it is packed once.
#[derive(Default)]
struct Sources<'a> {
    last: Option<(&'a str, Bytes)>,
}

impl<'a> Sources<'a> {
    fn packed(&mut self, source: &'a str) -> Bytes {
        match &self.last {
            Some((last, packed)) if *last == source => packed.clone(),
            _ => {
                let packed = json::pack(&Bytes::copy_from_slice(source.as_bytes()));
                self.last = Some((source, packed.clone()));
                packed
            }
        }
    }
}

/// Writes the event of a test, which goes to one webhook whatever subscribes to its type.
pub fn insert_test(conn: &mut PgConnection, payload: &Arc<Payload>) -> Result<(), DbError> {
    let event = NewEvent { payload: payload.clone(), external_id: None, skipped: None, deliveries: 1 };
    insert(conn, &[event])?;
    // The statement for many is on the hot path, where no test comes by: it knows nothing of them.
    diesel::update(table::table.find((payload.project, payload.id)))
        .set(table::test.eq(true))
        .execute(conn)?;
    Ok(())
}
