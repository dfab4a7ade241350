//! Ingest: an event and its deliveries, on disk before anyone is told that they were accepted.
//!
//! One thread owns the writing connection. What arrives while a batch commits forms the next batch (group commit: the
//! commit under way is the clock), so the slower the disk, the larger the batches.
mod batch;
mod fan_out;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use crate::base::clock::Clock;
use crate::base::db::{ANSWER_MAX, Db};
use crate::base::ids::{EventId, ProjectId};
use crate::base::seal::SealKey;
use crate::models::deliveries::HandOver;

/// Requests that may wait for the writer; past it they are refused at once with "try again".
const WAITING_MAX: usize = 4_096;
/// Bytes of data of all requests that wait or are being written; past it they are refused likewise.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// An event as a flow hands it in: checked, its data canonical.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Posted {
    pub project: ProjectId,
    pub event_type: String,
    /// Canonical JSON object.
    pub data: Bytes,
    /// The caller's own id.
    pub external_id: Option<String>,
    pub entity_id: Option<String>,
    /// None: a new one.
    pub group: Option<String>,
    /// None: the time of arrival.
    pub created_at: Option<OffsetDateTime>,
    /// JSON as in the envelope's `event_source`.
    pub source: String,
}

/// What became of a posted event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Accepted {
    pub id: EventId,
    pub event_type: String,
    pub group: String,
    pub created_at: OffsetDateTime,
    /// Deliveries made with it.
    pub deliveries: i16,
    /// False: the caller's id had been accepted before, and nothing new was written.
    pub is_new: bool,
}

/// Why events were not accepted. Nothing of the request was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptError {
    /// Too many requests wait already, or we are stopping.
    Overloaded,
    /// The database is away.
    Unavailable,
    /// The database's disk has no room.
    DiskFull,
    /// No answer came from the database: the events may have been written or not. The same ids again settle it.
    Unknown,
    /// The project was deleted.
    NoProject,
    /// The project has no event types of these names, which only it could have: the places of the events among those
    /// that were handed in, from 0, and their types.
    UnknownTypes(Vec<(usize, String)>),
}

/// What the writer reads.
pub(crate) enum Message {
    Accept(Request),
    /// Write what came before and end.
    Stop,
}

pub(crate) struct Request {
    pub(crate) events: Vec<Posted>,
    pub(crate) answer: oneshot::Sender<Result<Vec<Accepted>, AcceptError>>,
    /// Given back with the request.
    _room: Room,
}

/// Bytes among those that may wait.
struct Room {
    bytes: usize,
    taken: Arc<AtomicUsize>,
}

impl Room {
    /// None if there is not so much.
    fn take(taken: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let before = taken.fetch_add(bytes, Ordering::Relaxed);
        let room = Self { bytes, taken: taken.clone() };
        // One that is large by itself is let in when nothing else waits.
        (before == 0 || before + bytes <= WAITING_BYTES_MAX).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Counters for the metrics.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Counters {
    pub events: AtomicU64,
    pub deliveries: AtomicU64,
    pub batches: AtomicU64,
    pub refused: AtomicU64,
}

/// The way in. Clones share one writer.
#[derive(Clone)]
pub struct Ingest {
    requests: mpsc::Sender<Message>,
    /// Bytes of data that wait.
    waiting_bytes: Arc<AtomicUsize>,
    counters: Arc<Counters>,
}

/// The writer's thread: ends after [`Ingest::close`], when all that waited is written.
pub struct WriterThread(std::thread::JoinHandle<()>);

impl WriterThread {
    /// Waits until everything that was handed in is written. Close the way in first.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the ingest writer panicked");
        }
    }
}

impl Ingest {
    /// Starts the writer.
    pub fn start(
        db: Db,
        clock: Clock,
        key: SealKey,
        hand_over: Arc<dyn HandOver>,
    ) -> std::io::Result<(Self, WriterThread)> {
        let (requests, waiting) = mpsc::channel(WAITING_MAX);
        let counters = Arc::new(Counters::default());
        let writer = writer::Writer::new(db, clock, key, hand_over, counters.clone());
        let thread =
            std::thread::Builder::new().name("ingest".to_owned()).spawn(move || writer.run(waiting))?;
        Ok((Self { requests, waiting_bytes: Arc::default(), counters }, WriterThread(thread)))
    }

    /// Accepts events: all of them or none, durable when this returns.
    ///
    /// Types of the catalogue are taken as they are; those of a project's own must be among what it has when the events
    /// are written. The answers are in the order of the events. An event whose caller's id is known already (seven days) is
    /// answered as it was the first time.
    pub async fn accept(&self, events: Vec<Posted>) -> Result<Vec<Accepted>, AcceptError> {
        let (answer, answered) = oneshot::channel();
        let room = Room::take(&self.waiting_bytes, events.iter().map(|event| event.data.len()).sum());
        let request = room.map(|_room| Message::Accept(Request { events, answer, _room }));
        if request.is_none_or(|request| self.requests.try_send(request).is_err()) {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            return Err(AcceptError::Overloaded);
        }
        match tokio::time::timeout(ANSWER_MAX, answered).await {
            Ok(answer) => answer.unwrap_or(Err(AcceptError::Unavailable)),
            Err(_) => Err(AcceptError::Unknown),
        }
    }

    /// No more from now on; what was handed in before is still written.
    pub async fn close(&self) {
        let _ = self.requests.send(Message::Stop).await;
    }

    /// Counters for the metrics.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
