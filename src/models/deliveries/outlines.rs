//! Attempts of many deliveries at once, without what was sent and answered.
use std::collections::HashMap;

use diesel::prelude::*;
use time::OffsetDateTime;

use super::status::{Failure, failure_of};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId};
use crate::base::schema::attempts;

/// An attempt without headers and bodies.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Outline {
    /// Counts from 1 within the delivery.
    pub number: usize,
    pub started_at: OffsetDateTime,
    pub duration_us: i32,
    pub url: String,
    pub address: Option<String>,
    pub response_status: Option<u16>,
    pub failure: Option<Failure>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = attempts, check_for_backend(diesel::pg::Pg))]
struct Row {
    delivery_id: DeliveryId,
    started_at: OffsetDateTime,
    duration_us: i32,
    url: String,
    address: Option<String>,
    response_status: Option<i16>,
    failure_kind: Option<i16>,
    failure_detail: Option<String>,
}

/// The attempts of some deliveries of the project, first one first.
pub fn outlines(
    conn: &mut PgConnection,
    project: ProjectId,
    deliveries: &[DeliveryId],
) -> Result<HashMap<DeliveryId, Vec<Outline>>, DbError> {
    let rows: Vec<Row> = attempts::table
        .filter(attempts::project_id.eq(project))
        .filter(attempts::delivery_id.eq_any(deliveries))
        .order((attempts::delivery_id, attempts::number))
        .select(Row::as_select())
        .load(conn)?;
    let mut found: HashMap<DeliveryId, Vec<Outline>> = HashMap::new();
    for row in rows {
        let of = found.entry(row.delivery_id).or_default();
        of.push(Outline {
            number: of.len() + 1,
            started_at: row.started_at,
            duration_us: row.duration_us,
            url: row.url,
            address: row.address,
            response_status: row.response_status.and_then(|status| u16::try_from(status).ok()),
            failure: failure_of(row.failure_kind, row.failure_detail),
        });
    }
    Ok(found)
}
