//! Deliveries that were made elsewhere or never: written as they ended, with all their attempts.
use diesel::prelude::*;
use diesel::sql_types::{Array, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::record::{Next, Outcome, insert_attempts};
use super::{Attempt, Status};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, EventId, ProjectId, WebhookId};
use crate::prepared;

/// A delivery as it stands after its attempts.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct PastDelivery {
    pub project: ProjectId,
    pub id: DeliveryId,
    pub event: EventId,
    pub webhook: WebhookId,
    pub event_type: String,
    /// Anything but `Sending`.
    pub status: Status,
    /// While it waits.
    pub due_at: Option<OffsetDateTime>,
    pub retries_used: i16,
    pub ended_at: Option<OffsetDateTime>,
    /// First one first.
    pub attempts: Vec<Attempt>,
}

prepared! {
    /// Writes deliveries with their outcome, one array a column.
    pub struct InsertPast -> () {
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        ids: Array<SqlUuid> = Vec<DeliveryId>,
        events: Array<SqlUuid> = Vec<EventId>,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
        types: Array<Text> = Vec<String>,
        statuses: Array<SmallInt> = Vec<i16>,
        due: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
        claims: Array<Integer> = Vec<i32>,
        attempts: Array<Integer> = Vec<i32>,
        retries: Array<SmallInt> = Vec<i16>,
        response_statuses: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        failure_kinds: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        failure_details: Array<Nullable<Text>> = Vec<Option<String>>,
        ended: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
    }
    sql "insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, due_at, claims, \
         attempt_count, retries_used, last_response_status, last_failure_kind, last_failure_detail, ended_at) \
         select * from unnest({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})"
}

/// Writes deliveries and their attempts. Call it in a transaction.
pub fn insert_past(conn: &mut PgConnection, past: &[PastDelivery]) -> Result<(), DbError> {
    if past.is_empty() {
        return Ok(());
    }
    fn last<T>(past: &[PastDelivery], of: impl Fn(&Attempt) -> Option<T>) -> Vec<Option<T>> {
        past.iter().map(|delivery| delivery.attempts.last().and_then(&of)).collect()
    }
    let count = |delivery: &PastDelivery| i32::try_from(delivery.attempts.len()).unwrap_or(i32::MAX);
    InsertPast {
        project_ids: past.iter().map(|d| d.project).collect(),
        ids: past.iter().map(|d| d.id).collect(),
        events: past.iter().map(|d| d.event).collect(),
        webhooks: past.iter().map(|d| d.webhook).collect(),
        types: past.iter().map(|d| d.event_type.clone()).collect(),
        statuses: past.iter().map(|d| d.status.number()).collect(),
        due: past.iter().map(|d| d.due_at).collect(),
        claims: past.iter().map(count).collect(),
        attempts: past.iter().map(count).collect(),
        retries: past.iter().map(|d| d.retries_used).collect(),
        response_statuses: last(past, |a| a.response.as_ref().and_then(|r| i16::try_from(r.status).ok())),
        failure_kinds: last(past, |a| a.failure.as_ref().map(|f| f.kind.number())),
        failure_details: last(past, |a| a.failure.as_ref().map(|f| f.detail.clone())),
        ended: past.iter().map(|d| d.ended_at).collect(),
    }
    .execute(conn)?;
    insert_attempts(conn, &outcomes(past))
}

/// Each attempt under a claim of its own, as if it had just been recorded.
fn outcomes(past: &[PastDelivery]) -> Vec<Outcome> {
    let of = |delivery: &PastDelivery| -> Vec<Outcome> {
        let numbered = delivery.attempts.iter().zip(1..);
        numbered
            .map(|(attempt, claims)| Outcome {
                project: delivery.project,
                delivery: delivery.id,
                webhook: delivery.webhook,
                claims,
                test: false,
                in_turn: false,
                attempts_before: claims - 1,
                attempt: Some(attempt.clone()),
                next: Next::GivenBack,
                without_row: None,
            })
            .collect()
    };
    past.iter().flat_map(of).collect()
}
