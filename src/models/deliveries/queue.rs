//! The queue: who may send what, and until when.
//!
//! A claim is a number that only grows and a lease that ends. An outcome counts only while its claim is the present
//! one; a lease that ran out makes the delivery due again.
use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, SmallInt, Timestamptz, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::FailureKind;
use super::hand_over::{Place, make_places, rescue_ended};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, EventId, ProjectId, WebhookId};
use crate::models::events::Payload;
use crate::models::webhooks::Target;
use crate::prepared;

/// A lease lasts the webhook's time limit and so much more, for the way to the socket and back to the table.
const LEASE_MARGIN: Duration = Duration::seconds(15);

/// How long a claim on a delivery to `target` lasts.
pub fn lease(timeout_ms: i32) -> Duration {
    Duration::milliseconds(i64::from(timeout_ms)) + LEASE_MARGIN
}

/// A delivery that this node may send now.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Claimed {
    pub id: DeliveryId,
    pub payload: Arc<Payload>,
    pub webhook: WebhookId,
    /// The webhook as of the claim; none when it was deleted meanwhile.
    pub target: Option<Arc<Target>>,
    /// Sent by a person to try the webhook: never retried, and what comes of it changes nothing about the webhook.
    pub test: bool,
    /// The fence.
    pub claims: i32,
    pub lease_ends: OffsetDateTime,
    pub attempt_count: i32,
    pub retries_used: i16,
    /// The project's master switch was on.
    pub webhooks_enabled: bool,
    /// What stands for it while it has no row.
    pub place: Option<Place>,
    /// Let out by the pace of a slowed webhook.
    pub in_turn: bool,
    /// Let out by the rate of its webhook, and counted there.
    pub by_rate: bool,
}

impl Claimed {
    /// The first claim of a delivery that was never tried.
    pub fn first(id: DeliveryId, payload: Arc<Payload>, target: &Arc<Target>, now: OffsetDateTime) -> Self {
        Self {
            id,
            payload,
            webhook: target.webhook.id,
            target: Some(target.clone()),
            test: false,
            claims: 1,
            lease_ends: now + lease(target.webhook.settings.timeout_ms),
            attempt_count: 0,
            retries_used: 0,
            webhooks_enabled: true,
            place: None,
            in_turn: false,
            by_rate: false,
        }
    }
}

#[derive(QueryableByName)]
#[allow(missing_docs)]
pub(super) struct Row {
    #[diesel(sql_type = SqlUuid)]
    project_id: ProjectId,
    #[diesel(sql_type = SqlUuid)]
    id: DeliveryId,
    #[diesel(sql_type = SqlUuid)]
    event_id: EventId,
    #[diesel(sql_type = SqlUuid)]
    webhook_id: WebhookId,
    #[diesel(sql_type = Integer)]
    claims: i32,
    #[diesel(sql_type = Timestamptz)]
    due_at: OffsetDateTime,
    #[diesel(sql_type = Integer)]
    attempt_count: i32,
    #[diesel(sql_type = SmallInt)]
    retries_used: i16,
    #[diesel(sql_type = Bool)]
    test: bool,
}

/// What a claim brought: the row, without event and webhook.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ClaimedRow {
    pub project: ProjectId,
    pub id: DeliveryId,
    pub event: EventId,
    pub webhook: WebhookId,
    pub claims: i32,
    pub lease_ends: OffsetDateTime,
    pub attempt_count: i32,
    pub retries_used: i16,
    pub test: bool,
    pub in_turn: bool,
    pub by_rate: bool,
}

impl From<Row> for ClaimedRow {
    fn from(row: Row) -> Self {
        Self {
            project: row.project_id,
            id: row.id,
            event: row.event_id,
            webhook: row.webhook_id,
            claims: row.claims,
            lease_ends: row.due_at,
            attempt_count: row.attempt_count,
            retries_used: row.retries_used,
            test: row.test,
            in_turn: false,
            by_rate: false,
        }
    }
}

prepared! {
    /// Webhooks are few and deliveries many: one short index range a webhook, whatever else waits. The CTE makes sure
    /// that the rows are locked before they are updated.
    pub struct ClaimDue -> diesel::sql_types::Untyped {
        room_each: BigInt = i64,
        busy: Array<SqlUuid> = Vec<WebhookId>,
        counts: Array<BigInt> = Vec<i64>,
        due_by: Timestamptz = OffsetDateTime,
        limit: BigInt = i64,
        now: Timestamptz = OffsetDateTime,
        node: SqlUuid = Uuid,
    }
    sql "with picked as ( \
           select d.project_id, d.id, d.due_at, w.timeout_ms from ( \
             select w.project_id, w.id, w.timeout_ms, greatest({} - coalesce(t.n, 0), 0) as room \
             from webhooks w left join unnest({}, {}) t (id, n) on t.id = w.id order by random() \
           ) w cross join lateral ( \
             select d.project_id, d.id, d.due_at from deliveries d \
             where d.webhook_id = w.id and d.project_id = w.project_id and d.status in (0, 3) and d.due_at <= {} \
             order by d.due_at limit w.room for update skip locked \
           ) d limit {} \
         ) \
         update deliveries d set status = 1, claims = d.claims + 1, \
           due_at = {} + (p.timeout_ms + 15000) * interval '1 millisecond', claimed_by = {} \
         from picked p where d.project_id = p.project_id and d.id = p.id and d.status in (0, 3) \
         returning d.project_id, d.id, d.event_id, d.webhook_id, d.claims, d.due_at, d.attempt_count, d.retries_used, d.test, \
           p.due_at as was_due"
}

/// Claims due deliveries, oldest due first within a webhook and webhooks in random order, at most `room_each` for a
/// webhook (less what `taken` says is in this node's hands) and `limit` in all. They come in the order in which they were
/// due.
///
/// Rows that another node is claiming are passed over.
pub fn claim(
    conn: &mut PgConnection,
    node: Uuid,
    now: OffsetDateTime,
    room_each: i64,
    taken: &HashMap<WebhookId, i64>,
    limit: i64,
) -> Result<Vec<ClaimedRow>, DbError> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(embed)]
        claimed: Row,
        #[diesel(sql_type = Timestamptz)]
        was_due: OffsetDateTime,
    }
    let (busy, counts) = taken.iter().map(|(id, n)| (*id, *n)).unzip();
    let mut rows: Vec<Due> =
        ClaimDue { room_each, busy, counts, due_by: now, limit, now, node }.load(conn)?;
    // An update tells its rows in the order in which it happened to find them.
    rows.sort_by_key(|due| due.was_due);
    Ok(rows.into_iter().map(|due| due.claimed.into()).collect())
}

prepared! {
    /// The first of each webhook's queue.
    pub struct FirstDue -> diesel::sql_types::Untyped {}
    sql "select w.id as webhook_id, d.due_at from webhooks w cross join lateral ( \
           select d.due_at from deliveries d where d.webhook_id = w.id and d.project_id = w.project_id \
           and d.status in (0, 3) order by d.due_at limit 1) d"
}

/// For each webhook with waiting deliveries, when the first of them is due.
pub fn first_due(conn: &mut PgConnection) -> Result<Vec<(WebhookId, OffsetDateTime)>, DbError> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = SqlUuid)]
        webhook_id: WebhookId,
        #[diesel(sql_type = Timestamptz)]
        due_at: OffsetDateTime,
    }
    let rows: Vec<Due> = FirstDue {}.load(conn)?;
    Ok(rows.into_iter().map(|row| (row.webhook_id, row.due_at)).collect())
}

/// How many claims were undone.
pub type Rescued = usize;

/// Makes due again what is being sent and meets a condition; each leaves an `interrupted` attempt. Tests are over with it.
macro_rules! interrupt_where {
    ($condition:literal) => {
        concat!(
            "with cut as ( \
               update deliveries d set status = case when test then 4 when attempt_count = 0 then 0 else 3 end, \
                 due_at = case when test then null else {}::timestamptz end, \
                 ended_at = case when test then {}::timestamptz end, \
                 claimed_by = null, attempt_count = attempt_count + 1, last_response_status = null, last_failure_kind = 8, \
                 last_failure_detail = 'Callout stopped during this attempt; ' \
                   || case when test then 'a test is not repeated.' else 'it is repeated at once.' end \
               where status = 1 and ",
            $condition,
            " returning project_id, id, webhook_id, claims, last_failure_detail \
             ) \
             insert into attempts (project_id, delivery_id, number, started_at, duration_us, url, request_headers, \
               body_format, failure_kind, failure_detail) \
             select c.project_id, c.id, c.claims, {}, 0, w.target_url, '', 1, {}, \
               c.last_failure_detail \
             from cut c join webhooks w on w.project_id = c.project_id and w.id = c.webhook_id \
             on conflict (project_id, delivery_id, number) do nothing"
        )
    };
}

prepared! {
    /// What a lease ran out for. A statement of its own, asked often: it reads nothing of what is well.
    pub struct InterruptEnded -> () {
        due: Timestamptz = OffsetDateTime,
        ended: Timestamptz = OffsetDateTime,
        now: Timestamptz = OffsetDateTime,
        started: Timestamptz = OffsetDateTime,
        kind: SmallInt = i16,
    }
    sql interrupt_where!("due_at <= {}")
}

prepared! {
    /// What a node holds, and with it what a lease ran out for.
    pub struct InterruptHeld -> () {
        due: Timestamptz = OffsetDateTime,
        ended: Timestamptz = OffsetDateTime,
        now: Timestamptz = OffsetDateTime,
        node: SqlUuid = Uuid,
        started: Timestamptz = OffsetDateTime,
        kind: SmallInt = i16,
    }
    sql interrupt_where!("(due_at <= {} or claimed_by = {})")
}

/// Makes deliveries due again whose lease ran out: the node that had them is gone or stuck.
pub fn rescue(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Rescued, DbError> {
    Ok(rescue_ended(conn, now)? + interrupted(conn, now, None)?)
}

/// Makes deliveries due again that this node held before it last stopped. It can hand over from then on.
pub fn take_back(conn: &mut PgConnection, node: Uuid, now: OffsetDateTime) -> Result<Rescued, DbError> {
    Ok(make_places(conn, node, now)? + interrupted(conn, now, Some(node))?)
}

fn interrupted(conn: &mut PgConnection, now: OffsetDateTime, node: Option<Uuid>) -> Result<Rescued, DbError> {
    let kind = FailureKind::Interrupted.number();
    let rescued = match node {
        None => InterruptEnded { due: now, ended: now, now, started: now, kind }.execute(conn)?,
        Some(node) => InterruptHeld { due: now, ended: now, now, node, started: now, kind }.execute(conn)?,
    };
    Ok(rescued)
}
