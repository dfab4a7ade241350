//! Exports under way on this node: a few at a time, how far each has come, and how they are ended.
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::Stream;
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Wanted;
use super::stream::{self, Broken};
use crate::base::db::Db;
use crate::base::ids::{ExportId, ProjectId, UserId};

/// So many run at a time on a node: each keeps a connection busy.
pub const AT_ONCE_MAX: usize = 3;
/// So many are remembered once they ended, for whoever looks.
const REMEMBERED_MAX: usize = 200;

/// All of them already run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// What an export is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is being written.
    Running,
    /// It was written to its end.
    Done,
    /// Somebody cancelled it.
    Cancelled,
    /// Whoever downloads went away, or it could not go on.
    Broken,
}

/// How far an export has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What it is at.
    pub standing: Standing,
    /// Deliveries written.
    pub written: i64,
    /// When the event of the last one arrived; it goes from the newest to the oldest.
    pub at: Option<OffsetDateTime>,
}

/// Whose export, by the name that its page gave it.
pub type Name = (ProjectId, UserId, ExportId);

#[derive(Debug)]
struct Entry {
    progress: Progress,
    is_cancelled: Arc<AtomicBool>,
}

/// The exports of this node. Clones are the same.
#[derive(Clone, Debug)]
pub struct Exports {
    turns: Arc<Semaphore>,
    is_stopping: Arc<AtomicBool>,
    known: Arc<Mutex<HashMap<Name, Entry>>>,
}

impl Default for Exports {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            is_stopping: Arc::default(),
            known: Arc::default(),
        }
    }
}

impl Exports {
    /// Begins one: its bytes, which end with an error unless everything was written. Nothing is read before they are
    /// asked for, and dropping them ends it. With a name, its owner can follow and cancel it.
    ///
    /// # Errors
    /// [`TooMany`] while [`AT_ONCE_MAX`] run.
    pub fn begin(
        &self,
        db: &Db,
        now: OffsetDateTime,
        wanted: Wanted,
        name: Option<Name>,
    ) -> Result<impl Stream<Item = Result<Bytes, Broken>> + use<>, TooMany> {
        let turn = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| TooMany)?;
        let is_cancelled = Arc::<AtomicBool>::default();
        if let Some(name) = &name {
            let progress = Progress { standing: Standing::Running, written: 0, at: None };
            let mut known = self.known();
            if known.len() >= REMEMBERED_MAX {
                known.retain(|_, entry| entry.progress.standing == Standing::Running);
            }
            known.insert(*name, Entry { progress, is_cancelled: Arc::clone(&is_cancelled) });
        }
        let running = Running { exports: self.clone(), name, is_cancelled, is_done: false, _turn: turn };
        Ok(stream::of(db.clone(), now, wanted, running))
    }

    /// How far one has come; none if this node does not know it.
    pub fn progress(&self, name: &Name) -> Option<Progress> {
        self.known().get(name).map(|entry| entry.progress)
    }

    /// Ends one as soon as it comes by; whether there is one to end.
    pub fn cancel(&self, name: &Name) -> bool {
        let known = self.known();
        let running = known.get(name).filter(|entry| entry.progress.standing == Standing::Running);
        if let Some(entry) = running {
            entry.is_cancelled.store(true, Ordering::Relaxed);
        }
        running.is_some()
    }

    /// Ends all, and begins none any more: the program stops.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.turns.close();
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Name, Entry>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One under way, which gives its turn back when it is dropped.
pub(super) struct Running {
    exports: Exports,
    name: Option<Name>,
    is_cancelled: Arc<AtomicBool>,
    is_done: bool,
    _turn: OwnedSemaphorePermit,
}

impl Running {
    /// Whether it is to end now.
    pub(super) fn is_ended(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed) || self.exports.is_stopping.load(Ordering::Relaxed)
    }

    /// Notes how far it has come.
    pub(super) fn has_written(&self, count: i64, at: Option<OffsetDateTime>) {
        self.note(|progress| {
            progress.written += count;
            progress.at = at.or(progress.at);
        });
    }

    /// Notes that everything is written.
    pub(super) fn is_whole(&mut self) {
        self.is_done = true;
        self.note(|progress| progress.standing = Standing::Done);
    }

    fn note(&self, change: impl FnOnce(&mut Progress)) {
        let Some(name) = &self.name else { return };
        if let Some(entry) = self.exports.known().get_mut(name)
            // Not that of a later one of the same name.
            && Arc::ptr_eq(&entry.is_cancelled, &self.is_cancelled)
        {
            change(&mut entry.progress);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let is_cancelled = self.is_cancelled.load(Ordering::Relaxed);
        let standing = if is_cancelled { Standing::Cancelled } else { Standing::Broken };
        self.note(|progress| progress.standing = standing);
    }
}
