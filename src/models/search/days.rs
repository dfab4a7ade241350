//! The days that the index is cut into: made when they are needed, dropped when their time or the budget is over.
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, Time};
use uuid::Uuid;

use crate::base::db::DbError;
use crate::base::ids;
use crate::base::schema::search_progress;

/// Whoever searches waits no longer for a day to be made or dropped; it is tried again.
const LOCK_TIMEOUT_MS: u32 = 2_000;
/// Any number, as long as every node takes the same: one makes or drops days at a time.
const LOCK: i64 = 0x63_61_6c_6c_73_65_61;

/// What is kept of the index.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Bytes on disk; without any there is no index.
    pub bytes: u64,
    /// As long as the events' bodies.
    pub time: Duration,
}

/// The first and the first no longer id of a day.
pub(super) fn bounds(date: Date) -> (Uuid, Uuid) {
    let bound = |date: Date| ids::lower_bound(date.with_time(Time::MIDNIGHT).assume_utc());
    (bound(date), bound(date.next_day().unwrap_or(Date::MAX)))
}

fn name_of(table: &str, date: Date) -> String {
    format!("{table}_{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day())
}

/// Makes the tables of a day unless they are there.
pub(super) fn make(conn: &mut PgConnection, date: Date) -> Result<(), DbError> {
    let is_there = format!("to_regclass('{}') is not null", name_of("search_blocks", date));
    if diesel::select(diesel::dsl::sql::<Bool>(&is_there)).get_result(conn)? {
        return Ok(());
    }
    lock(conn)?;
    let (from, to) = bounds(date);
    conn.batch_execute(&format!("set local lock_timeout = {LOCK_TIMEOUT_MS}"))?;
    for table in ["search_segments", "search_blocks"] {
        conn.batch_execute(&format!(
            "create table if not exists {} partition of {table} for values from ('{from}') to ('{to}')",
            name_of(table, date)
        ))?;
    }
    Ok(())
}

fn lock(conn: &mut PgConnection) -> Result<(), DbError> {
    Ok(conn.batch_execute(&format!("select pg_advisory_xact_lock({LOCK})"))?)
}

/// Drops days whose time is over, and the oldest ones, never today's, until the rest is within the budget. Answers those.
///
/// If today's alone is more than the budget, nothing new is taken in.
pub fn keep_within(conn: &mut PgConnection, kept: Kept, now: OffsetDateTime) -> Result<Vec<Date>, DbError> {
    conn.transaction(|conn| {
        lock(conn)?;
        conn.batch_execute(&format!("set local lock_timeout = {LOCK_TIMEOUT_MS}"))?;
        let (mut dropped, mut total) = (Vec::new(), 0);
        let days = days(conn)?;
        let mut bytes: u64 = days.iter().map(|(_, bytes)| bytes).sum();
        for (date, of_day) in days {
            let is_over = date.next_day().unwrap_or(Date::MAX).midnight().assume_utc() + kept.time <= now;
            let is_too_much = bytes > kept.bytes && (date < now.date() || kept.bytes == 0);
            if is_over || is_too_much {
                bytes -= of_day;
                dropped.push((date, is_too_much));
            } else {
                total += of_day;
            }
        }
        let budget = i64::try_from(kept.bytes).unwrap_or(i64::MAX);
        if kept.bytes == 0 {
            diesel::delete(search_progress::table).execute(conn)?;
        }
        // Rows before tables, in the order of whoever writes a segment.
        if let Some((date, _)) = dropped.iter().rfind(|(_, is_too_much)| *is_too_much) {
            let reaches = search_progress::table.filter(search_progress::known_from.lt(bounds(*date).1));
            let (known_from, dropped_at) = (search_progress::known_from, search_progress::dropped_at);
            let set =
                (known_from.eq(bounds(*date).1), dropped_at.eq(budget), search_progress::is_whole.eq(false));
            diesel::update(reaches).set(set).execute(conn)?;
            // What was not taken in of those days never is.
            let behind = search_progress::table.filter(search_progress::known_to.lt(bounds(*date).1));
            diesel::update(behind).set(search_progress::known_to.eq(bounds(*date).1)).execute(conn)?;
        }
        let is_full = total > kept.bytes;
        diesel::update(search_progress::table.filter(search_progress::is_full.ne(is_full)))
            .set(search_progress::is_full.eq(is_full))
            .execute(conn)?;
        for (date, _) in &dropped {
            let tables = ["search_segments", "search_blocks"].map(|table| name_of(table, *date));
            conn.batch_execute(&format!("drop table if exists {}", tables.join(", ")))?;
        }
        Ok(dropped.into_iter().map(|(date, _)| date).collect())
    })
}

#[derive(QueryableByName)]
struct Day {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    bytes: Option<i64>,
}

/// The days that there are, oldest first, with their bytes.
fn days(conn: &mut PgConnection) -> Result<Vec<(Date, u64)>, DbError> {
    let tables: Vec<Day> = diesel::sql_query(
        "select right(c.relname::text, 8) as name, sum(pg_total_relation_size(c.oid))::bigint as bytes \
         from pg_inherits i join pg_class c on c.oid = i.inhrelid \
         where i.inhparent in ('search_segments'::regclass, 'search_blocks'::regclass) group by 1 order by 1",
    )
    .load(conn)?;
    let read = |day: Day| {
        let date = Date::parse(&day.name, format_description!("[year][month][day]")).ok()?;
        Some((date, u64::try_from(day.bytes.unwrap_or_default()).unwrap_or_default()))
    };
    Ok(tables.into_iter().filter_map(read).collect())
}

/// Bytes of the index on disk.
pub fn size(conn: &mut PgConnection) -> Result<u64, DbError> {
    Ok(days(conn)?.iter().map(|(_, bytes)| bytes).sum())
}
