//! Reading deliveries back.
use std::borrow::Cow;
use std::cmp::Reverse;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::in_memory::without_row;
use super::status::{Failure, Status, failure_of};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId, WebhookId};
use crate::base::schema::deliveries;

/// The states in `deliveries_not_delivered_idx`.
const NOT_DELIVERED: [Status; 4] = [Status::Retrying, Status::Failed, Status::Held, Status::Cancelled];

/// A delivery as it stands.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Delivery {
    pub id: DeliveryId,
    pub event: EventId,
    pub webhook: WebhookId,
    pub event_type: String,
    pub status: Status,
    pub test: bool,
    /// When the event arrived.
    pub created_at: OffsetDateTime,
    /// When the next attempt is due, while it waits.
    pub next_attempt_at: Option<OffsetDateTime>,
    pub attempt_count: i32,
    /// Since the first attempt or the last resend.
    pub retries_used: i16,
    pub last_response_status: Option<u16>,
    pub last_failure: Option<Failure>,
    pub ended_at: Option<OffsetDateTime>,
}

/// Response statuses to look for: one, or a class such as 5xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusClass {
    /// Just this one.
    Exact(u16),
    /// The hundred that begins with this digit.
    Class(u8),
}

impl StatusClass {
    /// Reads `404` or `5xx`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(digit) = text.strip_suffix("xx") {
            return digit.parse().ok().filter(|d| (1..=5).contains(d)).map(Self::Class);
        }
        text.parse().ok().filter(|n| (100..=599).contains(n)).map(Self::Exact)
    }
}

/// Which deliveries. Empty lists mean "any". A replay keeps it as JSON: fields may be added, none renamed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Filter {
    pub statuses: Vec<Status>,
    pub webhooks: Vec<WebhookId>,
    pub types: Vec<String>,
    pub response_statuses: Vec<StatusClass>,
    /// Only tests, or only what is none.
    pub test: Option<bool>,
    /// Of events that arrived at or after.
    pub since: Option<OffsetDateTime>,
    /// Of events that arrived before.
    pub until: Option<OffsetDateTime>,
    /// Settled at or after, whenever the event arrived.
    pub ended_since: Option<OffsetDateTime>,
    /// Older than this id: the last of the page before.
    pub before: Option<DeliveryId>,
    /// Only this delivery.
    pub delivery: Option<DeliveryId>,
    /// Only deliveries of this event.
    pub event: Option<EventId>,
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = deliveries, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    id: DeliveryId,
    event_id: EventId,
    webhook_id: WebhookId,
    event_type: String,
    pub(super) status: i16,
    test: bool,
    due_at: Option<OffsetDateTime>,
    attempt_count: i32,
    retries_used: i16,
    last_response_status: Option<i16>,
    last_failure_kind: Option<i16>,
    last_failure_detail: Option<String>,
    ended_at: Option<OffsetDateTime>,
}

/// A page of deliveries, newest event first.
pub fn list(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Vec<Delivery>, DbError> {
    let newest =
        filter.before.map(|id| ids::time_of(id.0)).into_iter().chain(filter.until).fold(now, Ord::min);
    // Those without a row are looked for first: one that gets its row meanwhile is found there.
    let mut found = if filter.can_be_without_row() { without_row(conn, project)? } else { Vec::new() };
    found.retain(|delivery| filter.takes_without_row(delivery));
    let mut rows = Vec::new();
    for range in ids::ranges_back(newest) {
        let missing = limit.saturating_sub_unsigned(rows.len() as u64);
        if missing > 0 {
            let mut part = Vec::new();
            for alike in filter.by_index() {
                part.extend(within(conn, project, &alike, range, missing)?);
            }
            part.sort_by_key(|delivery| Reverse(delivery.id));
            // One that went from one state to the next between two looks.
            part.dedup_by_key(|delivery| delivery.id);
            part.truncate(usize::try_from(missing).unwrap_or_default());
            rows.extend(part);
        }
    }
    found.retain(|delivery| rows.iter().all(|row| row.id != delivery.id));
    found.append(&mut rows);
    found.sort_by_key(|delivery| Reverse(delivery.id));
    found.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(found)
}

impl Filter {
    /// The same in parts whose states have one index each. What is delivered has none and is everywhere, so with it
    /// there is one part.
    fn by_index(&self) -> Vec<Cow<'_, Self>> {
        let [due, sending, rest] = [&[Status::Due][..], &[Status::Sending], &NOT_DELIVERED].map(|alike| {
            let is_alike = |status: &&Status| alike.contains(status);
            self.statuses.iter().filter(is_alike).copied().collect::<Vec<_>>()
        });
        if self.statuses.contains(&Status::Delivered) || self.statuses.len() < 2 {
            return vec![Cow::Borrowed(self)];
        }
        let parts = [due, sending, rest].into_iter().filter(|statuses| !statuses.is_empty());
        parts.map(|statuses| Cow::Owned(Self { statuses, ..self.clone() })).collect()
    }

    /// Whether a delivery that is being sent for the first time may be meant.
    fn can_be_without_row(&self) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&Status::Sending))
            && self.response_statuses.is_empty()
            && self.test != Some(true)
            && self.ended_since.is_none()
    }

    fn takes_without_row(&self, delivery: &Delivery) -> bool {
        (self.webhooks.is_empty() || self.webhooks.contains(&delivery.webhook))
            && (self.types.is_empty() || self.types.contains(&delivery.event_type))
            && self.since.is_none_or(|since| delivery.created_at >= since)
            && self.until.is_none_or(|until| delivery.created_at < until)
            && self.before.is_none_or(|before| delivery.id < before)
            && self.delivery.is_none_or(|id| delivery.id == id)
            && self.event.is_none_or(|event| delivery.event == event)
    }
}

/// Those of a page with ids in a range.
fn within(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    (from, below): (Option<Uuid>, Option<Uuid>),
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    let mut query = deliveries::table
        .filter(deliveries::project_id.eq(project))
        .order(deliveries::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
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
    Ok(query.load::<Row>(conn)?.into_iter().map(Delivery::from).collect())
}

/// One delivery of the project.
pub fn find(
    conn: &mut PgConnection,
    project: ProjectId,
    id: DeliveryId,
) -> Result<Option<Delivery>, DbError> {
    let row = |conn: &mut PgConnection| {
        deliveries::table.find((project, id)).select(Row::as_select()).first(conn).optional()
    };
    if let Some(row) = row(conn)? {
        return Ok(Some(row.into()));
    }
    let in_memory = without_row(conn, project)?.into_iter().find(|delivery| delivery.id == id);
    // It may have got its row between the two looks.
    Ok(in_memory.or(row(conn)?.map(Delivery::from)))
}

/// All deliveries of an event, in the order of their webhooks' age.
pub fn of_event(
    conn: &mut PgConnection,
    project: ProjectId,
    event: EventId,
) -> Result<Vec<Delivery>, DbError> {
    let (from, to) = same_millisecond(event);
    let in_memory = without_row(conn, project)?;
    let rows = deliveries::table
        .filter(deliveries::project_id.eq(project))
        .filter(deliveries::id.ge(from))
        .filter(deliveries::id.lt(to))
        .filter(deliveries::event_id.eq(event))
        .select(Row::as_select())
        .load(conn)?;
    // Those without a row are looked for first: one that gets its row meanwhile is found there.
    let mut found: Vec<Delivery> = in_memory.into_iter().filter(|delivery| delivery.event == event).collect();
    for delivery in rows.into_iter().map(Delivery::from) {
        found.retain(|other| other.id != delivery.id);
        found.push(delivery);
    }
    found.sort_by_key(|delivery| delivery.webhook);
    Ok(found)
}

/// A delivery's id carries its event's millisecond: a short range of the primary key holds them all.
fn same_millisecond(event: EventId) -> (DeliveryId, DeliveryId) {
    let millis = u128::from(ids::millis_of(event.0));
    let bound = |millis: u128| DeliveryId(Uuid::from_u128(millis << 80));
    (bound(millis), bound(millis + 1))
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

impl From<Row> for Delivery {
    fn from(row: Row) -> Self {
        let status = Status::of_number(row.status);
        let waits = matches!(status, Status::Due | Status::Retrying);
        Self {
            id: row.id,
            event: row.event_id,
            webhook: row.webhook_id,
            event_type: row.event_type,
            status,
            test: row.test,
            created_at: ids::time_of(row.id.0),
            next_attempt_at: row.due_at.filter(|_| waits),
            attempt_count: row.attempt_count,
            retries_used: row.retries_used,
            last_response_status: row.last_response_status.and_then(|s| u16::try_from(s).ok()),
            last_failure: failure_of(row.last_failure_kind, row.last_failure_detail),
            ended_at: row.ended_at,
        }
    }
}
