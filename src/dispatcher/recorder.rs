//! Writes outcomes in batches on a thread with a connection of its own.
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use tokio::sync::mpsc;

use super::pace::Paces;
use super::places::Places;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::models::deliveries::{self, Outcome};
use crate::models::figures::{self, Tally};

/// Outcomes in one transaction.
const BATCH_MAX: usize = 500;
/// Outcomes that may wait: beyond, sending pauses until the database has caught up.
const WAITING_MAX: usize = 8_192;
/// Commits are at least so far apart unless a batch is full: nobody waits for them.
const COMMITS_APART: Duration = Duration::from_millis(8);
/// How often it is looked whether a delivery has been without a row for too long.
const LOOKS_APART: Duration = Duration::from_millis(125);
/// What was counted is written so far apart at the least: what a kill takes with it.
const COUNTS_APART: Duration = Duration::from_secs(1);
/// Figures that another node adds to are waited for so long; then it is tried again a second later.
const COUNTS_LOCK_MS: u32 = 300;
/// Between tries while the database is away.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The thread. It ends when all senders are gone and everything is written.
pub(super) struct Recorder(std::thread::JoinHandle<()>);

impl Recorder {
    pub(super) fn start(
        db: Db,
        clock: Clock,
        places: Arc<Places>,
        paces: Arc<Paces>,
        written: Arc<AtomicU64>,
    ) -> std::io::Result<(mpsc::Sender<Outcome>, Self)> {
        let (sender, outcomes) = mpsc::channel(WAITING_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            runtime.block_on(run(db, clock, places, paces, outcomes, written));
        })?;
        Ok((sender, Self(thread)))
    }

    pub(super) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the recorder panicked");
        }
    }
}

async fn run(
    db: Db,
    clock: Clock,
    places: Arc<Places>,
    paces: Arc<Paces>,
    mut outcomes: mpsc::Receiver<Outcome>,
    written: Arc<AtomicU64>,
) {
    let mut conn = None;
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut looks = tokio::time::interval(LOOKS_APART);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut tally, mut counted) = (Tally::default(), clock.stopwatch());
    loop {
        tokio::select! {
            count = outcomes.recv_many(&mut batch, BATCH_MAX) => if count == 0 { break },
            _ = looks.tick() => {
                if let Err(error) = give_rows(&db, &mut conn, &places) {
                    tracing::error!(%error, "deliveries under way could not be written; trying again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                if !tally.is_empty() && counted.elapsed() >= COUNTS_APART {
                    count(&db, &mut conn, &mut tally, &clock);
                    counted = clock.stopwatch();
                }
                continue;
            }
        }
        // Not woken by each that comes meanwhile.
        if batch.len() < BATCH_MAX {
            tokio::time::sleep(COMMITS_APART).await;
        }
        while batch.len() < BATCH_MAX
            && let Ok(outcome) = outcomes.try_recv()
        {
            batch.push(outcome);
        }
        places.compare(&mut batch);
        let mut tries = 0_u32;
        while let Err(error) = write(&db, &mut conn, (&places, &paces, &mut tally), &batch, &clock) {
            tracing::error!(%error, outcomes = batch.len(), "outcomes could not be recorded; trying again");
            tries += 1;
            if matches!(error, DbError::Query(_)) && tries > 3 {
                one_by_one(&db, &mut conn, (&places, &paces, &mut tally), &batch, &clock);
                break;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        written.fetch_add(batch.len() as u64, Ordering::Relaxed);
        batch.clear();
    }
    count(&db, &mut conn, &mut tally, &clock);
}

/// What outcomes are told to once they are written.
type Told<'a> = (&'a Places, &'a Paces, &'a mut Tally);

/// Writes what was counted. It is not worth a wait: without it the history is whole, and it is tried again.
fn count(db: &Db, conn: &mut Option<PgConnection>, tally: &mut Tally, clock: &Clock) {
    if tally.is_empty() {
        return;
    }
    let written = commit(db, conn, |conn| {
        conn.batch_execute(&format!(
            "set local synchronous_commit = off; set local lock_timeout = {COUNTS_LOCK_MS}"
        ))?;
        figures::write(conn, tally, clock.now())
    });
    match written {
        Ok(()) => tally.clear(),
        Err(error) => tracing::warn!(%error, "figures are written later"),
    }
}

/// One of them is at fault. It is given up: its lease runs out and it is sent again.
fn one_by_one(
    db: &Db,
    conn: &mut Option<PgConnection>,
    (places, paces, tally): Told<'_>,
    batch: &[Outcome],
    clock: &Clock,
) {
    for outcome in batch {
        if let Err(error) = write(db, conn, (places, paces, tally), std::slice::from_ref(outcome), clock) {
            tracing::error!(%error, delivery = %outcome.delivery, "an outcome was given up; its delivery is repeated");
        }
    }
}

fn write(
    db: &Db,
    conn: &mut Option<PgConnection>,
    (places, paces, tally): Told<'_>,
    batch: &[Outcome],
    clock: &Clock,
) -> Result<(), DbError> {
    let now = clock.now();
    let tried = paces.tried(batch);
    let mut over = Vec::new();
    let mut stale = HashSet::new();
    commit(db, conn, |conn| {
        if deliveries::record(conn, batch, now)? < batch.len() {
            stale = deliveries::stale(conn, batch)?;
        }
        if !tried.is_empty() {
            over = deliveries::keep_pace(conn, &tried, now)?;
        }
        Ok(())
    })?;
    places.written(batch);
    paces.written(&tried, &over);
    tally.add(batch, &stale, now);
    Ok(())
}

/// Writes the rows of deliveries that take long.
fn give_rows(db: &Db, conn: &mut Option<PgConnection>, places: &Places) -> Result<(), DbError> {
    let (late, deliveries) = places.overdue();
    if !late.is_empty() {
        commit(db, conn, |conn| deliveries::insert(conn, &deliveries))?;
        places.close(&late);
    }
    Ok(())
}

/// One transaction. A connection that failed in any way is not used again.
fn commit(
    db: &Db,
    kept: &mut Option<PgConnection>,
    work: impl FnOnce(&mut PgConnection) -> Result<(), DbError>,
) -> Result<(), DbError> {
    let mut conn = match kept.take() {
        Some(conn) => conn,
        None => db.own_connection().map_err(|error| DbError::Unavailable(error.to_string()))?,
    };
    conn.transaction(work)?;
    *kept = Some(conn);
    Ok(())
}
