//! Writes outcomes in batches on a thread with a connection of its own.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::{Connection, PgConnection};
use tokio::sync::mpsc;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::models::deliveries::{self, Outcome};

/// Outcomes in one transaction.
const BATCH_MAX: usize = 500;
/// Outcomes that may wait: beyond, sending pauses until the database has caught up.
const WAITING_MAX: usize = 8_192;
/// Commits are at least so far apart unless a batch is full: nobody waits for them.
const COMMITS_APART: Duration = Duration::from_millis(8);
/// Between tries while the database is away.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The thread. It ends when all senders are gone and everything is written.
pub(super) struct Recorder(std::thread::JoinHandle<()>);

impl Recorder {
    pub(super) fn start(
        db: Db,
        clock: Clock,
        written: Arc<AtomicU64>,
    ) -> std::io::Result<(mpsc::Sender<Outcome>, Self)> {
        let (sender, outcomes) = mpsc::channel(WAITING_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            runtime.block_on(run(db, clock, outcomes, written));
        })?;
        Ok((sender, Self(thread)))
    }

    pub(super) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the recorder panicked");
        }
    }
}

async fn run(db: Db, clock: Clock, mut outcomes: mpsc::Receiver<Outcome>, written: Arc<AtomicU64>) {
    let mut conn = None;
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while outcomes.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let apart = tokio::time::sleep(COMMITS_APART);
        tokio::pin!(apart);
        while batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            tokio::select! {
                more = outcomes.recv_many(&mut batch, room) => if more == 0 { break },
                () = &mut apart => break,
            }
        }
        let mut tries = 0_u32;
        while let Err(error) = write(&db, &mut conn, &batch, &clock) {
            tracing::error!(%error, outcomes = batch.len(), "outcomes could not be recorded; trying again");
            conn = None;
            tries += 1;
            if !matches!(error, DbError::Unavailable(_)) && tries > 3 {
                one_by_one(&db, &mut conn, &batch, &clock);
                break;
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
        written.fetch_add(batch.len() as u64, Ordering::Relaxed);
        batch.clear();
    }
}

/// One of them is at fault. It is given up: its lease runs out and it is sent again.
fn one_by_one(db: &Db, conn: &mut Option<PgConnection>, batch: &[Outcome], clock: &Clock) {
    for outcome in batch {
        if let Err(error) = write(db, conn, std::slice::from_ref(outcome), clock) {
            tracing::error!(%error, delivery = %outcome.delivery, "an outcome was given up; its delivery is repeated");
        }
    }
}

fn write(db: &Db, kept: &mut Option<PgConnection>, batch: &[Outcome], clock: &Clock) -> Result<(), DbError> {
    let mut conn = match kept.take() {
        Some(conn) => conn,
        None => db.own_connection().map_err(|error| DbError::Unavailable(error.to_string()))?,
    };
    let now = clock.now();
    conn.transaction(|conn| deliveries::record(conn, batch, now))?;
    *kept = Some(conn);
    Ok(())
}
