//! Reading deliveries back, one by one.
use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::in_memory::without_row;
use super::status::{Failure, Status, failure_of};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId, WebhookId};
use crate::base::schema::deliveries;

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
pub(super) fn same_millisecond(event: EventId) -> (DeliveryId, DeliveryId) {
    let millis = u128::from(ids::millis_of(event.0));
    let bound = |millis: u128| DeliveryId(Uuid::from_u128(millis << 80));
    (bound(millis), bound(millis + 1))
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
