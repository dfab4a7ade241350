//! What the machine can do without the program in between, measured in the same run: machines drift, ratios less so.
use diesel::sql_types::{Array, Binary};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query};

use super::load::Load;
use super::program::Program;
use super::sink::Sink;
use crate::base::clock::Clock;
use crate::cli::Failure;
use crate::prepared;

/// Requests straight from load to receiver.
const STRAIGHT_REQUESTS: u32 = 60_000;
/// Commits of each of the two connections.
const COMMITS: usize = 400;
const ROWS_A_COMMIT: usize = 100;
const ROW_BYTES: usize = 700;
const CONNECTIONS: usize = 2;

/// The limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Baseline {
    /// The same requests, straight to the receiver.
    pub(super) straight_per_s: f64,
    /// Rows of 700 bytes that Postgres takes, 100 a commit, on two connections.
    pub(super) postgres_rows_per_s: f64,
}

/// Measures the limits, in the program's own idle Postgres.
pub(super) fn measure(load: &Load, sink: &Sink, program: &Program) -> Result<Baseline, Failure> {
    let clock = Clock::system();
    load.straight_to(sink.address(), STRAIGHT_REQUESTS / 10)?;
    let watch = clock.stopwatch();
    load.straight_to(sink.address(), STRAIGHT_REQUESTS)?;
    let straight_per_s = f64::from(STRAIGHT_REQUESTS) / watch.elapsed().as_secs_f64();
    let mut inside = program.inside()?;
    sql_query("create table bench_rows (row bytea not null)").execute(&mut inside.conn)?;
    let mut conns = (0..CONNECTIONS).map(|_| program.inside()).collect::<Result<Vec<_>, _>>()?;
    let watch = clock.stopwatch();
    std::thread::scope(|scope| {
        let threads: Vec<_> = conns.iter_mut().map(|one| scope.spawn(|| write_rows(&mut one.conn))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })?;
    let rows = (CONNECTIONS * COMMITS * ROWS_A_COMMIT) as f64;
    let postgres_rows_per_s = rows / watch.elapsed().as_secs_f64();
    sql_query("drop table bench_rows").execute(&mut inside.conn)?;
    Ok(Baseline { straight_per_s, postgres_rows_per_s })
}

prepared! {
    /// As the program's own statements write: one array a column.
    pub struct InsertRows -> () { rows: Array<Binary> = Vec<Vec<u8>> }
    sql "insert into bench_rows select * from unnest({})"
}

fn write_rows(conn: &mut PgConnection) -> Result<(), diesel::result::Error> {
    for commit in 0..COMMITS {
        // Different bytes, so that nothing is saved by compression.
        let row = |n: usize| (0..ROW_BYTES).map(|byte| (byte * 31 + n * 17 + commit) as u8).collect();
        let rows = (0..ROWS_A_COMMIT).map(row).collect();
        conn.transaction(|conn| InsertRows { rows }.execute(conn))?;
    }
    Ok(())
}
