//! What became of deliveries and attempts, oldest first: for counting them anew.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;
use uuid::Uuid;

use super::status::{FailureKind, Status};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};

/// An attempt with its delivery. Each delivery's come one after the other, first one first.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Settled {
    pub delivery: DeliveryId,
    pub webhook: WebhookId,
    pub status: Status,
    pub ended_at: Option<OffsetDateTime>,
    /// Whether it is the last of its delivery so far.
    pub is_last: bool,
    /// Whether it is the only one.
    pub is_only: bool,
    pub started_at: OffsetDateTime,
    pub duration_us: i32,
    pub url: String,
    pub response_status: Option<u16>,
    pub failure: Option<FailureKind>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: DeliveryId,
    #[diesel(sql_type = SqlUuid)]
    webhook_id: WebhookId,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Integer)]
    attempt_count: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Bool)]
    is_last: bool,
    #[diesel(sql_type = Timestamptz)]
    started_at: OffsetDateTime,
    #[diesel(sql_type = Integer)]
    duration_us: i32,
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = Nullable<SmallInt>)]
    response_status: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    failure_kind: Option<i16>,
}

/// The attempts of a project's next deliveries after `after`, tests aside: of at most `limit` deliveries that had any.
pub fn settled(
    conn: &mut PgConnection,
    project: ProjectId,
    after: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Settled>, DbError> {
    let rows: Vec<Row> = diesel::sql_query(
        "select d.id, d.webhook_id, d.status, d.attempt_count, d.ended_at, a.started_at, a.duration_us, a.url, \
           a.response_status, a.failure_kind, a.number = max(a.number) over (partition by d.id) as is_last \
         from (select * from deliveries where project_id = $1 and id > $2 and not test and attempt_count > 0 \
           order by id limit $3) d \
         join attempts a on a.project_id = $1 and a.delivery_id = d.id order by d.id, a.number",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(after.map_or(Uuid::nil(), |id| id.0))
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(rows.into_iter().map(Settled::from).collect())
}

impl From<Row> for Settled {
    fn from(row: Row) -> Self {
        Self {
            delivery: row.id,
            webhook: row.webhook_id,
            status: Status::of_number(row.status),
            ended_at: row.ended_at,
            is_last: row.is_last,
            is_only: row.attempt_count == 1,
            started_at: row.started_at,
            duration_us: row.duration_us,
            url: row.url,
            response_status: row.response_status.and_then(|status| u16::try_from(status).ok()),
            failure: row.failure_kind.and_then(FailureKind::of_number),
        }
    }
}
