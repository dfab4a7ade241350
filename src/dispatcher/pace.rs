//! What this node knows of webhooks whose attempts fail: it counts in memory, so that nothing is asked of the database
//! while all is well, and keeps in mind which are slowed. What holds is in the table: `models/deliveries/pace.rs`.
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::base::ids::WebhookId;
use crate::models::deliveries::{Attempt, Claimed, FAILURES_MAX, FailureKind, Outcome, Tried};

/// Looks at the table after which a mark that was never written is taken back: its outcomes must have been given up.
const MARKED_MAX: u16 = 1_000;

/// Webhooks that fail, and those that are slowed.
#[derive(Debug, Default)]
pub(super) struct Paces {
    /// Whether there is any at all; otherwise nobody needs the lock.
    any: AtomicBool,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    each: HashMap<WebhookId, Pace>,
    /// Counts what this node wrote, to tell which looks at the table came before.
    written: u64,
}

#[derive(Debug, Default)]
struct Pace {
    /// Failed in a row, as this node saw it.
    failures: i32,
    /// Of these, so many are in the table.
    told: i32,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// At its usual speed.
    #[default]
    Free,
    /// Slowed by this node, which the table does not know yet, not even at so many looks.
    Marked(u16),
    /// As the table has it; with the number of the writing if it was this node's.
    Slowed(u64),
}

impl Paces {
    /// Counts what an attempt came to. Whoever fails too often in a row is slowed from this moment on.
    pub(super) fn ended(&self, outcome: &Outcome) {
        let Some(attempt) = counted(outcome) else { return };
        if attempt.failure.is_none() && !self.any.load(Ordering::Relaxed) {
            return;
        }
        let mut held = self.lock();
        if attempt.failure.is_some() {
            let pace = held.each.entry(outcome.webhook).or_default();
            pace.failures = pace.failures.saturating_add(1);
            if pace.state == State::Free && pace.failures >= FAILURES_MAX {
                tracing::warn!(webhook = %outcome.webhook, failures = pace.failures, "slowed: its receiver keeps failing");
                pace.state = State::Marked(0);
            }
        } else if let Some(pace) = held.each.get_mut(&outcome.webhook) {
            match pace.state {
                State::Slowed(_) => (pace.failures, pace.told) = (0, 0),
                State::Free | State::Marked(_) => drop(held.each.remove(&outcome.webhook)),
            }
        }
        self.note_any(&held);
    }

    /// Whether the webhook is slowed.
    pub(super) fn is_slowed(&self, webhook: WebhookId) -> bool {
        self.any.load(Ordering::Relaxed)
            && self.lock().each.get(&webhook).is_some_and(|pace| pace.state != State::Free)
    }

    /// Whether a delivery in memory goes back into the table: its webhook was slowed after it was fetched.
    pub(super) fn turns_away(&self, claimed: &Claimed) -> bool {
        !claimed.in_turn && self.is_slowed(claimed.webhook)
    }

    /// How many webhooks are slowed.
    pub(super) fn slowed(&self) -> usize {
        self.lock().each.values().filter(|pace| pace.state != State::Free).count()
    }

    /// What these outcomes mean for the pace of webhooks that are slowed: usually nothing.
    pub(super) fn tried(&self, outcomes: &[Outcome]) -> Vec<Tried> {
        if !self.any.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let held = self.lock();
        let mut tried: BTreeMap<WebhookId, Tried> = BTreeMap::new();
        for outcome in outcomes {
            let Some(pace) = held.each.get(&outcome.webhook).filter(|pace| pace.state != State::Free) else {
                continue;
            };
            let Some(attempt) = counted(outcome) else { continue };
            let one = tried.entry(outcome.webhook).or_insert_with(|| Tried {
                project: outcome.project,
                webhook: outcome.webhook,
                is_new: matches!(pace.state, State::Marked(_)),
                succeeded: 0,
                failed: pace.failures - pace.told,
                turn_failed: false,
                last_failure: None,
            });
            match &attempt.failure {
                None => one.succeeded += 1,
                Some(failure) => {
                    one.turn_failed |= outcome.in_turn;
                    one.last_failure = Some((failure.clone(), attempt.started_at));
                }
            }
        }
        tried.into_values().collect()
    }

    /// The table has it now; those in `over` are slowed no more.
    pub(super) fn written(&self, tried: &[Tried], over: &[WebhookId]) {
        if tried.is_empty() {
            return;
        }
        let mut held = self.lock();
        held.written += 1;
        let number = held.written;
        for one in tried {
            let Some(pace) = held.each.get_mut(&one.webhook) else { continue };
            pace.told = pace.failures.min(pace.told.saturating_add(one.failed));
            // Without a failure to tell of it could not be written.
            if one.is_new && one.last_failure.is_some() {
                pace.state = State::Slowed(number);
            }
        }
        for webhook in over {
            tracing::info!(%webhook, "slowed no more: its receiver answers again");
            held.each.remove(webhook);
        }
        self.note_any(&held);
    }

    /// What this node has written so far: to be asked before the table is read.
    pub(super) fn known(&self) -> u64 {
        self.lock().written
    }

    /// Takes over what the table said about slowed webhooks, but for what was written after `known`.
    pub(super) fn read(&self, known: u64, turns: &HashMap<WebhookId, OffsetDateTime>) {
        if turns.is_empty() && !self.any.load(Ordering::Relaxed) {
            return;
        }
        let mut held = self.lock();
        held.each.retain(|webhook, pace| match &mut pace.state {
            State::Slowed(written) => *written > known || turns.contains_key(webhook),
            State::Marked(looks) => {
                *looks += 1;
                *looks < MARKED_MAX
            }
            State::Free => true,
        });
        for webhook in turns.keys() {
            let pace = held.each.entry(*webhook).or_default();
            if pace.state == State::Free {
                pace.state = State::Slowed(0);
            }
        }
        self.note_any(&held);
    }

    fn note_any(&self, held: &Held) {
        self.any.store(!held.each.is_empty(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Counting cannot panic half way.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The attempt, if it says something about the receiver.
fn counted(outcome: &Outcome) -> Option<&Attempt> {
    let attempt = outcome.attempt.as_ref().filter(|_| !outcome.test)?;
    let is_ours = attempt.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Interrupted);
    (!is_ours).then_some(attempt)
}
