//! Takes events into the search index when there is time for it, a piece at a time.
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_rt::Arbiter;

use super::Shared;
use crate::base::clock::Stopwatch;
use crate::base::db::{Db, DbError};
use crate::models::search::{self, BATCH, Kept, Step, WAITING_MIN};

/// Between looks while no project's turn has come.
const EVERY: Duration = Duration::from_secs(1);
/// Between looks at projects.
const LOOKS_APART: Duration = Duration::from_millis(50);
/// After a failure, such as a full disk.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// The budget is looked after so often, and after so many pieces.
const BUDGET_EVERY: Duration = Duration::from_secs(30);
const BUDGET_PIECES: u32 = 20;
/// With more attempts a second this node is busy.
const BUSY_PER_S: f64 = 500.0;
/// Of its time, one part in so many goes into this while the node is busy: pieces are small and far apart.
const BUSY_SHARE: u32 = 20;

/// Starts it; it ends with the arbiter, and at once without a budget. Every piece is whole: whoever looks next goes on,
/// after a restart too, and whichever node it is.
pub(super) fn start(arbiter: &Arbiter, shared: Arc<Shared>, db: Db, kept: Kept) {
    arbiter.spawn(async move {
        let mut pace = Pace::new(&shared);
        let mut budget_at: Option<Stopwatch> = None;
        let mut pieces = 0;
        loop {
            let now = shared.clock.now();
            let is_due = budget_at.as_ref().is_none_or(|since| since.elapsed() >= BUDGET_EVERY);
            if is_due || pieces >= BUDGET_PIECES {
                let dropped =
                    db.run(move |conn| -> Result<_, DbError> { search::keep_within(conn, kept, now) });
                match dropped.await {
                    Ok(days) => {
                        days.iter().for_each(|day| tracing::info!(%day, "a day is searched no more"));
                        if kept.bytes == 0 {
                            return;
                        }
                    }
                    Err(error) => tracing::warn!(%error, "the search index is put within its budget later"),
                }
                (budget_at, pieces) = (Some(shared.clock.stopwatch()), 0);
            }
            let is_busy = pace.is_busy();
            let batch = if is_busy { WAITING_MIN } else { BATCH };
            let took = shared.clock.stopwatch();
            let step = db.run(move |conn| search::go_on(conn, kept, batch, now)).await;
            let wait = match step {
                Ok(Step::Took(_)) => {
                    pieces += 1;
                    took.elapsed().max(LOOKS_APART) * if is_busy { BUSY_SHARE - 1 } else { 1 }
                }
                Ok(Step::Looked) => LOOKS_APART,
                Ok(Step::Idle) => EVERY,
                Err(error) => {
                    tracing::warn!(%error, "events are taken into the search index later");
                    AFTER_FAILURE
                }
            };
            tokio::time::sleep(wait).await;
        }
    });
}

/// How many attempts this node makes a second.
struct Pace {
    shared: Arc<Shared>,
    attempts: u64,
    since: Stopwatch,
    per_s: f64,
}

impl Pace {
    fn new(shared: &Arc<Shared>) -> Self {
        let attempts = shared.counters.attempts.load(Ordering::Relaxed);
        Self { shared: shared.clone(), attempts, since: shared.clock.stopwatch(), per_s: 0.0 }
    }

    fn is_busy(&mut self) -> bool {
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds >= 1.0 {
            let attempts = self.shared.counters.attempts.load(Ordering::Relaxed);
            self.per_s = attempts.wrapping_sub(self.attempts) as f64 / seconds;
            (self.attempts, self.since) = (attempts, self.shared.clock.stopwatch());
        }
        self.per_s > BUSY_PER_S
    }
}
