//! The dispatcher: takes what is due, sends it, records what happened.
//!
//! Actors are arbiters that own their state and read a channel: [`lanes`] send (webhooks are spread over their threads
//! by id), the [`claimer`] fetches what waits in the table, the [`recorder`] writes outcomes.
mod attempt;
mod claimer;
mod emptying;
mod following;
pub mod http;
mod indexing;
mod lanes;
mod leap;
mod pace;
mod places;
pub mod probe;
mod recorder;
mod replaying;
mod slots;
mod testing;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_rt::Arbiter;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::models::deliveries::{
    Claimed, FailureKind, HandOver, HandedOver, Next, Outcome, Place, Retention,
};
use crate::models::search::Kept;
use http::Egress;
use lanes::{Lanes, Wake};
use pace::Paces;
use places::Places;
use recorder::Recorder;
use slots::Slots;

/// After the grace of a stop, so long for the lanes to hand in what they cut.
const CUT_GRACE: Duration = Duration::from_secs(5);

/// What the dispatcher works with.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Settings {
    /// Who claims: the same after a restart, so that it can take back its own claims.
    pub node: Uuid,
    pub max_in_flight: usize,
    pub max_in_flight_per_webhook: usize,
    /// Threads that send.
    pub threads: usize,
    /// How long history is kept.
    pub retention: Retention,
    /// What is kept of the search index.
    pub search: Kept,
    /// How often the table is looked at although nobody said that something is due.
    pub poll: Duration,
    /// A stop waits so long for attempts under way; then they are cut short and repeated after the next start.
    pub stop_grace: Duration,
}

/// Counters for the metrics.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Counters {
    pub attempts: AtomicU64,
    pub delivered: AtomicU64,
    pub failed_attempts: AtomicU64,
    pub given_up: AtomicU64,
    pub interrupted: AtomicU64,
    pub recorded: Arc<AtomicU64>,
}

/// What the actors share.
struct Shared {
    node: Uuid,
    clock: Clock,
    wakeup: Wakeup,
    slots: Slots,
    places: Arc<Places>,
    paces: Arc<Paces>,
    /// Webhooks for which more is due in the table than fitted into memory.
    backlog: Mutex<HashSet<WebhookId>>,
    /// How long the last that was given to a lane waited until its thread came to it.
    behind_us: AtomicU32,
    /// The claimer's last look at the table succeeded.
    works: AtomicBool,
    counters: Counters,
    lanes: Vec<mpsc::UnboundedSender<Wake>>,
    /// Projects that something was handed over for: the claimer watches their settings.
    handed_over: Mutex<HashSet<ProjectId>>,
}

/// The running dispatcher.
pub struct Dispatcher {
    shared: Arc<Shared>,
    arbiters: Vec<Arbiter>,
    claimer: (watch::Sender<bool>, oneshot::Receiver<()>),
    cut: watch::Sender<bool>,
    recorder: Recorder,
    stop_grace: Duration,
}

/// The part of the dispatcher that others hold: hand-over, counters, health.
#[derive(Clone)]
pub struct DispatcherHandle(Arc<Shared>);

impl Dispatcher {
    /// Starts the actors. What this node had claimed before it last stopped becomes due at once.
    pub fn start(
        settings: &Settings,
        db: &Db,
        key: &SealKey,
        egress: &Egress,
        wakeup: &Wakeup,
    ) -> std::io::Result<Self> {
        let threads = settings.threads.max(1);
        let (senders, inboxes): (Vec<_>, Vec<_>) = (0..threads).map(|_| mpsc::unbounded_channel()).unzip();
        let places = Arc::new(Places::new(egress.clock.clone()));
        let paces = Arc::new(Paces::default());
        let shared = Arc::new(Shared {
            node: settings.node,
            clock: egress.clock.clone(),
            wakeup: wakeup.clone(),
            slots: Slots::new(settings.max_in_flight, settings.max_in_flight_per_webhook),
            places: places.clone(),
            paces: paces.clone(),
            backlog: Mutex::default(),
            behind_us: AtomicU32::new(0),
            works: AtomicBool::new(false),
            counters: Counters::default(),
            lanes: senders,
            handed_over: Mutex::default(),
        });
        let recorded = shared.counters.recorded.clone();
        let (outcomes, recorder) =
            Recorder::start(db.clone(), egress.clock.clone(), places, paces, recorded)?;
        let (cut, cut_seen) = watch::channel(false);
        let mut arbiters = Vec::new();
        for (n, inbox) in inboxes.into_iter().enumerate() {
            let arbiter = Arbiter::new();
            let (shared, egress, outcomes, cut) =
                (shared.clone(), egress.clone(), outcomes.clone(), cut_seen.clone());
            let wakes = shared.lanes[n].clone();
            let in_flight_max = settings.max_in_flight.div_ceil(threads);
            let per_webhook_max = settings.max_in_flight_per_webhook;
            arbiter.spawn_fn(move || {
                let lanes = Lanes::new(shared, egress, in_flight_max, per_webhook_max, wakes, outcomes, cut);
                actix_rt::spawn(lanes.run(inbox));
            });
            arbiters.push(arbiter);
        }
        following::start(&arbiters[0], shared.clone(), db.clone());
        replaying::start(&arbiters[0], shared.clone(), db.clone());
        indexing::start(&arbiters[0], shared.clone(), db.clone(), settings.search);
        let claimer =
            claimer::start(&arbiters[0], settings, shared.clone(), db.clone(), key.clone(), outcomes);
        Ok(Self { shared, arbiters, claimer, cut, recorder, stop_grace: settings.stop_grace })
    }

    /// What others hold.
    pub fn handle(&self) -> DispatcherHandle {
        DispatcherHandle(self.shared.clone())
    }

    /// Stops in order: claims nothing more, gives back what was not begun, lets attempts under way end (at most
    /// for [`Settings::stop_grace`], then they are recorded as interrupted), writes all outcomes.
    pub async fn stop(self) {
        self.shared.slots.close();
        let (stop, stopped) = self.claimer;
        let _ = stop.send(true);
        let _ = stopped.await;
        let mut waiting = Vec::new();
        for lane in &self.shared.lanes {
            let (done, finished) = oneshot::channel();
            if lane.send(Wake::Stop(done)).is_ok() {
                waiting.push(finished);
            }
        }
        let all = futures_util::future::join_all(waiting);
        tokio::pin!(all);
        if tokio::time::timeout(self.stop_grace, &mut all).await.is_err() {
            let _ = self.cut.send(true);
            let _ = tokio::time::timeout(CUT_GRACE, &mut all).await;
        }
        for arbiter in self.arbiters {
            arbiter.stop();
            let _ = tokio::task::spawn_blocking(move || arbiter.join()).await;
        }
        let recorder = self.recorder;
        let _ = tokio::task::spawn_blocking(move || recorder.join()).await;
    }
}

impl DispatcherHandle {
    /// Counters for the metrics.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Whether some deliveries in this node's memory have no row yet: their outcomes are still to be written.
    pub fn has_without_row(&self) -> bool {
        self.0.places.open_count() > 0
    }

    /// Deliveries in this node's memory: waiting for a slot or under way.
    pub fn in_memory(&self) -> usize {
        self.0.slots.all()
    }

    /// How many webhooks are slowed because their receivers keep failing.
    pub fn slowed(&self) -> usize {
        self.0.paces.slowed()
    }

    /// Whether the last look at the table succeeded.
    pub fn works(&self) -> bool {
        self.0.works.load(Ordering::Relaxed)
    }
}

impl HandOver for DispatcherHandle {
    fn node(&self) -> Uuid {
        self.0.node
    }

    fn reserve(&self, webhook: WebhookId) -> bool {
        // What is sent to a slowed webhook takes its turn in the table.
        !self.0.paces.is_slowed(webhook) && self.0.slots.reserve(webhook)
    }

    fn release(&self, webhook: WebhookId) {
        self.0.slots.release(webhook);
    }

    fn place(&self) -> Option<Place> {
        self.0.places.take()
    }

    fn give_back(&self, place: Place, in_doubt: bool) {
        self.0.places.give_back(place, in_doubt);
    }

    fn take(&self, claimed: Vec<Claimed>, handed_over: Vec<HandedOver>) {
        self.0.places.open(handed_over);
        self.0.note_projects(&claimed);
        self.0.spread(claimed);
    }

    fn wake(&self) {
        self.0.wakeup.wake();
    }

    fn behind(&self) -> Duration {
        // Counts once: it says nothing of what is not handed over.
        Duration::from_micros(self.0.behind_us.swap(0, Ordering::Relaxed).into())
    }
}

impl Shared {
    fn note_projects(&self, claimed: &[Claimed]) {
        let mut projects = self.handed_over.lock().unwrap_or_else(PoisonError::into_inner);
        let before = projects.len();
        projects.extend(claimed.iter().map(|claimed| claimed.payload.project));
        if projects.len() > before {
            // So that its settings are watched from now on.
            self.wakeup.wake();
        }
    }

    /// Gives each delivery to the thread that has its webhook, so that a webhook's slots are counted in one place.
    fn spread(&self, claimed: Vec<Claimed>) {
        let threads = self.lanes.len();
        let mut parts: Vec<Vec<Claimed>> = vec![Vec::new(); threads];
        for one in claimed {
            let n = (one.webhook.0.as_u128() % threads as u128) as usize;
            parts[n].push(one);
        }
        for (lane, part) in self.lanes.iter().zip(parts) {
            if !part.is_empty() {
                // A lane that has stopped takes nothing: the lease runs out, or the next start takes it back.
                let _ = lane.send(Wake::Send(part, self.clock.stopwatch()));
            }
        }
    }
}

/// One line an attempt, readable alone, and the counters, which leave out tests.
fn report(shared: &Shared, claimed: &Claimed, outcome: &Outcome) {
    if !claimed.test {
        count(&shared.counters, outcome);
    }
    log(outcome);
}

fn count(counters: &Counters, outcome: &Outcome) {
    let Some(attempt) = &outcome.attempt else { return };
    counters.attempts.fetch_add(1, Ordering::Relaxed);
    match (&attempt.failure, &outcome.next) {
        (None, _) => counters.delivered.fetch_add(1, Ordering::Relaxed),
        (Some(failure), _) if failure.kind == FailureKind::Interrupted => {
            counters.interrupted.fetch_add(1, Ordering::Relaxed)
        }
        (Some(_), Next::Failed(_)) => {
            counters.failed_attempts.fetch_add(1, Ordering::Relaxed);
            counters.given_up.fetch_add(1, Ordering::Relaxed)
        }
        (Some(_), _) => counters.failed_attempts.fetch_add(1, Ordering::Relaxed),
    };
}

fn log(outcome: &Outcome) {
    let Some(attempt) = &outcome.attempt else { return };
    let ms = attempt.timings.total_us / 1_000;
    match &attempt.failure {
        None => tracing::debug!(
            delivery = %outcome.delivery, webhook = %outcome.webhook,
            status = attempt.response.as_ref().map(|r| r.status), ms, "delivered"
        ),
        Some(failure) => tracing::info!(
            delivery = %outcome.delivery, webhook = %outcome.webhook, claim = outcome.claims,
            failure = failure.kind.as_str(), detail = %failure.detail, next = ?outcome.next, ms, "attempt failed"
        ),
    }
}
