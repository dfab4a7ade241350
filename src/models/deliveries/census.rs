//! A count of everything, to check a history that nobody else reads: it goes over whole tables, so no page and no API
//! call asks for it.
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};

use super::Status;
use super::in_memory::any_without_row;
use crate::base::db::DbError;
use crate::base::ids::WebhookId;
use crate::base::schema::deliveries;

/// What all projects' deliveries and attempts come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// All deliveries.
    pub deliveries: u64,
    /// Those that were delivered.
    pub delivered: u64,
    /// Those that are due, being sent, or waiting for a retry.
    pub open: u64,
    /// All attempts.
    pub attempts: u64,
    /// Delivered without an attempt that was answered 2xx.
    pub without_success: u64,
    /// With fewer attempts than their count says.
    pub without_attempts: u64,
    /// Ended before their last attempt did, or attempted before they were made.
    pub out_of_order: u64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    deliveries: i64,
    #[diesel(sql_type = BigInt)]
    delivered: i64,
    #[diesel(sql_type = BigInt)]
    open: i64,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    without_success: i64,
    #[diesel(sql_type = BigInt)]
    without_attempts: i64,
    #[diesel(sql_type = BigInt)]
    out_of_order: i64,
}

/// Whether any delivery of any project is due, being sent, or waiting for a retry; those to `but_for` do not count.
pub fn any_open(conn: &mut PgConnection, but_for: &[WebhookId]) -> Result<bool, DbError> {
    let open = [Status::Due, Status::Sending, Status::Retrying].map(|status| status.number());
    let rows = deliveries::table
        .filter(deliveries::status.eq_any(open))
        .filter(deliveries::webhook_id.ne_all(but_for));
    Ok(any_without_row(conn)? || diesel::select(diesel::dsl::exists(rows)).get_result(conn)?)
}

/// Counts and compares everything but the deliveries to `but_for`.
pub fn census(conn: &mut PgConnection, but_for: &[WebhookId]) -> Result<Census, DbError> {
    let row: Row =
        diesel::sql_query(include_str!("census.sql")).bind::<Array<SqlUuid>, _>(but_for).get_result(conn)?;
    let count = |value: i64| u64::try_from(value).unwrap_or_default();
    Ok(Census {
        deliveries: count(row.deliveries),
        delivered: count(row.delivered),
        open: count(row.open),
        attempts: count(row.attempts),
        without_success: count(row.without_success),
        without_attempts: count(row.without_attempts),
        out_of_order: count(row.out_of_order),
    })
}
