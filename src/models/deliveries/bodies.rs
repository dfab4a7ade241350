//! Bodies that have had their time are emptied, a day at a time, while their deliveries stay in the history.
//!
//! An emptied event has no bytes for data (`{}` is the least that was ever accepted), an emptied attempt no response
//! body where there was a response. A day is written anew without them and put in the old one's place, which gives the
//! disk its room back at once; what was still needed then is emptied row by row on later days.
use std::collections::{HashMap, HashSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, OffsetDateTime};

use super::partitions::{bound, name_of};
use super::retention::days;
use crate::base::db::DbError;
use crate::base::ids::{self, EventId};
use crate::base::schema::emptied_days;

/// Advisory locks of this class are held for a day by who empties it and shared by who resends something of it.
const LOCK_CLASS: i32 = 0x62_6f_64_79;
/// The day of what was moved to the default partitions.
const OLDER: i32 = 0;
/// One node empties at a time.
const ONE_AT_A_TIME: i32 = -1;
/// Nobody may queue up behind us for longer; it is tried again so often.
const LOCK_TIMEOUT_MS: u32 = 200;
const TRIES: u32 = 20;
/// A day of which something was left is looked at again after so long.
const AGAIN_AFTER: Duration = Duration::days(1);

/// Keeps the event's bodies from being emptied until the end of the transaction; whether they are there is to be asked
/// afterwards.
pub(super) fn hold(conn: &mut PgConnection, event: EventId) -> Result<(), DbError> {
    let day = ids::time_of(event.0).date().to_julian_day();
    diesel::sql_query("select pg_advisory_xact_lock_shared($1, $2), pg_advisory_xact_lock_shared($1, $3)")
        .bind::<Integer, _>(LOCK_CLASS)
        .bind::<Integer, _>(day)
        .bind::<Integer, _>(OLDER)
        .execute(conn)?;
    Ok(())
}

/// The same for all events of some days, without waiting: false if one of the days is being emptied.
pub(super) fn try_hold(conn: &mut PgConnection, days: &HashSet<Date>) -> Result<bool, DbError> {
    let days = days.iter().map(|day| day.to_julian_day()).chain([OLDER]);
    let each = days.map(|day| format!("pg_try_advisory_xact_lock_shared({LOCK_CLASS}, {day})"));
    is_so(conn, &each.collect::<Vec<_>>().join(" and "))
}

/// Empties what ended longer than `kept` ago, oldest day first. Answers the days that were written anew.
///
/// It may take minutes after a busy day: give it a connection of its own without time limits. Another node that is at
/// it makes it answer at once.
pub fn empty_behind(
    conn: &mut PgConnection,
    kept: Duration,
    now: OffsetDateTime,
) -> Result<Vec<Date>, DbError> {
    if !is_so(conn, &format!("pg_try_advisory_lock({LOCK_CLASS}, {ONE_AT_A_TIME})"))? {
        return Ok(Vec::new());
    }
    let result = empty(conn, kept, now);
    conn.batch_execute(&format!("select pg_advisory_unlock({LOCK_CLASS}, {ONE_AT_A_TIME})"))?;
    result
}

fn empty(conn: &mut PgConnection, kept: Duration, now: OffsetDateTime) -> Result<Vec<Date>, DbError> {
    let looked: HashMap<Date, (OffsetDateTime, bool)> = emptied_days::table
        .load::<(Date, OffsetDateTime, bool)>(conn)?
        .into_iter()
        .map(|(day, at, is_left)| (day, (at, is_left)))
        .collect();
    let mut emptied = Vec::new();
    let all = days(conn)?;
    for date in &all {
        let over_at = date.next_day().unwrap_or(Date::MAX).midnight().assume_utc() + kept;
        if over_at > now {
            break;
        }
        match looked.get(date) {
            None => {
                Day::of(*date, now - kept).write_anew(conn, now)?;
                emptied.push(*date);
            }
            Some((at, true)) if *at + AGAIN_AFTER <= now => {
                Day::of(*date, now - kept).empty_what_was_left(conn, now)?;
            }
            Some(_) => {}
        }
    }
    conn.transaction(|conn| empty_rows(conn, "older", OLDER, &over(now - kept), false))?;
    if let Some(oldest) = all.first() {
        diesel::delete(emptied_days::table.filter(emptied_days::day.lt(oldest))).execute(conn)?;
    }
    Ok(emptied)
}

/// A day whose bodies are to go.
struct Day {
    date: Date,
    events: String,
    deliveries: String,
    attempts: String,
    /// See [`over`].
    over: String,
}

impl Day {
    fn of(date: Date, ended_by: OffsetDateTime) -> Self {
        let [events, deliveries, attempts] =
            ["events", "deliveries", "attempts"].map(|table| name_of(table, date));
        Self { date, events, deliveries, attempts, over: over(ended_by) }
    }

    fn write_anew(&self, conn: &mut PgConnection, now: OffsetDateTime) -> Result<(), DbError> {
        if !is_so(conn, &format!("exists (select from {})", self.events))? {
            return self.looked_at(conn, now);
        }
        // Events first: what is emptied stays so, which makes the second step right however much later it comes.
        conn.transaction(|conn| self.write_events(conn))?;
        conn.transaction(|conn| {
            self.write_attempts(conn)?;
            self.looked_at(conn, now)
        })
    }

    fn empty_what_was_left(&self, conn: &mut PgConnection, now: OffsetDateTime) -> Result<(), DbError> {
        conn.transaction(|conn| {
            let suffix = self.events.trim_start_matches("events_");
            empty_rows(conn, suffix, self.date.to_julian_day(), &self.over, true)?;
            self.looked_at(conn, now)
        })
    }

    fn looked_at(&self, conn: &mut PgConnection, now: OffsetDateTime) -> Result<(), DbError> {
        let left = format!("exists (select from {} where octet_length(data) > 0)", self.events);
        let is_left = is_so(conn, &left)?;
        let row = (
            emptied_days::day.eq(self.date),
            emptied_days::looked_at.eq(now),
            emptied_days::is_left.eq(is_left),
        );
        diesel::insert_into(emptied_days::table)
            .values(row)
            .on_conflict(emptied_days::day)
            .do_update()
            .set((emptied_days::looked_at.eq(now), emptied_days::is_left.eq(is_left)))
            .execute(conn)?;
        Ok(())
    }

    fn write_events(&self, conn: &mut PgConnection) -> Result<(), DbError> {
        let Self { date, events, deliveries, over, .. } = self;
        conn.batch_execute(&format!(
            "select pg_advisory_xact_lock({LOCK_CLASS}, {}); lock table {events} in share mode",
            date.to_julian_day()
        ))?;
        let columns = columns(conn, "events", "e", |column| {
            (column == "data").then(|| {
                "case when (d.event_id is null or d.is_over) and coalesce(d.number, 0) >= e.deliveries \
                 then ''::bytea else e.data end"
                    .to_owned()
            })
        })?;
        self.begin(conn, "events", "id")?;
        conn.batch_execute(&format!(
            "insert into {events}_anew select {columns} from {events} e left join ({}) d \
             on d.project_id = e.project_id and d.event_id = e.id",
            by_event(deliveries, over)
        ))?;
        self.put_in_place(conn, "events", events, "")
    }

    fn write_attempts(&self, conn: &mut PgConnection) -> Result<(), DbError> {
        let Self { events, deliveries, attempts, .. } = self;
        let columns = columns(conn, "attempts", "a", |column| emptied(column, "a"))?;
        self.begin(conn, "attempts", "delivery_id")?;
        conn.batch_execute(&format!(
            "insert into {attempts}_anew select {columns} from {attempts} a \
             join {deliveries} d on d.project_id = a.project_id and d.id = a.delivery_id \
             join {events} e on e.project_id = d.project_id and e.id = d.event_id where octet_length(e.data) = 0; \
             create temp table left_events on commit drop as select project_id, id from {events} \
             where octet_length(data) > 0; analyze left_events"
        ))?;
        // Attempts of what is still open may have come in meanwhile, so they move while nobody can write. They are found
        // by key: the deliveries of an event share its millisecond, the first 12 digits.
        let key =
            |rest: &str| format!("(left(replace(l.id::text, '-', ''), 12) || repeat('{rest}', 20))::uuid");
        let last = format!(
            "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; \
             insert into {attempts}_anew select a.* from left_events l \
             join {deliveries} d on d.project_id = l.project_id and d.id between {} and {} and d.event_id = l.id \
             join {attempts} a on a.project_id = d.project_id and a.delivery_id = d.id \
             where exists (select from projects p where p.id = a.project_id); \
             reset enable_seqscan; reset enable_hashjoin; reset enable_mergejoin",
            key("0"),
            key("f"),
        );
        self.put_in_place(conn, "attempts", attempts, &last)
    }

    /// A table that can become the day's without being read again.
    fn begin(&self, conn: &mut PgConnection, table: &str, key: &str) -> Result<(), DbError> {
        let name = name_of(table, self.date);
        let (from, to) = self.bounds();
        Ok(conn.batch_execute(&format!(
            "set local statement_timeout = 0; create table {name}_anew (like {table} including all); \
             alter table {name}_anew add constraint {name}_day check ({key} >= '{from}' and {key} < '{to}')"
        ))?)
    }

    /// Takes the old table's place, after `last` was done. Until it has the lock the old one is read and written.
    fn put_in_place(
        &self,
        conn: &mut PgConnection,
        table: &str,
        name: &str,
        last: &str,
    ) -> Result<(), DbError> {
        let (from, to) = self.bounds();
        let steps = format!(
            "set local lock_timeout = {LOCK_TIMEOUT_MS}; alter table {table} detach partition {name}; {last}; \
             alter table {table} attach partition {name}_anew for values from ('{from}') to ('{to}'); \
             alter table {name}_anew drop constraint {name}_day; drop table {name}; \
             alter table {name}_anew rename to {name}"
        );
        conn.batch_execute(&format!("analyze {name}_anew"))?;
        let mut tries_left = TRIES;
        loop {
            // A savepoint: without the lock nothing of it happened.
            let placed = conn.transaction(|conn| conn.batch_execute(&steps));
            match placed {
                Ok(()) => return Ok(()),
                Err(error) if tries_left == 0 => return Err(error.into()),
                Err(_) => tries_left -= 1,
            }
        }
    }

    fn bounds(&self) -> (uuid::Uuid, uuid::Uuid) {
        (bound(self.date), bound(self.date.next_day().unwrap_or(Date::MAX)))
    }
}

/// The condition that a delivery ended by a moment.
fn over(ended_by: OffsetDateTime) -> String {
    // A time in UTC always has this form.
    let ended_by = ended_by.format(&Rfc3339).unwrap_or_default();
    format!("status in (2, 4, 6) and ended_at <= '{ended_by}'")
}

/// The deliveries of each event: how many, and whether all are over.
fn by_event(deliveries: &str, over: &str) -> String {
    format!(
        "select project_id, event_id, count(*) as number, bool_and(coalesce({over}, false)) as is_over \
         from {deliveries} group by project_id, event_id"
    )
}

/// Empties rows where they are. Of a day's tables only events all of whose deliveries are there: one that some node
/// still has in memory has no row.
fn empty_rows(
    conn: &mut PgConnection,
    suffix: &str,
    lock: i32,
    over: &str,
    is_counted: bool,
) -> Result<(), DbError> {
    let (events, deliveries, attempts) =
        (format!("events_{suffix}"), format!("deliveries_{suffix}"), format!("attempts_{suffix}"));
    let (join, condition) = match is_counted {
        true => ("left join", "(d.event_id is null or d.is_over) and coalesce(d.number, 0) >= e.deliveries"),
        false => ("join", "d.is_over"),
    };
    Ok(conn.batch_execute(&format!(
        "set local statement_timeout = 0; select pg_advisory_xact_lock({LOCK_CLASS}, {lock}); \
         update {events} t set data = '' from (select e.project_id, e.id from {events} e {join} ({}) d \
           on d.project_id = e.project_id and d.event_id = e.id \
           where octet_length(e.data) > 0 and {condition}) o \
         where t.project_id = o.project_id and t.id = o.id; \
         update {attempts} a set request_body = null, response_body = {} \
         from {deliveries} d join {events} e on e.project_id = d.project_id and e.id = d.event_id \
         where a.project_id = d.project_id and a.delivery_id = d.id and octet_length(e.data) = 0 \
           and (a.request_body is not null or octet_length(a.response_body) > 0)",
        by_event(&deliveries, over),
        emptied("response_body", "a").unwrap_or_default(),
    ))?)
}

/// What an attempt's column becomes. A response that had no body still has none.
fn emptied(column: &str, of: &str) -> Option<String> {
    match column {
        "request_body" => Some("null".to_owned()),
        "response_body" => {
            Some(format!("case when octet_length({of}.response_body) = 0 then {of}.response_body end"))
        }
        _ => None,
    }
}

/// A table's columns in order, some of them as something else.
fn columns(
    conn: &mut PgConnection,
    table: &str,
    alias: &str,
    instead: impl Fn(&str) -> Option<String>,
) -> Result<String, DbError> {
    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let columns: Vec<Column> = diesel::sql_query(
        "select attname::text as name from pg_attribute where attrelid = $1::regclass and attnum > 0 \
         and not attisdropped order by attnum",
    )
    .bind::<Text, _>(table)
    .load(conn)?;
    let each = columns.iter().map(|c| instead(&c.name).unwrap_or_else(|| format!("{alias}.\"{}\"", c.name)));
    Ok(each.collect::<Vec<_>>().join(", "))
}

fn is_so(conn: &mut PgConnection, condition: &str) -> Result<bool, DbError> {
    Ok(diesel::select(diesel::dsl::sql::<Bool>(condition)).get_result(conn)?)
}
