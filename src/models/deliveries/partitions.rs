//! The days that events, deliveries and attempts are cut into.
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, Time};

use crate::base::db::DbError;
use crate::base::ids;

/// Days ahead for which there is always a place.
const DAYS_AHEAD: i64 = 7;
/// A dump or another reader may hold the tables; nobody may queue up behind us meanwhile. It is tried again.
const LOCK_TIMEOUT_MS: u32 = 200;
/// Days whose tables somebody else had are tried again so often, all days together.
const TRIES: u32 = 20;
/// Any number, as long as every node takes the same: one makes partitions at a time.
const LOCK: i64 = 0x63_61_6c_6c_70_61_72;

/// What is cut into days, and by which column.
const TABLES: [(&str, &str); 3] = [("events", "id"), ("deliveries", "id"), ("attempts", "delivery_id")];

/// Makes the partitions of today and the days ahead that do not exist yet.
///
/// A day gets all three tables or none: one of which rows lie in the default partition keeps them there, so a late call
/// loses nothing.
pub fn make_ahead(conn: &mut PgConnection, now: OffsetDateTime) -> Result<(), DbError> {
    for day in -1..=DAYS_AHEAD {
        let date = (now + Duration::days(day)).date();
        conn.transaction(|conn| make(conn, date))?;
    }
    Ok(())
}

/// Makes the partitions from the day of `from` up to today that do not exist yet, for history that is written afterwards.
pub fn make_behind(
    conn: &mut PgConnection,
    from: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let (mut date, mut tries_left) = (from.date(), TRIES);
    while date <= now.date() {
        let made = conn.transaction(|conn| make(conn, date));
        if made.is_err() && tries_left > 0 {
            // Somebody had the tables for a moment.
            tries_left -= 1;
            continue;
        }
        made?;
        date = date.next_day().unwrap_or(Date::MAX);
    }
    Ok(())
}

fn make(conn: &mut PgConnection, date: Date) -> Result<(), DbError> {
    let missing = TABLES.map(|(table, _)| format!("to_regclass('{}') is null", name_of(table, date)));
    if !is_so(conn, &missing.join(" or "))? {
        return Ok(());
    }
    // First of all: whoever waits for it must not hold a table that its holder wants.
    lock(conn)?;
    let (from, to) = (bound(date), bound(date.next_day().unwrap_or(Date::MAX)));
    if is_so(conn, &TABLES.map(|(table, key)| has_older(table, key, from, to)).join(" or "))? {
        return Ok(());
    }
    conn.batch_execute(&format!("set local lock_timeout = {LOCK_TIMEOUT_MS}"))?;
    for (table, _) in TABLES {
        conn.batch_execute(&format!(
            "create table if not exists {} partition of {table} for values from ('{from}') to ('{to}')",
            name_of(table, date)
        ))?;
    }
    Ok(())
}

/// The name of a day's table.
pub(super) fn name_of(table: &str, date: Date) -> String {
    format!("{table}_{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day())
}

/// The day of a table of this name; none for the default partition, which has none.
pub(super) fn date_of(table: &str, name: &str) -> Option<Date> {
    let day = name.strip_prefix(table)?.strip_prefix('_')?;
    Date::parse(day, format_description!("[year][month][day]")).ok()
}

/// One node makes partitions at a time; until the end of the transaction.
fn lock(conn: &mut PgConnection) -> Result<(), DbError> {
    Ok(conn.batch_execute(&format!("select pg_advisory_xact_lock({LOCK})"))?)
}

/// The condition that rows of this range lie in the default partition.
fn has_older(table: &str, key: &str, from: uuid::Uuid, to: uuid::Uuid) -> String {
    format!("exists (select 1 from {table}_older where {key} >= '{from}' and {key} < '{to}')")
}

fn is_so(conn: &mut PgConnection, condition: &str) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(condition)).get_result(conn)?)
}

/// The smallest id of a day.
pub(super) fn bound(date: Date) -> uuid::Uuid {
    ids::lower_bound(date.with_time(Time::MIDNIGHT).assume_utc())
}
