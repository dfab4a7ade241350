//! The thread that writes.
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use diesel::{Connection, PgConnection};
use tokio::sync::mpsc;

use super::batch::{self, Batch, Reserved, Snapshots};
use super::{AcceptError, Counters, Message, Posted, Request};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::seal::SealKey;
use crate::models::deliveries::HandOver;

/// Requests in one transaction.
const REQUESTS_MAX: usize = 1_000;
/// Rows in one transaction, of events and the deliveries they can have: a batch request of a thousand does not wait for
/// ten others. A request is never split.
const ROWS_MAX: usize = 4_000;
/// After a failed connection, so that a database that is away is not hammered.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);
/// Sending may be so far behind before accepting pauses.
const BEHIND_MAX: Duration = Duration::from_millis(1);
/// What arrives in such a pause is one transaction afterwards.
const PAUSE_MAX: Duration = Duration::from_millis(5);

pub(super) struct Writer {
    db: Db,
    clock: Clock,
    key: SealKey,
    hand_over: Arc<dyn HandOver>,
    counters: Arc<Counters>,
    snapshots: Snapshots,
    conn: Option<PgConnection>,
}

impl Writer {
    pub(super) fn new(
        db: Db,
        clock: Clock,
        key: SealKey,
        hand_over: Arc<dyn HandOver>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { db, clock, key, hand_over, counters, snapshots: Snapshots::default(), conn: None }
    }

    pub(super) fn run(mut self, mut waiting: mpsc::Receiver<Message>) {
        let mut next = None;
        let mut stopping = false;
        while let Some(Message::Accept(first)) = next.take().or_else(|| waiting.blocking_recv()) {
            self.let_sending_catch_up();
            let mut rows = self.rows_of(&first);
            let mut requests = vec![first];
            while requests.len() < REQUESTS_MAX {
                let request = match waiting.try_recv() {
                    Ok(Message::Accept(request)) => request,
                    Ok(Message::Stop) => {
                        stopping = true;
                        break;
                    }
                    Err(_) => break,
                };
                rows += self.rows_of(&request);
                if rows > ROWS_MAX {
                    next = Some(Message::Accept(request));
                    break;
                }
                requests.push(request);
            }
            self.write(requests);
            if stopping {
                return;
            }
        }
    }

    /// At most so many rows come of a request, as far as its project's webhooks are known.
    fn rows_of(&self, request: &Request) -> usize {
        let of_event = |event: &Posted| 1 + self.snapshots.get(&event.project).map_or(0, |s| s.targets.len());
        request.events.iter().map(of_event).sum()
    }

    /// What was accepted is to be sent before more is accepted: where both need the processor, a delivery would
    /// otherwise wait ever longer, and in the table in the end, which costs more still.
    fn let_sending_catch_up(&self) {
        let behind = self.hand_over.behind();
        if behind > BEHIND_MAX {
            std::thread::sleep(behind.min(PAUSE_MAX));
        }
    }

    fn write(&mut self, requests: Vec<Request>) {
        // A caller that hung up before we began has not been told anything: nothing of it is written.
        let requests: Vec<Request> = requests.into_iter().filter(|r| !r.answer.is_closed()).collect();
        if requests.is_empty() {
            return;
        }
        match self.commit(&requests) {
            Ok(batch) => self.answer(requests, batch),
            // One of them is at fault: the others must not suffer for it.
            Err(DbError::Query(_)) if requests.len() > 1 => {
                requests.into_iter().for_each(|request| self.write(vec![request]));
            }
            Err(error) => {
                tracing::error!(%error, requests = requests.len(), "events were refused");
                for request in requests {
                    self.counters.refused.fetch_add(1, Ordering::Relaxed);
                    let why = match error {
                        DbError::DiskFull(_) => AcceptError::DiskFull,
                        _ => AcceptError::Unavailable,
                    };
                    let _ = request.answer.send(Err(why));
                }
            }
        }
    }

    fn commit(&mut self, requests: &[Request]) -> Result<Batch, DbError> {
        let now = self.clock.now();
        let (kept_before, mut all_written) = (self.conn.is_some(), false);
        match self.try_commit(requests, now, &mut all_written) {
            // The server restarted since the last batch and a statement found out: nothing was committed. Not so when
            // the commit itself failed: then nobody knows, and a second try could write everything twice.
            Err(DbError::Unavailable(_)) if kept_before && !all_written => {
                self.try_commit(requests, now, &mut all_written)
            }
            result => result,
        }
    }

    fn try_commit(
        &mut self,
        requests: &[Request],
        now: time::OffsetDateTime,
        all_written: &mut bool,
    ) -> Result<Batch, DbError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.db.own_connection().map_err(|error| {
                std::thread::sleep(RECONNECT_PAUSE);
                DbError::Unavailable(error.to_string())
            })?,
        };
        let mut reserved = Reserved::default();
        let result = conn.transaction(|conn| {
            let hand_over = self.hand_over.as_ref();
            let batch =
                batch::write(conn, requests, &mut self.snapshots, &self.key, hand_over, &mut reserved, now)?;
            *all_written = true;
            Ok(batch)
        });
        if result.is_err() {
            reserved.webhooks.into_iter().for_each(|webhook| self.hand_over.release(webhook));
            // When the commit itself failed, nobody knows.
            let in_doubt = *all_written;
            reserved.places.into_iter().for_each(|place| self.hand_over.give_back(place, in_doubt));
        }
        // A connection that failed in any way is not used again: its state is not known.
        if result.is_ok() {
            self.conn = Some(conn);
        }
        result
    }

    fn answer(&self, requests: Vec<Request>, batch: Batch) {
        self.counters.events.fetch_add(batch.events, Ordering::Relaxed);
        self.counters.deliveries.fetch_add(batch.deliveries, Ordering::Relaxed);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        if !batch.claimed.is_empty() {
            self.hand_over.take(batch.claimed, batch.handed_over);
        }
        if batch.left_due {
            self.hand_over.wake();
        }
        for (request, answer) in requests.into_iter().zip(batch.answers) {
            let _ = request.answer.send(answer);
        }
    }
}
