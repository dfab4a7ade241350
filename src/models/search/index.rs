//! Taking events into the index: newer ones as they come, and what was there before, from the newest back.
use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Bool, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::days::{self, Kept, bounds};
use super::forget::begin_again;
use super::progress::Row;
use crate::base::db::{Blob, DbError};
use crate::base::ids::{self, ProjectId};
use crate::base::schema::search_progress;
use crate::models::events::{self, Searchable};
use crate::models::projects;
use crate::rules::search::{self, block};

/// Events are taken in when they are so old: whoever accepted one with an earlier id has committed by then, or has given
/// up, see [`crate::base::db::ANSWER_MAX`]. Clocks of nodes differ by less.
pub const MARGIN: Duration = Duration::seconds(20);
/// Events in a segment at most.
pub const BATCH: usize = 10_000;
/// Fewer than this wait for more: each search looks through what waits, but it reads every segment too.
pub const WAITING_MIN: usize = 2_000;
/// But no longer.
pub const MAY_WAIT: Duration = Duration::hours(1);
/// Between looks at a project that has nothing new.
const LOOKS_APART: Duration = Duration::seconds(5);

/// What a call of [`go_on`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do.
    Idle,
    /// A project had nothing new; others may.
    Looked,
    /// So many events were taken in, and there may be more.
    Took(usize),
}

/// Takes in up to `batch_max` events of some project whose turn it is; any node may, one at a time a project.
///
/// A piece is whole or was not: what the row says is known has its segments.
pub fn go_on(
    conn: &mut PgConnection,
    kept: Kept,
    batch_max: usize,
    now: OffsetDateTime,
) -> Result<Step, DbError> {
    conn.transaction(|conn| {
        let found: Option<Row> = search_progress::table
            .filter(search_progress::look_at.le(now))
            .order(search_progress::look_at)
            .select(Row::as_select())
            .for_update()
            .skip_locked()
            .first(conn)
            .optional()?;
        match found {
            Some(row) => piece(conn, row, (kept, batch_max), now),
            None => begin(conn, now),
        }
    })
}

/// Begins with projects that have no row yet.
fn begin(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Step, DbError> {
    let known: HashSet<ProjectId> =
        search_progress::table.select(search_progress::project_id).load(conn)?.into_iter().collect();
    let from = ids::lower_bound(now - MARGIN);
    let fresh = projects::ids(conn)?.into_iter().filter(|project| !known.contains(project));
    let rows: Vec<Row> = fresh.map(|project| Row::fresh(project, from, now)).collect();
    let made =
        diesel::insert_into(search_progress::table).values(&rows).on_conflict_do_nothing().execute(conn)?;
    Ok(if made > 0 { Step::Looked } else { Step::Idle })
}

fn piece(
    conn: &mut PgConnection,
    mut row: Row,
    (kept, batch_max): (Kept, usize),
    now: OffsetDateTime,
) -> Result<Step, DbError> {
    if now < ids::time_of(row.known_to) {
        // The clock was set back: events come with ids that were passed by.
        begin_again(conn, row.project_id)?;
        return Ok(Step::Looked);
    }
    let mut taken = if row.is_full { 0 } else { forward(conn, &mut row, batch_max, now)? };
    if taken == 0 && !row.is_full {
        taken = backward(conn, &mut row, (kept, batch_max), now)?;
    }
    row.look_at = if taken > 0 { now } else { now + LOOKS_APART };
    diesel::update(search_progress::table.find(row.project_id)).set(&row).execute(conn)?;
    Ok(if taken > 0 { Step::Took(taken) } else { Step::Looked })
}

/// Takes in what came since, if that is enough or has waited for long.
fn forward(
    conn: &mut PgConnection,
    row: &mut Row,
    batch_max: usize,
    now: OffsetDateTime,
) -> Result<usize, DbError> {
    let end = ids::lower_bound(now - MARGIN);
    let waiting = events::first_ids(conn, row.project_id, (row.known_to, end), WAITING_MIN as i64)?;
    let Some(oldest) = waiting.first().map(|id| id.0) else {
        row.known_to = row.known_to.max(end);
        return Ok(0);
    };
    let day = ids::time_of(oldest).date();
    let has_waited = now - ids::time_of(oldest) >= MAY_WAIT || day < (now - MARGIN).date();
    if (waiting.len() < WAITING_MIN && !has_waited) || is_somebody_slow(conn)? {
        return Ok(0);
    }
    let below = end.min(bounds(day).1);
    let found = events::searchable(conn, row.project_id, (row.known_to, below), false, batch_max as i64)?;
    row.known_to = match found.last() {
        Some(last) if found.len() >= batch_max => Uuid::from_u128(last.id.0.as_u128() + 1),
        _ => below,
    };
    write(conn, row.project_id, &found)?;
    Ok(found.len())
}

/// Takes in the newest of what is older than all that is known, unless the budget left no room for it.
fn backward(
    conn: &mut PgConnection,
    row: &mut Row,
    (kept, batch_max): (Kept, usize),
    now: OffsetDateTime,
) -> Result<usize, DbError> {
    let has_room = row.dropped_at.is_none_or(|at| u64::try_from(at).unwrap_or_default() < kept.bytes);
    if row.is_whole || !has_room {
        return Ok(0);
    }
    let oldest = ids::lower_bound(now - kept.time);
    let range = (oldest, row.known_from);
    let mut found = events::searchable(conn, row.project_id, range, true, batch_max as i64)?;
    let Some(newest) = found.first() else {
        row.is_whole = true;
        return Ok(0);
    };
    let (day_begins, _) = bounds(ids::time_of(newest.id.0).date());
    let read = found.len();
    found.retain(|event| event.id.0 >= day_begins);
    row.known_from = match found.last() {
        Some(last) if found.len() == read => last.id.0,
        _ => day_begins,
    };
    row.is_whole = read < batch_max && found.len() == read;
    found.reverse();
    write(conn, row.project_id, &found)?;
    Ok(found.len())
}

/// Whether some node has been writing for so long that it may yet commit events that would be passed by.
fn is_somebody_slow(conn: &mut PgConnection) -> Result<bool, DbError> {
    let slow = diesel::dsl::sql::<Bool>(
        "exists (select from pg_stat_activity where datname = current_database() \
         and application_name = 'callout serve' and backend_xid is not null and pid <> pg_backend_pid() \
         and xact_start < now() - interval '10 seconds')",
    );
    Ok(diesel::select(slow).get_result(conn)?)
}

/// Writes a segment of events of one day, oldest first.
fn write(conn: &mut PgConnection, project: ProjectId, found: &[Searchable]) -> Result<(), DbError> {
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(()) };
    days::make(conn, ids::time_of(first.id.0).date())?;
    let blocks = block::pack(places(found).iter().map(|(value, places)| (value.as_str(), &places[..])));
    let events: Vec<u8> = found.iter().flat_map(|event| *event.id.0.as_bytes()).collect();
    diesel::sql_query(
        "insert into search_segments (project_id, first_id, last_id, events) values ($1, $2, $3, $4)",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(first.id)
    .bind::<SqlUuid, _>(last.id)
    .bind::<Binary, _>(events)
    .execute(conn)?;
    let (firsts, bytes): (Vec<Blob>, Vec<Blob>) =
        blocks.into_iter().map(|block| (Blob(Bytes::from(block.first)), Blob(block.bytes))).unzip();
    diesel::sql_query(
        "insert into search_blocks (project_id, segment_id, first_value, block) select $1, $2, * from unnest($3, $4)",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(first.id)
    .bind::<Array<Binary>, _>(firsts)
    .bind::<Array<Binary>, _>(bytes)
    .execute(conn)?;
    Ok(())
}

/// The values of events, sorted, each with the places of those that hold it.
fn places(found: &[Searchable]) -> BTreeMap<String, Vec<u32>> {
    let mut places: std::collections::HashMap<String, Vec<u32>> = std::collections::HashMap::new();
    for (place, event) in (0_u32..).zip(found) {
        for value in values(event) {
            let of_value = places.entry(value).or_default();
            // An id may be in the data too.
            if of_value.last() != Some(&place) {
                of_value.push(place);
            }
        }
    }
    places.into_iter().collect()
}

/// All that an event is found by.
pub(super) fn values(event: &Searchable) -> impl Iterator<Item = String> {
    let ids =
        [&event.entity_id, &event.external_id, &event.group].map(|id| id.as_deref().and_then(search::kept));
    ids.into_iter().flatten().chain(search::values(&event.data))
}
