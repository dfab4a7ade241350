//! The rows that webhooks with a rate have, for the queue to keep it over all nodes.
use diesel::prelude::*;
use time::OffsetDateTime;

use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::webhook_rates;

/// Gives a webhook its row if it has a rate, and takes it away if not. One that had a rate before goes on from there.
pub(super) fn keep(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    rate_per_s: Option<i32>,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    if rate_per_s.is_none() {
        return forget(conn, project, id);
    }
    diesel::insert_into(webhook_rates::table)
        .values((
            webhook_rates::project_id.eq(project),
            webhook_rates::webhook_id.eq(id),
            webhook_rates::next_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// Takes a webhook's row away: it has no rate, or exists no more.
pub(super) fn forget(conn: &mut PgConnection, project: ProjectId, id: WebhookId) -> Result<(), DbError> {
    diesel::delete(webhook_rates::table.find((project, id))).execute(conn)?;
    Ok(())
}
