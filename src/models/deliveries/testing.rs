//! Tests: an event to one webhook, whatever it subscribes to and whether it is on.
use std::sync::Arc;

use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Claimed, NewDelivery, Status, delivery_id, insert};
use crate::base::db::DbError;
use crate::base::schema::deliveries;
use crate::models::events::{self, Payload};
use crate::models::webhooks::Target;

/// Writes a test with its event, claimed by `node` at once: no dispatcher ever sees it waiting.
///
/// Call it in a transaction, send after the commit, and record the outcome under this claim. A claim that is lost on
/// the way ends the delivery as failed: a test is sent once, unless a person resends it.
pub fn begin_test(
    conn: &mut PgConnection,
    payload: &Arc<Payload>,
    target: &Arc<Target>,
    node: Uuid,
    now: OffsetDateTime,
) -> Result<Claimed, DbError> {
    let webhook = target.webhook.id;
    let id = delivery_id(payload.id, webhook);
    let claimed = Claimed { test: true, ..Claimed::first(id, payload.clone(), target, now) };
    let delivery = NewDelivery {
        project: payload.project,
        id: claimed.id,
        event: payload.id,
        webhook,
        event_type: payload.event_type.clone(),
        status: Status::Sending,
        due_at: Some(claimed.lease_ends),
        claimed_by: Some(node),
    };
    events::insert_test(conn, payload)?;
    insert(conn, &[delivery])?;
    diesel::update(deliveries::table.find((payload.project, claimed.id)))
        .set(deliveries::test.eq(true))
        .execute(conn)?;
    Ok(claimed)
}
