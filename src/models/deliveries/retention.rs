//! Old history goes by the day: partitions are dropped, and what must stay longer is moved out first.
//!
//! The default partitions (`…_older`) hold what outlived its day: open deliveries, failures that are kept longer, and
//! deliveries that ended long after their event. They are small and pruned row by row.
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz};
use time::{Date, Duration, OffsetDateTime};

use super::partitions::{date_of, name_of};
use crate::base::db::DbError;

/// How long finished deliveries are kept, counted from their end. Open ones are always kept.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Retention {
    pub delivered: Duration,
    pub failed: Duration,
    /// None: as long as the delivery. See [`super::empty_behind`].
    pub bodies: Option<Duration>,
}

/// Dropping a day must not make senders wait: without the lock by then, it is tried again later.
const LOCK_TIMEOUT_MS: u32 = 2_000;

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Drops the days that are over, oldest first, and prunes what had been moved out. Answers the days dropped.
pub fn drop_behind(
    conn: &mut PgConnection,
    retention: Retention,
    now: OffsetDateTime,
) -> Result<Vec<Date>, DbError> {
    let mut dropped = Vec::new();
    for date in days(conn)? {
        // A delivery ends on its event's day at the earliest.
        let over_at = date.next_day().unwrap_or(Date::MAX).midnight().assume_utc() + retention.delivered;
        if over_at > now {
            break;
        }
        conn.transaction(|conn| drop_day(conn, date, retention, now))?;
        dropped.push(date);
    }
    prune(conn, retention, now)?;
    Ok(dropped)
}

/// The days that have tables of their own, oldest first.
pub(super) fn days(conn: &mut PgConnection) -> Result<Vec<Date>, DbError> {
    let names: Vec<Name> = diesel::sql_query(
        "select c.relname::text as name from pg_inherits i join pg_class c on c.oid = i.inhrelid \
         where i.inhparent = 'deliveries'::regclass and c.relname ~ '^deliveries_[0-9]{8}$' order by c.relname",
    )
    .load(conn)?;
    Ok(names.iter().filter_map(|row| date_of("deliveries", &row.name)).collect())
}

fn drop_day(
    conn: &mut PgConnection,
    date: Date,
    retention: Retention,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let [events, deliveries, attempts] =
        ["events", "deliveries", "attempts"].map(|table| name_of(table, date));
    conn.batch_execute(&format!(
        "set local lock_timeout = {LOCK_TIMEOUT_MS}; set local statement_timeout = 0"
    ))?;
    for (table, of_day) in [("events", &events), ("deliveries", &deliveries), ("attempts", &attempts)] {
        let exists = diesel::dsl::sql::<Bool>(&format!("to_regclass('{of_day}') is not null"));
        let exists: bool = diesel::select(exists).get_result(conn)?;
        // A day may lack a table, whose rows are in the default partition then: an empty one stands for it.
        conn.batch_execute(&match exists {
            true => format!("alter table {table} detach partition {of_day}"),
            false => format!("create table {of_day} (like {table})"),
        })?;
    }
    // Inserted into the parents, whose default partitions are the only ones left for this day.
    diesel::sql_query(format!(
        "insert into deliveries select * from {deliveries} where status not in (2, 4, 6) \
         or ended_at > case when status = 4 then $1 else $2 end"
    ))
    .bind::<Timestamptz, _>(now - retention.failed)
    .bind::<Timestamptz, _>(now - retention.delivered)
    .execute(conn)?;
    conn.batch_execute(&format!(
        "insert into events select e.* from {events} e where exists \
           (select 1 from deliveries_older d where d.project_id = e.project_id and d.event_id = e.id); \
         insert into attempts select a.* from {attempts} a where exists \
           (select 1 from deliveries_older d where d.project_id = a.project_id and d.id = a.delivery_id); \
         drop table {events}, {deliveries}, {attempts}"
    ))?;
    Ok(())
}

/// Forgets what was moved out and has had its time.
fn prune(conn: &mut PgConnection, retention: Retention, now: OffsetDateTime) -> Result<(), DbError> {
    conn.transaction(|conn| {
        let gone = diesel::sql_query(
            "delete from deliveries_older where status in (2, 4, 6) \
             and ended_at <= case when status = 4 then $1 else $2 end",
        )
        .bind::<Timestamptz, _>(now - retention.failed)
        .bind::<Timestamptz, _>(now - retention.delivered)
        .execute(conn)?;
        if gone > 0 {
            conn.batch_execute(
                "delete from attempts_older a where not exists \
                   (select 1 from deliveries_older d where d.project_id = a.project_id and d.id = a.delivery_id); \
                 delete from events_older e where not exists \
                   (select 1 from deliveries_older d where d.project_id = e.project_id and d.event_id = e.id)",
            )?;
        }
        Ok(())
    })
}
