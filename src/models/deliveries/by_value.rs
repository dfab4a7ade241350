//! Deliveries of the events that a search text finds.
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::filter::Filter;
use super::history::{Delivery, Row, same_millisecond};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId};
use crate::models::search::{Gaps, Walk};
use crate::rules::search::Terms;

/// Events found at a time: a page may be full soon.
const CHUNKS: [usize; 3] = [100, 400, 1_000];
/// After so much of what is done for it a page says where it stopped.
const EFFORT_MAX: usize = 20_000;

/// Those with rows that the filter takes, newest first, and where the search stopped. Of those without a row
/// (`in_memory`) only what is found stays.
pub(super) fn by_value(
    conn: &mut PgConnection,
    project: ProjectId,
    (filter, q, gaps): (&Filter, &str, Gaps),
    (limit, in_memory): (i64, &mut Vec<Delivery>),
    now: OffsetDateTime,
) -> Result<(Vec<Delivery>, Option<DeliveryId>), DbError> {
    let unrowed = std::mem::take(in_memory);
    let Ok(terms) = Terms::parse(q) else { return Ok((Vec::new(), None)) };
    let mut walk = Walk::begin(conn, project, (q, terms), range(filter, now), gaps)?;
    let mut rows = Vec::new();
    for round in 0.. {
        let chunk = walk.next(conn, CHUNKS[CHUNKS.len().min(round + 1) - 1])?;
        let found = of_events(conn, project, &chunk.events)?;
        rows.extend(found.into_iter().filter(|delivery| filter.takes(delivery)));
        in_memory.extend(unrowed.iter().filter(|delivery| chunk.events.contains(&delivery.event)).cloned());
        if rows.len() as u64 >= limit.unsigned_abs() || chunk.is_last {
            break;
        }
        if walk.effort() >= EFFORT_MAX {
            return Ok((rows, Some(DeliveryId(chunk.down_to))));
        }
    }
    Ok((rows, None))
}

/// The ids of events that a filter leaves: those of a millisecond together. Clocks of nodes differ, so that there may be
/// events of what is to come.
fn range(filter: &Filter, now: OffsetDateTime) -> (Uuid, Uuid) {
    let from = filter.since.map_or(Uuid::nil(), ids::lower_bound);
    let end = ids::lower_bound(now + Duration::days(1));
    let until = filter.until.map(ids::lower_bound);
    let before = filter.before.map(|id| same_millisecond(EventId(id.0)).1.0);
    (from, [until, before].into_iter().flatten().fold(end, Ord::min))
}

/// All deliveries with rows of some events, newest first among those of a millisecond too.
fn of_events(
    conn: &mut PgConnection,
    project: ProjectId,
    events: &[EventId],
) -> Result<Vec<Delivery>, DbError> {
    let (Some(newest), Some(oldest)) = (events.first(), events.last()) else { return Ok(Vec::new()) };
    // The bounds let the planner leave out all other days.
    let (least, most) = (same_millisecond(*oldest).0, same_millisecond(*newest).1);
    // Very many may be of one millisecond: each is gone through once.
    let mut milliseconds: Vec<_> = events.iter().map(|id| same_millisecond(*id)).collect();
    milliseconds.dedup();
    let (from, below): (Vec<DeliveryId>, Vec<DeliveryId>) = milliseconds.into_iter().unzip();
    let rows: Vec<Row> = diesel::sql_query(
        "select d.* from unnest($3, $4) w (first, below) cross join lateral \
         (select * from deliveries d where d.project_id = $1 and d.id >= w.first and d.id < w.below \
          and d.id >= $5 and d.id < $6) d where d.event_id = any($2) order by d.id desc",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<Array<SqlUuid>, _>(events)
    .bind::<Array<SqlUuid>, _>(from)
    .bind::<Array<SqlUuid>, _>(below)
    .bind::<SqlUuid, _>(least)
    .bind::<SqlUuid, _>(most)
    .load(conn)?;
    Ok(rows.into_iter().map(Delivery::from).collect())
}
