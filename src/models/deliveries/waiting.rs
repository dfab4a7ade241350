//! What a webhook would send yet.
use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};

use crate::base::db::{DbError, by_key};
use crate::base::ids::{ProjectId, WebhookId};
use crate::prepared;

/// Deliveries of a webhook that have not ended, but for those being sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Due, or waiting for another attempt.
    pub queued: i64,
    /// Kept back while the webhook, or all webhooks, are off.
    pub held: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    webhook_id: WebhookId,
    #[diesel(sql_type = BigInt)]
    queued: i64,
    #[diesel(sql_type = BigInt)]
    held: i64,
}

prepared! {
    /// Two counts a webhook, each of which finds its partial index.
    pub struct CountWaiting -> diesel::sql_types::Untyped {
        project: SqlUuid = ProjectId,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
    }
    sql "select w.id as webhook_id, \
         (select count(*) from deliveries d where d.project_id = asked.project and d.webhook_id = w.id \
           and d.status in (0, 3)) as queued, \
         (select count(*) from deliveries d where d.project_id = asked.project and d.webhook_id = w.id \
           and d.status = 5) as held \
         from (select {} as project, {} as webhooks) asked cross join unnest(asked.webhooks) w (id)"
}

/// What waits for each of some webhooks of a project. Every one of them has an entry.
pub fn waiting(
    conn: &mut PgConnection,
    project: ProjectId,
    webhooks: Vec<WebhookId>,
) -> Result<HashMap<WebhookId, Waiting>, DbError> {
    let rows: Vec<Row> = by_key(conn, |conn| Ok(CountWaiting { project, webhooks }.load(conn)?))?;
    Ok(rows.into_iter().map(|row| (row.webhook_id, Waiting { queued: row.queued, held: row.held })).collect())
}

/// How many deliveries are kept back for a webhook.
pub fn held_count(conn: &mut PgConnection, project: ProjectId, id: WebhookId) -> Result<i64, DbError> {
    Ok(waiting(conn, project, vec![id])?.get(&id).map_or(0, |waiting| waiting.held))
}
