//! Lists of deliveries, newest event first, by any filter.
use std::cmp::Reverse;

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use time::OffsetDateTime;
use uuid::Uuid;

use super::by_value::by_value;
use super::filter::{Filter, StatusClass};
use super::history::{Delivery, Row, same_millisecond};
use super::in_memory::without_row;
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, ProjectId};
use crate::base::schema::deliveries;
use crate::models::search::Gaps;

/// Ids from the first on and below the second; none is no bound.
type Range = (Option<Uuid>, Option<Uuid>);

/// A page, and whether the search for it came to an end.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// Newest first.
    pub deliveries: Vec<Delivery>,
    /// There may be more, older than this id, that were not looked for: fewer than `limit` were found among some
    /// 20,000 rows. The next page begins before it.
    pub stopped_at: Option<DeliveryId>,
}

/// A page of deliveries, newest event first; all of them, however long it takes.
pub fn list(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Vec<Delivery>, DbError> {
    let (mut filter, mut found) = (filter.clone(), Vec::new());
    loop {
        let missing = limit.saturating_sub_unsigned(found.len() as u64);
        let part = look(conn, project, &filter, missing, now)?;
        found.extend(part.deliveries);
        filter.before = part.stopped_at;
        if filter.before.is_none() {
            return Ok(found);
        }
    }
}

/// A page of deliveries, newest event first. What no index knows (kinds of failures, numbers of attempts) is searched
/// among some 20,000 rows of those that the rest of the filter takes; then the page says where it stopped.
///
/// By a search text it finds what [`crate::models::search::reach`] tells.
pub fn look(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Looked, DbError> {
    look_with(conn, project, filter, (limit, Gaps::LeftOut), now)
}

/// As [`look`], and by a search text also what the index does not know, as slow as that is.
pub fn look_closely(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Looked, DbError> {
    look_with(conn, project, filter, (limit, Gaps::LookedThrough), now)
}

fn look_with(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    (limit, gaps): (i64, Gaps),
    now: OffsetDateTime,
) -> Result<Looked, DbError> {
    let Some(filter) = filter.implied() else { return Ok(Looked::default()) };
    // Those without a row are looked for first: one that gets its row meanwhile is found there.
    let mut found = if filter.can_be_without_row() { without_row(conn, project)? } else { Vec::new() };
    found.retain(|delivery| filter.takes_without_row(delivery));
    let (mut rows, stopped_at) = match filter.q.clone() {
        Some(q) => by_value(conn, project, (&filter, &q, gaps), (limit, &mut found), now)?,
        None => searched(conn, project, filter, limit, now)?,
    };
    found.retain(|delivery| rows.iter().all(|row| row.id != delivery.id));
    found.retain(|delivery| stopped_at.is_none_or(|at| delivery.id >= at));
    found.append(&mut rows);
    found.sort_by_key(|delivery| Reverse(delivery.id));
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let is_full = found.len() as u64 >= limit.unsigned_abs();
    Ok(Looked { deliveries: found, stopped_at: stopped_at.filter(|_| !is_full) })
}

/// Those with rows, and where the search stopped.
fn searched(
    conn: &mut PgConnection,
    project: ProjectId,
    mut filter: Filter,
    limit: i64,
    now: OffsetDateTime,
) -> Result<(Vec<Delivery>, Option<DeliveryId>), DbError> {
    let newest =
        filter.before.map(|id| ids::time_of(id.0)).into_iter().chain(filter.until).fold(now, Ord::min);
    let (mut rows, mut looks) = (Vec::new(), ids::LOOKED_THROUGH.into_iter());
    for (from, below) in ids::ranges_back(newest) {
        loop {
            let missing = limit.saturating_sub_unsigned(rows.len() as u64);
            if missing == 0 {
                return Ok((rows, None));
            }
            let Some(look) = looks.as_slice().first().copied() else { return Ok((rows, filter.before)) };
            let end =
                if filter.is_searched() { nth(conn, project, &filter, (from, below), look)? } else { None };
            let range = (end.map(|id| id.0).or(from), below);
            rows.extend(page_within(conn, project, &filter, range, missing)?);
            if end.is_none() {
                break;
            }
            filter.before = end;
            looks.next();
        }
    }
    Ok((rows, None))
}

/// The newest of a range, from whichever index.
fn page_within(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    range: Range,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let mut part = Vec::new();
    for alike in filter.by_index() {
        part.extend(within(conn, project, &alike, range, limit)?);
    }
    part.sort_by_key(|delivery| Reverse(delivery.id));
    // One that went from one state to the next between two looks.
    part.dedup_by_key(|delivery| delivery.id);
    part.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(part)
}

/// Where to stop so that no more than `n` rows of each index are looked through; none if there are not so many.
fn nth(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    range: Range,
    n: i64,
) -> Result<Option<DeliveryId>, DbError> {
    let mut newest = None;
    for alike in filter.by_index() {
        let ids = narrowed(project, &alike, range).select(deliveries::id).order(deliveries::id.desc());
        newest = newest.max(ids.offset(n - 1).limit(1).first(conn).optional()?);
    }
    Ok(newest)
}

/// Those of a page with ids in a range.
fn within(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    range: Range,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let mut query = narrowed(project, filter, range);
    if !filter.failures.is_empty() {
        let numbers: Vec<i16> = filter.failures.iter().map(|kind| kind.number()).collect();
        query = query.filter(deliveries::last_failure_kind.eq_any(numbers));
    }
    if let Some(attempts) = filter.attempts {
        query = query.filter(deliveries::attempt_count.ge(attempts.least));
        query = query.filter(deliveries::attempt_count.le(attempts.most.unwrap_or(i32::MAX)));
    }
    let page = query.order(deliveries::id.desc()).limit(limit).select(Row::as_select());
    Ok(page.load::<Row>(conn)?.into_iter().map(Delivery::from).collect())
}

/// Those of a range as far as indexes know: all that is asked for but what is searched.
fn narrowed(project: ProjectId, filter: &Filter, (from, below): Range) -> deliveries::BoxedQuery<'_, Pg> {
    let mut query = deliveries::table.filter(deliveries::project_id.eq(project)).into_boxed();
    if !filter.statuses.is_empty() {
        // Written out, not bound: only then does the planner see that a partial index serves.
        let numbers: Vec<String> = filter.statuses.iter().map(|s| s.number().to_string()).collect();
        query = query.filter(sql::<Bool>(&format!("status in ({})", numbers.join(", "))));
    }
    // One value is asked for by `=`: only then are its index's rows known to come in the page's order.
    match &filter.webhooks[..] {
        [] => {}
        [one] => query = query.filter(deliveries::webhook_id.eq(one)),
        several => query = query.filter(deliveries::webhook_id.eq_any(several)),
    }
    match &filter.types[..] {
        [] => {}
        [one] => query = query.filter(deliveries::event_type.eq(one)),
        several => query = query.filter(deliveries::event_type.eq_any(several)),
    }
    if !filter.response_statuses.is_empty() {
        query = query.filter(sql::<Bool>(&response_condition(&filter.response_statuses)));
    }
    if let Some(test) = filter.test {
        query = query.filter(sql::<Bool>(if test { "test" } else { "not test" }));
    }
    if let Some(from) = from {
        query = query.filter(deliveries::id.ge(DeliveryId(from)));
    }
    if let Some(below) = below {
        query = query.filter(deliveries::id.lt(DeliveryId(below)));
    }
    if let Some(since) = filter.since {
        query = query.filter(deliveries::id.ge(DeliveryId(ids::lower_bound(since))));
    }
    if let Some(until) = filter.until {
        query = query.filter(deliveries::id.lt(DeliveryId(ids::lower_bound(until))));
    }
    if let Some(ended_since) = filter.ended_since {
        query = query.filter(deliveries::ended_at.ge(ended_since));
    }
    if let Some(before) = filter.before {
        query = query.filter(deliveries::id.lt(before));
    }
    if let Some(id) = filter.delivery {
        query = query.filter(deliveries::id.eq(id));
    }
    if let Some(event) = filter.event {
        let (from, to) = same_millisecond(event);
        query = query.filter(deliveries::event_id.eq(event)).filter(deliveries::id.ge(from));
        query = query.filter(deliveries::id.lt(to));
    }
    query
}

fn response_condition(wanted: &[StatusClass]) -> String {
    let any: Vec<String> = wanted
        .iter()
        .map(|class| match class {
            StatusClass::Exact(status) => format!("last_response_status = {status}"),
            StatusClass::Class(digit) => {
                format!(
                    "last_response_status between {} and {}",
                    u16::from(*digit) * 100,
                    u16::from(*digit) * 100 + 99
                )
            }
        })
        .collect();
    format!("({})", any.join(" or "))
}
