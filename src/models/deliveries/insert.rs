//! Many deliveries in one statement.
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Status;
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId, WebhookId};
use crate::prepared;

/// A delivery about to be written.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewDelivery {
    pub project: ProjectId,
    pub id: DeliveryId,
    pub event: EventId,
    pub webhook: WebhookId,
    pub event_type: String,
    /// `Due`, `Sending` (handed over, claimed by `claimed_by`) or `Held`.
    pub status: Status,
    /// When it is due, or when the lease ends; none when held.
    pub due_at: Option<OffsetDateTime>,
    pub claimed_by: Option<Uuid>,
}

/// The id of the delivery of an event to a webhook: always the same one, so that there can be only one.
///
/// It keeps the event's millisecond, so the three tables of the history are cut into days alike.
pub fn delivery_id(event: EventId, webhook: WebhookId) -> DeliveryId {
    let mut hash = Sha256::new();
    hash.update(event.0.as_bytes());
    hash.update(webhook.0.as_bytes());
    let mut digest = [0; 10];
    digest.copy_from_slice(&hash.finalize()[..10]);
    DeliveryId(ids::derived(event.0, digest))
}

prepared! {
    /// Writes deliveries, one array a column.
    pub struct InsertDeliveries -> () {
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        ids: Array<SqlUuid> = Vec<DeliveryId>,
        events: Array<SqlUuid> = Vec<EventId>,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
        types: Array<Text> = Vec<String>,
        statuses: Array<SmallInt> = Vec<i16>,
        due: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
        claims: Array<Integer> = Vec<i32>,
        claimed_by: Array<Nullable<SqlUuid>> = Vec<Option<Uuid>>,
    }
    sql "insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, due_at, claims, claimed_by) \
         select * from unnest({}, {}, {}, {}, {}, {}, {}, {}, {}) on conflict (project_id, id) do nothing"
}

/// Rows in one statement: a thousand events to a hundred webhooks would take longer than one may.
const STATEMENT_ROWS_MAX: usize = 10_000;

/// Writes deliveries; a claimed one has its first claim. One that has a row already stays as it is.
pub fn insert(conn: &mut PgConnection, deliveries: &[NewDelivery]) -> Result<(), DbError> {
    deliveries.chunks(STATEMENT_ROWS_MAX).try_for_each(|some| insert_some(conn, some))
}

fn insert_some(conn: &mut PgConnection, deliveries: &[NewDelivery]) -> Result<(), DbError> {
    InsertDeliveries {
        project_ids: deliveries.iter().map(|d| d.project).collect(),
        ids: deliveries.iter().map(|d| d.id).collect(),
        events: deliveries.iter().map(|d| d.event).collect(),
        webhooks: deliveries.iter().map(|d| d.webhook).collect(),
        types: deliveries.iter().map(|d| d.event_type.clone()).collect(),
        statuses: deliveries.iter().map(|d| d.status.number()).collect(),
        due: deliveries.iter().map(|d| d.due_at).collect(),
        claims: deliveries.iter().map(|d| i32::from(d.claimed_by.is_some())).collect(),
        claimed_by: deliveries.iter().map(|d| d.claimed_by).collect(),
    }
    .execute(conn)?;
    Ok(())
}
