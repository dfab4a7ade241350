//! The last deliveries of each webhook, side by side.
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;
use uuid::Uuid;

use super::status::{FailureKind, Status};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, ProjectId, WebhookId};

/// A delivery as far as it says how its webhook fares.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Recent {
    pub webhook: WebhookId,
    pub id: DeliveryId,
    pub event_type: String,
    pub status: Status,
    pub test: bool,
    pub response_status: Option<u16>,
    pub failure: Option<FailureKind>,
    /// When it was settled, or when the event arrived while it waits.
    pub at: OffsetDateTime,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    webhook_id: WebhookId,
    #[diesel(sql_type = SqlUuid)]
    id: DeliveryId,
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Bool)]
    test: bool,
    #[diesel(sql_type = Nullable<SmallInt>)]
    last_response_status: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    last_failure_kind: Option<i16>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<OffsetDateTime>,
}

/// The last deliveries of every one of `webhooks`, newest first: at most `limit` each, of events that arrived from
/// `since` on.
///
/// One statement; a short range of `deliveries_webhook_idx` for each webhook, read backwards day by day until there are
/// enough.
pub fn recent(
    conn: &mut PgConnection,
    project: ProjectId,
    webhooks: &[WebhookId],
    since: OffsetDateTime,
    now: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Recent>, DbError> {
    // Bounded on both sides, so that no row can lie in the partition for everything else: only then does Postgres read
    // the days one after the other instead of opening them all.
    let (from, to) = (ids::lower_bound(since), ids::lower_bound(now + time::Duration::days(1)));
    let rows: Vec<Row> = diesel::sql_query(
        "select d.* from unnest($1) w (id) cross join lateral ( \
           select d.webhook_id, d.id, d.event_type, d.status, d.test, d.last_response_status, \
             d.last_failure_kind, d.ended_at \
           from deliveries d where d.project_id = $2 and d.webhook_id = w.id and d.id >= $3 and d.id < $4 \
           order by d.id desc limit $5 \
         ) d order by d.webhook_id, d.id desc",
    )
    .bind::<Array<SqlUuid>, _>(webhooks)
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, Uuid>(from)
    .bind::<SqlUuid, Uuid>(to)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(rows.into_iter().map(Recent::from).collect())
}

impl From<Row> for Recent {
    fn from(row: Row) -> Self {
        Self {
            webhook: row.webhook_id,
            id: row.id,
            event_type: row.event_type,
            status: Status::of_number(row.status),
            test: row.test,
            response_status: row.last_response_status.and_then(|status| u16::try_from(status).ok()),
            failure: row.last_failure_kind.and_then(FailureKind::of_number),
            at: row.ended_at.unwrap_or_else(|| ids::time_of(row.id.0)),
        }
    }
}
