//! Deliveries that are known by their ids.
use std::collections::HashMap;

use diesel::prelude::*;

use super::Delivery;
use super::history::Row;
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId};
use crate::base::schema::deliveries;

/// Those of some deliveries of the project that have a row.
pub fn named(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: &[DeliveryId],
) -> Result<HashMap<DeliveryId, Delivery>, DbError> {
    let rows: Vec<Row> = deliveries::table
        .filter(deliveries::project_id.eq(project))
        .filter(deliveries::id.eq_any(ids))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Delivery::from).map(|delivery| (delivery.id, delivery)).collect())
}
