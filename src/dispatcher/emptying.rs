//! Bodies that have had their time go, on a thread of their own: after a busy day it takes a while.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use time::{Duration, OffsetDateTime};

use crate::base::db::{Db, DbError};
use crate::models::deliveries;

/// Between two looks.
const EVERY: Duration = Duration::hours(1);

/// Starts a look now and then, one at a time.
pub(super) struct Emptying {
    db: Db,
    /// None: bodies are kept as long as their deliveries.
    kept: Option<Duration>,
    next_at: Option<OffsetDateTime>,
    is_under_way: Arc<AtomicBool>,
    /// The last look: the next one does not wait.
    has_failed: Arc<AtomicBool>,
}

impl Emptying {
    pub(super) fn new(db: &Db, kept: Option<Duration>) -> Self {
        Self { db: db.clone(), kept, next_at: None, is_under_way: Arc::default(), has_failed: Arc::default() }
    }

    /// The next look does not wait.
    pub(super) fn forget_times(&mut self) {
        self.next_at = None;
    }

    /// Returns at once. A program that ends meanwhile leaves the day as it was.
    pub(super) fn begin(&mut self, now: OffsetDateTime) {
        let Some(kept) = self.kept else { return };
        let is_early = self.next_at.is_some_and(|at| now < at) && !self.has_failed.load(Ordering::Acquire);
        if is_early || self.is_under_way.swap(true, Ordering::AcqRel) {
            return;
        }
        self.next_at = Some(now + EVERY);
        let (db, is_under_way, has_failed) =
            (self.db.clone(), self.is_under_way.clone(), self.has_failed.clone());
        let started = std::thread::Builder::new().name("emptying".to_owned()).spawn(move || {
            let emptied = empty(&db, kept, now);
            has_failed.store(emptied.is_err(), Ordering::Release);
            match emptied {
                Ok(days) => days
                    .iter()
                    .for_each(|day| tracing::info!(%day, "the bodies of a day have had their time")),
                Err(error) => {
                    tracing::warn!(%error, "bodies that have had their time are kept until the next upkeep")
                }
            }
            is_under_way.store(false, Ordering::Release);
        });
        if started.is_err() {
            self.is_under_way.store(false, Ordering::Release);
        }
    }
}

fn empty(db: &Db, kept: Duration, now: OffsetDateTime) -> Result<Vec<time::Date>, DbError> {
    let mut conn = db.unlimited_connection().map_err(|error| DbError::Unavailable(error.to_string()))?;
    deliveries::empty_behind(&mut conn, kept, now)
}
