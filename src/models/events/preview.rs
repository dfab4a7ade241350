//! What settings of a webhook would have made of the events that came last.
use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::history::unpacked;
use crate::base::db::DbError;
use crate::base::ids::{self, EventId, ProjectId};
use crate::base::schema::events;
use crate::models::webhooks::Settings;
use crate::rules::filter::Finding;

/// Events that are looked at, tests aside.
pub const LOOKED_AT_MAX: usize = 1_000;
/// Data that are looked at, as they were posted: the look ends with the event that goes beyond.
const DATA_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Events that are shown one by one.
const SHOWN_MAX: usize = 10;
/// Events that are in memory at a time.
const PAGE: i64 = 100;

/// What a draft of settings would have taken of the newest events, and what the stored ones would have.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Events, at most [`LOOKED_AT_MAX`]. Those whose data is no longer kept count only where no filter asks for it.
    pub looked_at: usize,
    /// Of them, those that the stored settings take. 0 without any.
    pub before: usize,
    /// Those that the draft takes.
    pub after: usize,
    /// The newest of the types that the draft subscribes to.
    pub sample: Vec<Looked>,
}

/// An event that was looked at.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Looked {
    pub id: EventId,
    pub event_type: String,
    pub created_at: OffsetDateTime,
    /// Whether the draft takes it.
    pub is_taken: bool,
    /// What each condition of the draft's filter came to.
    pub findings: Vec<Finding>,
}

/// Compares types and filter of `draft` with those of `stored` over the newest events of a project. Changes nothing.
pub fn preview(
    conn: &mut PgConnection,
    project: ProjectId,
    draft: &Settings,
    stored: Option<&Settings>,
    now: OffsetDateTime,
) -> Result<Preview, DbError> {
    let reads_data = draft.filter.is_some() || stored.is_some_and(|stored| stored.filter.is_some());
    let mut preview = Preview::default();
    let mut bytes = 0;
    for range in ids::ranges_back(now) {
        let mut before = None;
        loop {
            let rows = page(conn, project, range, before, reads_data)?;
            for row in &rows {
                let data = row.data.clone().map(|kept| unpacked(row.id, kept)).unwrap_or_default();
                bytes += data.len();
                preview.look(row, reads_data.then_some(&data), draft, stored);
                if preview.looked_at >= LOOKED_AT_MAX || bytes > DATA_BYTES_MAX {
                    return Ok(preview);
                }
            }
            before = rows.last().map(|row| row.id);
            if rows.len() < PAGE as usize {
                break;
            }
        }
    }
    Ok(preview)
}

impl Preview {
    fn look(&mut self, row: &Row, data: Option<&Vec<u8>>, draft: &Settings, stored: Option<&Settings>) {
        // Emptied: nobody knows what a filter made of it.
        if data.is_some_and(Vec::is_empty) {
            return;
        }
        let data: &[u8] = data.map_or(&[], Vec::as_slice);
        let takes = |settings: &Settings| {
            settings.takes(&row.event_type)
                && settings.filter.as_ref().is_none_or(|filter| filter.matches(data))
        };
        self.looked_at += 1;
        self.before += usize::from(stored.is_some_and(takes));
        let is_taken = takes(draft);
        self.after += usize::from(is_taken);
        if self.sample.len() < SHOWN_MAX && draft.takes(&row.event_type) {
            self.sample.push(Looked {
                id: row.id,
                event_type: row.event_type.clone(),
                created_at: row.created_at,
                is_taken,
                findings: draft.filter.as_ref().map(|filter| filter.verdict(data)).unwrap_or_default(),
            });
        }
    }
}

#[derive(Queryable)]
struct Row {
    id: EventId,
    event_type: String,
    created_at: OffsetDateTime,
    /// Packed; none if nobody asks for it.
    data: Option<Vec<u8>>,
}

/// The newest of a range of ids, below `before`: backwards over the primary key.
fn page(
    conn: &mut PgConnection,
    project: ProjectId,
    (from, below): (Option<Uuid>, Option<Uuid>),
    before: Option<EventId>,
    reads_data: bool,
) -> Result<Vec<Row>, DbError> {
    let mut query = events::table
        .filter(events::project_id.eq(project))
        .filter(events::test.eq(false))
        .order(events::id.desc())
        .limit(PAGE)
        .into_boxed();
    if let Some(from) = from {
        query = query.filter(events::id.ge(EventId(from)));
    }
    if let Some(below) = before.or(below.map(EventId)) {
        query = query.filter(events::id.lt(below));
    }
    let told = (events::id, events::event_type, events::created_at);
    if reads_data {
        return Ok(query.select((told.0, told.1, told.2, events::data.nullable())).load(conn)?);
    }
    let rows: Vec<(EventId, String, OffsetDateTime)> = query.select(told).load(conn)?;
    let row = |(id, event_type, created_at)| Row { id, event_type, created_at, data: None };
    Ok(rows.into_iter().map(row).collect())
}
