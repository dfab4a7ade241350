//! What was counted since it was last written: a few additions in memory for each outcome.
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

use super::range::Grain;
use super::times::{BUCKETS, bucket};
use crate::base::ids::{DeliveryId, FailureGroupId, ProjectId, WebhookId};
use crate::base::seal::sha256;
use crate::models::deliveries::{Attempt, FailureKind, Next, Outcome};

/// Counts of outcomes by project, webhook and minute. Tests are not in it.
#[derive(Debug, Default)]
pub struct Tally {
    pub(super) counts: HashMap<(ProjectId, WebhookId, i64), Count>,
    pub(super) failures: HashMap<(ProjectId, FailureGroupId, i64), Failures>,
}

/// What a row counts.
#[derive(Clone, Debug)]
pub(super) struct Count {
    pub(super) delivered_first: i32,
    pub(super) delivered_later: i32,
    pub(super) failed: i32,
    pub(super) taken: i32,
    pub(super) refused: i32,
    pub(super) times: [i32; BUCKETS],
}

/// Failures that are alike, within a minute.
#[derive(Clone, Debug)]
pub(super) struct Failures {
    pub(super) webhook: WebhookId,
    pub(super) kind: FailureKind,
    pub(super) status: Option<u16>,
    pub(super) host: String,
    pub(super) attempts: i32,
    pub(super) failed: i32,
    pub(super) first: OffsetDateTime,
    pub(super) last: OffsetDateTime,
    pub(super) delivery: DeliveryId,
}

/// An attempt of a delivery, as far as it is counted.
pub(super) struct Tried<'a> {
    pub(super) project: ProjectId,
    pub(super) webhook: WebhookId,
    pub(super) delivery: DeliveryId,
    pub(super) duration_us: i32,
    pub(super) failure: Option<FailureKind>,
    pub(super) status: Option<u16>,
    pub(super) url: &'a str,
    /// The delivery was given up with it.
    pub(super) was_last: bool,
}

impl Default for Count {
    fn default() -> Self {
        Self { delivered_first: 0, delivered_later: 0, failed: 0, taken: 0, refused: 0, times: [0; BUCKETS] }
    }
}

impl Count {
    pub(super) fn add(&mut self, other: &Self) {
        self.delivered_first += other.delivered_first;
        self.delivered_later += other.delivered_later;
        self.failed += other.failed;
        self.taken += other.taken;
        self.refused += other.refused;
        for (sum, count) in self.times.iter_mut().zip(other.times) {
            *sum += count;
        }
    }
}

impl Tally {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.failures.is_empty()
    }

    /// Forgets all, once it is written. Its room is kept.
    pub fn clear(&mut self) {
        self.counts.clear();
        self.failures.clear();
    }

    /// Counts outcomes that were recorded at `now`. Those in `stale` moved nothing: only their attempts count.
    pub fn add(&mut self, outcomes: &[Outcome], stale: &HashSet<DeliveryId>, now: OffsetDateTime) {
        for outcome in outcomes.iter().filter(|outcome| !outcome.test) {
            let is_stale = !stale.is_empty() && stale.contains(&outcome.delivery);
            let is_failed = matches!(outcome.next, Next::Failed(_)) && !is_stale;
            if is_failed || (outcome.next == Next::Delivered && !is_stale) {
                self.ended(outcome.project, outcome.webhook, !is_failed, outcome.attempts_before == 0, now);
            }
            if let Some(attempt) = &outcome.attempt {
                self.tried(&tried(outcome, attempt, is_failed), now);
            }
        }
    }

    /// Counts a delivery that was delivered, at its first attempt or later, or given up.
    pub(super) fn ended(
        &mut self,
        project: ProjectId,
        webhook: WebhookId,
        is_delivered: bool,
        at_first: bool,
        at: OffsetDateTime,
    ) {
        let count = self.count(project, webhook, at);
        match (is_delivered, at_first) {
            (true, true) => count.delivered_first += 1,
            (true, false) => count.delivered_later += 1,
            (false, _) => count.failed += 1,
        }
    }

    /// Counts an attempt. One that our own stop cut short says nothing about its receiver.
    pub(super) fn tried(&mut self, tried: &Tried<'_>, at: OffsetDateTime) {
        if tried.failure == Some(FailureKind::Interrupted) {
            return;
        }
        let count = self.count(tried.project, tried.webhook, at);
        match tried.failure {
            None => count.taken += 1,
            Some(_) => count.refused += 1,
        }
        if tried.status.is_some() || tried.failure == Some(FailureKind::Timeout) {
            count.times[bucket(tried.duration_us)] += 1;
        }
        if let Some(kind) = tried.failure {
            self.failed_alike(tried, kind, at);
        }
    }

    fn count(&mut self, project: ProjectId, webhook: WebhookId, at: OffsetDateTime) -> &mut Count {
        let minute = Grain::Minute.begin_of(at.unix_timestamp());
        self.counts.entry((project, webhook, minute)).or_default()
    }

    fn failed_alike(&mut self, tried: &Tried<'_>, kind: FailureKind, at: OffsetDateTime) {
        let host = host_of(tried.url);
        let id = group_id(tried.webhook, kind, tried.status, &host);
        let minute = Grain::Minute.begin_of(at.unix_timestamp());
        let failures = match self.failures.entry((tried.project, id, minute)) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(none) => none.insert(Failures {
                webhook: tried.webhook,
                kind,
                status: tried.status,
                host,
                attempts: 0,
                failed: 0,
                first: at,
                last: at,
                delivery: tried.delivery,
            }),
        };
        failures.attempts += 1;
        failures.failed += i32::from(tried.was_last);
        failures.first = failures.first.min(at);
        if at >= failures.last {
            (failures.last, failures.delivery) = (at, tried.delivery);
        }
    }
}

fn tried<'a>(outcome: &Outcome, attempt: &'a Attempt, was_last: bool) -> Tried<'a> {
    Tried {
        project: outcome.project,
        webhook: outcome.webhook,
        delivery: outcome.delivery,
        duration_us: attempt.timings.total_us,
        failure: attempt.failure.as_ref().map(|failure| failure.kind),
        status: attempt.response.as_ref().map(|response| response.status),
        url: &attempt.url,
        was_last,
    }
}

/// The host of an address, with its port where that is not the usual one.
fn host_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The id of what fails alike, on whichever node and whenever.
fn group_id(webhook: WebhookId, kind: FailureKind, status: Option<u16>, host: &str) -> FailureGroupId {
    let mark = format!("{webhook} {} {} {host}", kind.number(), status.unwrap_or_default());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256(mark.as_bytes())[..16]);
    FailureGroupId(Uuid::from_bytes(bytes))
}
