//! Tests of a webhook: one event, sent while somebody waits for what the receiver says.
//!
//! A test takes the same way as every delivery (prepared, signed, judged at connect, recorded) but no lane and no slot:
//! it waits for nothing, and what comes of it changes nothing about the webhook.
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use time::{Duration, OffsetDateTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use uuid::Uuid;

use super::attempt::{Prepared, new_sender};
use super::http::Egress;
use crate::base::db::{Db, DbError};
use crate::base::ids::{EventId, GroupId, ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::models::deliveries::{self, AttemptRow, Claimed, Delivery};
use crate::models::events::Payload;
use crate::models::webhooks::{LiveSecret, ProjectSnapshot, Settings, Target, Webhook};
use crate::rules::preset::Preset;
use crate::rules::signing::Secret;

/// A webhook is tested at most so often a minute, counted by each node for itself, in memory.
pub const TESTS_A_MINUTE_MAX: usize = 20;
/// Tests that one node has under way: each keeps somebody waiting.
const UNDER_WAY_MAX: usize = 64;
/// Of these, a project's: slow receivers of one must not keep others from testing. More than a single webhook can have.
const UNDER_WAY_PER_PROJECT_MAX: usize = 32;
/// What is said to wait while all of those are under way.
const BUSY_WAIT: Duration = Duration::seconds(5);
/// Webhooks whose tests are counted at a time before those of long ago are forgotten.
const COUNTED_MAX: usize = 1_000;

/// What is sent as a test.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Test {
    pub project: ProjectId,
    pub webhook: WebhookId,
    /// Of the catalogue; the webhook need not subscribe to it.
    pub event_type: String,
    /// Canonical JSON object.
    pub data: Bytes,
    /// JSON as in the envelope's `event_source`.
    pub source: String,
    /// What is tried.
    pub trial: Trial,
}

/// What a test tries of a webhook.
#[derive(Clone, Debug, Default)]
pub enum Trial {
    /// The webhook as it is stored.
    #[default]
    Stored,
    /// The same, signed with one of its secrets only: the one of this fingerprint.
    SignedWith(String),
    /// The same, signed with a secret that nobody knows: to see whether the receiver verifies.
    SignedWithStranger,
    /// Settings that are not saved: of a webhook that exists, or none yet.
    Unsaved {
        settings: Box<Settings>,
        /// One that does not exist yet takes the values that it keeps from this one, which it copies.
        model: Option<WebhookId>,
    },
}

/// A test that was sent, as the history has it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Tested {
    pub delivery: Delivery,
    pub attempt: AttemptRow,
    pub payload: Arc<Payload>,
}

/// Why no test was sent, or why nothing is known of it.
#[derive(Debug)]
pub enum TestError {
    /// There is no such webhook in the project.
    Gone,
    /// Too many of late; the wait until there is room for one more.
    Throttled(Duration),
    /// Too many are under way, of this project or on this node; the wait until it is worth trying again.
    Busy(Duration),
    /// The webhook's address cannot be used at all.
    Address,
    /// The secret that was to sign does so no more.
    SecretGone,
    /// The database did not do it. If a test was begun, the history tells what became of it.
    Db(DbError),
}

impl From<DbError> for TestError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for TestError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Sends tests. Clones count together.
#[derive(Clone)]
pub struct TestSender {
    db: Db,
    key: SealKey,
    egress: Egress,
    node: Uuid,
    recent: Arc<Mutex<Recent>>,
    places: Arc<Semaphore>,
    by_project: Arc<Mutex<HashMap<ProjectId, Arc<Semaphore>>>>,
}

impl TestSender {
    /// One that claims what it sends for `node`.
    pub fn new(db: &Db, key: &SealKey, egress: &Egress, node: Uuid) -> Self {
        Self {
            db: db.clone(),
            key: key.clone(),
            egress: egress.clone(),
            node,
            recent: Arc::default(),
            places: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
            by_project: Arc::default(),
        }
    }

    /// Sends an event to one webhook, also one that is paused, and answers what the receiver said, after at most the
    /// webhook's time limit.
    ///
    /// Event and delivery are on disk before the call, and no connection to the database is held during it. Whoever
    /// stops waiting stops nothing: what is begun is sent and recorded. Needs a thread that runs local tasks.
    pub async fn send(&self, test: Test) -> Result<Tested, TestError> {
        let target = Arc::new(self.target(&test).await?);
        let place = self.place(test.project).map_err(|_| TestError::Busy(BUSY_WAIT))?;
        self.recent().admit(test.webhook, self.egress.clock.now()).map_err(TestError::Throttled)?;
        let sender = self.clone();
        let sending = actix_rt::spawn(async move {
            let sent = sender.send_to(&target, test).await;
            drop(place);
            sent
        });
        let ended = sending.await;
        ended.unwrap_or_else(|error| Err(TestError::Db(DbError::Unavailable(error.to_string()))))
    }

    /// What is called, and how, as the test wants it.
    async fn target(&self, test: &Test) -> Result<Target, TestError> {
        let (key, now, project) = (self.key.clone(), self.egress.clock.now(), test.project);
        let load = self.db.run(move |conn| ProjectSnapshot::load(conn, project, &key, now));
        let snapshot = load.await?.ok_or(TestError::Gone)?;
        let stored = snapshot.targets.get(&test.webhook).map(|target| Target::clone(target));
        let mut target = match (&test.trial, stored) {
            (Trial::Unsaved { settings, .. }, Some(stored)) => stored.with(settings),
            (Trial::Unsaved { settings, model }, None) => {
                let secrets = vec![LiveSecret { secret: Secret::generate(), until: None }];
                let webhook = Webhook::unsaved(project, test.webhook, now);
                let mut target = Target::plain(webhook, secrets, snapshot.version);
                if let Some(model) = model.and_then(|model| snapshot.targets.get(&model)) {
                    target.credentials = model.credentials.clone();
                }
                target.with(settings)
            }
            (_, stored) => stored.ok_or(TestError::Gone)?,
        };
        if let Trial::SignedWithStranger = &test.trial {
            target.secrets = vec![LiveSecret { secret: Secret::generate(), until: None }];
        }
        if let Trial::SignedWith(fingerprint) = &test.trial {
            target.secrets.retain(|live| live.secret.fingerprint() == *fingerprint);
            if target.secrets.is_empty() {
                return Err(TestError::SecretGone);
            }
        }
        // As its guide says: whoever looks at a trial receiver must not come by the key.
        if target.webhook.settings.preset == Some(Preset::Loyalty) {
            target.credentials = target.credentials.without_authentication();
        }
        Ok(target)
    }

    async fn send_to(&self, target: &Arc<Target>, test: Test) -> Result<Tested, TestError> {
        let client = new_sender(&self.egress, target, 1).ok_or(TestError::Address)?;
        let claimed = self.begun(target, test).await?;
        let clock = &self.egress.clock;
        let prepared = Prepared::of(&claimed, target, &client, clock.now());
        let exchanged = prepared.exchanged(target, &client).await;
        let outcome = prepared.outcome(&claimed, target, exchanged, clock.now());
        super::log(&outcome);
        let (project, id, now) = (outcome.project, outcome.delivery, clock.now());
        let recorded = self.db.transaction(move |conn| {
            deliveries::record(conn, &[outcome], now)?;
            let delivery = deliveries::find(conn, project, id)?;
            let attempt = deliveries::of_delivery(conn, project, id, 1)?.pop();
            Ok::<_, TestError>(delivery.zip(attempt))
        });
        // Gone meanwhile can only be the project with all that was its.
        let (delivery, attempt) = recorded.await?.ok_or(TestError::Gone)?;
        Ok(Tested { delivery, attempt, payload: claimed.payload })
    }

    async fn begun(&self, target: &Arc<Target>, test: Test) -> Result<Claimed, TestError> {
        let (target, node, now) = (target.clone(), self.node, self.egress.clock.now());
        let id = EventId::new(now);
        let payload = Arc::new(Payload {
            project: test.project,
            id,
            event_type: test.event_type,
            created_at: now,
            entity_id: None,
            group: GroupId::of(id).to_string(),
            source: test.source,
            data: test.data,
        });
        self.db.transaction(move |conn| Ok(deliveries::begin_test(conn, &payload, &target, node, now)?)).await
    }

    /// A place of the project's and one of the node's, for as long as a test is under way.
    fn place(&self, project: ProjectId) -> Result<[OwnedSemaphorePermit; 2], TryAcquireError> {
        let mut by_project = self.by_project.lock().unwrap_or_else(PoisonError::into_inner);
        // Where nothing is under way they are made anew when they are asked for.
        by_project.retain(|_, own| own.available_permits() < UNDER_WAY_PER_PROJECT_MAX);
        let own =
            by_project.entry(project).or_insert_with(|| Arc::new(Semaphore::new(UNDER_WAY_PER_PROJECT_MAX)));
        Ok([own.clone().try_acquire_owned()?, self.places.clone().try_acquire_owned()?])
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        // Counting cannot panic half way.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When each webhook was tested in the last minute.
#[derive(Debug, Default)]
struct Recent(HashMap<WebhookId, VecDeque<OffsetDateTime>>);

impl Recent {
    /// Counts one more; if that is too many, the wait until it is not.
    fn admit(&mut self, webhook: WebhookId, now: OffsetDateTime) -> Result<(), Duration> {
        let over = now - Duration::MINUTE;
        if self.0.len() >= COUNTED_MAX {
            self.0.retain(|_, times| times.back().is_some_and(|last| *last > over));
        }
        let times = self.0.entry(webhook).or_default();
        while times.front().is_some_and(|first| *first <= over) {
            times.pop_front();
        }
        match times.front() {
            Some(first) if times.len() >= TESTS_A_MINUTE_MAX => Err(*first - over),
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_has_so_many_tests_in_any_minute_and_others_do_not_count() {
        let (mut recent, start) = (Recent::default(), OffsetDateTime::UNIX_EPOCH);
        let (one, other) = (WebhookId::new(start), WebhookId::new(start));
        for n in 0..TESTS_A_MINUTE_MAX {
            assert_eq!(recent.admit(one, start + Duration::seconds(n as i64)), Ok(()));
        }
        let at = |seconds| start + Duration::seconds(seconds);
        assert_eq!(recent.admit(one, at(25)), Err(Duration::seconds(35)));
        assert_eq!(recent.admit(other, at(25)), Ok(()));
        assert_eq!(recent.admit(one, at(60)), Ok(()), "the first is a minute old");
        assert_eq!(recent.admit(one, at(60)), Err(Duration::seconds(1)));
    }
}
