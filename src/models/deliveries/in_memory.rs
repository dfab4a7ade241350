//! Reading deliveries that have no row yet, see [`super::hand_over`].
use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Uuid as SqlUuid};

use super::hand_over::{Triple, unpacked};
use super::{Delivery, Status, delivery_id};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId, WebhookId};
use crate::base::schema::{deliveries, hand_overs};
use crate::models::events;

/// What stands for deliveries: they may have rows by now.
fn packed(conn: &mut PgConnection) -> Result<Vec<Vec<u8>>, DbError> {
    let filled = hand_overs::table.filter(hand_overs::deliveries.is_not_null());
    Ok(filled.select(hand_overs::deliveries.assume_not_null()).load(conn)?)
}

/// A project's deliveries that have no row yet: some node has them in memory.
pub(super) fn without_row(conn: &mut PgConnection, project: ProjectId) -> Result<Vec<Delivery>, DbError> {
    let rows = packed(conn)?;
    let own = rows.iter().flat_map(|row| unpacked(row)).filter(|(owner, ..)| *owner == project);
    let mut open: Vec<(DeliveryId, EventId, WebhookId)> =
        own.map(|(_, event, webhook)| (delivery_id(event, webhook), event, webhook)).collect();
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<DeliveryId> = open.iter().map(|(id, ..)| *id).collect();
    let rows: Vec<DeliveryId> = deliveries::table
        .filter(deliveries::project_id.eq(project))
        .filter(deliveries::id.eq_any(ids))
        .select(deliveries::id)
        .load(conn)?;
    open.retain(|(id, ..)| !rows.contains(id));
    let kinds: HashMap<EventId, String> =
        events::types_of(conn, project, open.iter().map(|(_, event, _)| *event).collect())?;
    Ok(open
        .into_iter()
        .filter_map(|(id, event, webhook)| {
            Some(Delivery {
                id,
                event,
                webhook,
                event_type: kinds.get(&event)?.clone(),
                status: Status::Sending,
                test: false,
                created_at: ids::time_of(id.0),
                next_attempt_at: None,
                attempt_count: 0,
                retries_used: 0,
                last_response_status: None,
                last_failure: None,
                ended_at: None,
            })
        })
        .collect())
}

/// Whether any node's memory holds what has no row yet. For those who wait until everything is over.
pub(super) fn any_without_row(conn: &mut PgConnection) -> Result<bool, DbError> {
    let rows = packed(conn)?;
    let open: Vec<Triple> = rows.iter().flat_map(|row| unpacked(row)).collect();
    let (projects, ids): (Vec<ProjectId>, Vec<DeliveryId>) =
        open.iter().map(|(project, event, webhook)| (*project, delivery_id(*event, *webhook))).unzip();
    let row: Exists = diesel::sql_query(
        "select exists (select from unnest($1, $2) o (project_id, id) where not exists \
         (select from deliveries d where d.project_id = o.project_id and d.id = o.id)) as any_open",
    )
    .bind::<Array<SqlUuid>, _>(projects)
    .bind::<Array<SqlUuid>, _>(ids)
    .get_result(conn)?;
    Ok(row.any_open)
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    any_open: bool,
}
