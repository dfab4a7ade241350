//! What the history takes on disk, told by Postgres for every day's tables.
use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use time::Date;

use super::partitions::date_of;
use crate::base::db::DbError;

/// Bytes and rows of one of the tables, over all its days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSize {
    /// The rows themselves, long values that are kept apart included.
    pub rows_bytes: u64,
    /// Its indexes.
    pub index_bytes: u64,
    /// An estimate that costs nothing: as Postgres last counted.
    pub rows: u64,
}

impl TableSize {
    /// Rows and indexes.
    pub fn bytes(&self) -> u64 {
        self.rows_bytes + self.index_bytes
    }
}

/// Bytes of everything, measured in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// The whole database: history, settings, and what Postgres needs for itself.
    pub database_bytes: u64,
    /// Events of every day.
    pub events: TableSize,
    /// Deliveries of every day.
    pub deliveries: TableSize,
    /// Attempts of every day.
    pub attempts: TableSize,
    /// The three together for each day that has tables of its own.
    pub days: BTreeMap<Date, DaySize>,
}

/// The tables of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DaySize {
    /// Events, deliveries and attempts, with their indexes.
    pub bytes: u64,
    /// Whether there is any event in it: an empty table has a size too.
    pub has_events: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    rows_bytes: i64,
    #[diesel(sql_type = BigInt)]
    index_bytes: i64,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Bool)]
    is_filled: bool,
}

#[derive(QueryableByName)]
struct Whole {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// Measures. It asks the file system about each table and index: a few milliseconds, more with many days.
pub fn storage(conn: &mut PgConnection) -> Result<Storage, DbError> {
    let whole: Whole =
        diesel::sql_query("select pg_database_size(current_database()) as bytes").get_result(conn)?;
    // A table that goes away meanwhile has no size.
    let rows: Vec<Row> = diesel::sql_query(
        "select i.inhparent::regclass::text as of, c.relname::text as name, \
                coalesce(pg_table_size(c.oid), 0) as rows_bytes, coalesce(pg_indexes_size(c.oid), 0) as index_bytes, \
                greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0) as rows, \
                coalesce(pg_relation_size(c.oid), 0) > 0 as is_filled \
         from pg_inherits i join pg_class c on c.oid = i.inhrelid \
         where i.inhparent in ('events'::regclass, 'deliveries'::regclass, 'attempts'::regclass)",
    )
    .load(conn)?;
    let mut storage = Storage { database_bytes: unsigned(whole.bytes), ..Storage::default() };
    for row in rows {
        storage.add(&row);
    }
    Ok(storage)
}

impl Storage {
    fn add(&mut self, row: &Row) {
        let table = match row.of.as_str() {
            "events" => &mut self.events,
            "deliveries" => &mut self.deliveries,
            _ => &mut self.attempts,
        };
        table.rows_bytes += unsigned(row.rows_bytes);
        table.index_bytes += unsigned(row.index_bytes);
        table.rows += unsigned(row.rows);
        if let Some(date) = date_of(&row.of, &row.name) {
            let day = self.days.entry(date).or_default();
            day.bytes += unsigned(row.rows_bytes + row.index_bytes);
            day.has_events |= row.of == "events" && row.is_filled;
        }
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
