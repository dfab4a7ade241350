//! Programs that post events as fast as they can, and remember what was accepted.
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::wait::eventually;

/// Events of a batch.
const BATCH: u64 = 10;

/// What every poster shares.
#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    /// Where the program listens now; none while it is away.
    address: Mutex<Option<SocketAddr>>,
    next: AtomicU64,
    accepted: Mutex<BTreeSet<u64>>,
    refused: Mutex<Vec<Answer>>,
}

/// A running load: single events and batches, each with an id of its own and its number as data.
pub struct Load {
    shared: Arc<Shared>,
    posters: Vec<JoinHandle<()>>,
}

impl Load {
    /// Posts `event_type` from `posters` threads, until [`Load::stop`].
    pub fn start(address: SocketAddr, token: &str, event_type: &'static str, posters: usize) -> Self {
        let shared = Arc::new(Shared::default());
        *lock(&shared.address) = Some(address);
        let posters = (0..posters)
            .map(|n| {
                let (shared, token) = (shared.clone(), token.to_owned());
                std::thread::spawn(move || post(&shared, &token, event_type, n % 2 == 1))
            })
            .collect();
        Self { shared, posters }
    }

    /// The program has moved here.
    pub fn goes_on_at(&self, address: SocketAddr) {
        *lock(&self.shared.address) = Some(address);
    }

    /// The numbers of the events that were answered 202 or 200.
    pub fn accepted(&self) -> BTreeSet<u64> {
        lock(&self.shared.accepted).clone()
    }

    /// The answers that accepted nothing.
    pub fn refused(&self) -> Vec<Answer> {
        lock(&self.shared.refused).clone()
    }

    /// Returns once so many more events were accepted than now.
    pub fn wait_for_more(&self, count: usize) {
        let before = lock(&self.shared.accepted).len();
        eventually("more accepted events", || {
            (lock(&self.shared.accepted).len() >= before + count).then_some(())
        });
    }

    /// Ends the load; tells the numbers of the events that were accepted.
    pub fn stop(mut self) -> BTreeSet<u64> {
        self.end();
        self.accepted()
    }

    fn end(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for poster in self.posters.drain(..) {
            assert!(poster.join().is_ok() || std::thread::panicking(), "a poster panicked");
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn post(shared: &Shared, token: &str, event_type: &str, in_batches: bool) {
    while !shared.stopping.load(Ordering::SeqCst) {
        let Some(address) = *lock(&shared.address) else { continue };
        let count = if in_batches { BATCH } else { 1 };
        let first = shared.next.fetch_add(count, Ordering::SeqCst);
        let events: Vec<Value> = (first..first + count)
            .map(|n| json!({ "type": event_type, "id": format!("load-{n}"), "data": { "number": n } }))
            .collect();
        let (path, body) = match in_batches {
            true => ("/v1/events/batch", Value::from(events)),
            false => ("/v1/events", events[0].clone()),
        };
        let client = Client::new(address).with_key(token);
        match client.try_send("POST", path, &[], body.to_string().as_bytes()) {
            Ok(answer) if matches!(answer.status, 200 | 202) => {
                lock(&shared.accepted).extend(first..first + count);
            }
            Ok(answer) => lock(&shared.refused).push(answer),
            // Gone, or on its way back.
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
}
