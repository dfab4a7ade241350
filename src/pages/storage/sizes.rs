//! What was measured last. Pages and metrics read it; measuring asks the file system about every table.
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

use super::outlook::{Forecast, forecast};
use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::base::db::{Db, DbError};
use crate::base::disk::Disk;
use crate::models::deliveries::{self, Storage};
use crate::models::search;

/// A page shows what is younger, else it measures.
const GOOD_FOR: time::Duration = time::Duration::minutes(1);
/// The metrics are as old at the most.
const MEASURED_EVERY: Duration = Duration::from_secs(60);

/// How long things are kept, in days, as the program was told.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Kept {
    pub delivered: u32,
    pub failed: u32,
    /// None: as long as the rows.
    pub bodies: Option<u32>,
    /// MiB that the index of values may take.
    pub search_mib: u32,
}

/// What is known of the disk under the database.
#[derive(Clone, Copy, Debug)]
pub enum Room {
    /// The database is elsewhere.
    Elsewhere,
    /// The private Postgres has this one.
    Known(Disk),
    /// It is ours but does not tell.
    Silent,
}

/// One measurement.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Measured {
    pub at: OffsetDateTime,
    pub storage: Storage,
    /// What the index of values takes.
    pub search_bytes: u64,
    pub room: Room,
    pub forecast: Forecast,
}

impl Measured {
    /// The disk, if it is known.
    pub fn disk(&self) -> Option<Disk> {
        match self.room {
            Room::Known(disk) => Some(disk),
            Room::Elsewhere | Room::Silent => None,
        }
    }
}

/// Measures now and then and keeps the last result; clones share it.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// How long things are kept.
    pub kept: Kept,
    db: Db,
    clock: Clock,
    /// Where the private Postgres keeps its files; none for a database elsewhere.
    directory: Option<PathBuf>,
    latest: Arc<Mutex<Option<Arc<Measured>>>>,
}

impl Sizes {
    /// Of this database, which is private unless the configuration names one.
    pub fn new(config: &Config, db: &Db, clock: &Clock) -> Self {
        let kept = Kept {
            delivered: config.retention_days,
            failed: config.failure_retention_days,
            bodies: config.body_retention_days,
            search_mib: config.search_disk_mib,
        };
        let directory = config.database_url.is_none().then(|| config.data_dir.clone());
        Self { kept, db: db.clone(), clock: clock.clone(), directory, latest: Arc::default() }
    }

    /// What was measured last, however long ago; none before the first time.
    pub fn latest(&self) -> Option<Arc<Measured>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was measured within the last minute, if need be now.
    pub async fn fresh(&self) -> Result<Arc<Measured>, DbError> {
        let now = self.clock.now();
        match self.latest() {
            Some(latest) if now - latest.at < GOOD_FOR => Ok(latest),
            _ => self.measure().await,
        }
    }

    /// Measures every minute, for the metrics. Never ends.
    pub async fn keep_fresh(self) {
        loop {
            if let Err(error) = self.measure().await {
                tracing::warn!(%error, "the sizes of the tables could not be read; trying again in a minute");
            }
            tokio::time::sleep(MEASURED_EVERY).await;
        }
    }

    async fn measure(&self) -> Result<Arc<Measured>, DbError> {
        let (at, directory, kept) = (self.clock.now(), self.directory.clone(), self.kept);
        let measured = self.db.run(move |conn| -> Result<_, DbError> {
            let storage = deliveries::storage(conn)?;
            let search_bytes = search::size(conn)?;
            let room = match directory.map(|path| Disk::of(&path)) {
                None => Room::Elsewhere,
                Some(Ok(disk)) => Room::Known(disk),
                Some(Err(_)) => Room::Silent,
            };
            let free = if let Room::Known(disk) = room { Some(disk.free) } else { None };
            let forecast = forecast(&storage.days, at.date(), kept.delivered, free);
            Ok(Arc::new(Measured { at, storage, search_bytes, room, forecast }))
        });
        let measured = measured.await?;
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(measured.clone());
        Ok(measured)
    }
}
