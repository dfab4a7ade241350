//! Deliveries of events that came before a webhook was to have them: made by a replay, some at a time.
use std::collections::{HashMap, HashSet};

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use time::{Duration, OffsetDateTime};

use super::in_memory::without_row;
use super::resend::{ResendError, Resent, can_be_called, statuses};
use super::{NewDelivery, Status, bodies, insert};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId, WebhookId};
use crate::models::events;

/// Makes the deliveries of some events to one webhook, due now in the order given, and tells what became of each. Those
/// that there are already stay as they are. None if bodies of their days are being emptied: try again. Whether the
/// project sends at all is the caller's to ask; wake the dispatcher afterwards.
pub fn send_past(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    wanted: &[(DeliveryId, EventId)],
    now: OffsetDateTime,
) -> Result<Option<Vec<(DeliveryId, Resent)>>, DbError> {
    // Nobody turns a switch meanwhile.
    diesel::sql_query("select from projects where id = $1 for share")
        .bind::<SqlUuid, _>(project)
        .execute(conn)?;
    let hindrance = match can_be_called(conn, project, webhook) {
        Ok(()) => None,
        Err(ResendError::Db(error)) => return Err(error),
        Err(ResendError::WebhookOff) => Some(Resent::WebhookOff),
        Err(_) => Some(Resent::WebhookDeleted),
    };
    let days = wanted.iter().map(|(_, event)| ids::time_of(event.0).date()).collect();
    if !bodies::try_hold(conn, &days)? {
        return Ok(None);
    }
    let event_ids: Vec<EventId> = wanted.iter().map(|(_, event)| *event).collect();
    let delivery_ids: Vec<DeliveryId> = wanted.iter().map(|(id, _)| *id).collect();
    // Those without a row are looked for first: one that gets its row meanwhile is found there.
    let in_memory: HashSet<DeliveryId> = without_row(conn, project)?.into_iter().map(|one| one.id).collect();
    let there = statuses(conn, project, &delivery_ids)?;
    let kept = events::with_data(conn, project, event_ids.clone())?;
    let types: HashMap<EventId, String> = events::types_of(conn, project, event_ids)?;
    let mut new = Vec::new();
    let mut became = Vec::new();
    for (n, (id, event)) in wanted.iter().enumerate() {
        let is_there = there.contains_key(id) || in_memory.contains(id);
        let verdict = match (hindrance, types.get(event)) {
            _ if is_there => Resent::Made,
            (Some(hindrance), _) => hindrance,
            (None, Some(event_type)) if kept.contains(event) => {
                let before = i64::try_from(wanted.len() - n).unwrap_or_default();
                new.push(NewDelivery {
                    project,
                    id: *id,
                    event: *event,
                    webhook,
                    event_type: event_type.clone(),
                    status: Status::Due,
                    due_at: Some(now - Duration::microseconds(before)),
                    claimed_by: None,
                });
                Resent::Due
            }
            _ => Resent::NotKept,
        };
        became.push((*id, verdict));
    }
    insert(conn, &new)?;
    Ok(Some(became))
}
