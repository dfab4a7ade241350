//! Fetches what waits in the table: retries, what did not fit into memory, what others let go.
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use actix_rt::Arbiter;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot, watch};

use super::attempt::outcome;
use super::emptying::Emptying;
use super::lanes::Wake;
use super::leap::Leaps;
use super::{Settings, Shared};
use crate::base::db::{Db, DbError, by_key};
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::models::accounts::{sessions, sign_in};
use crate::models::deliveries::{self, Claimed, ClaimedRow, Look, Next, Outcome, Retention};
use crate::models::projects::reveals;
use crate::models::webhooks::{self, ProjectSnapshot};
use crate::models::{audit, events, figures, notices, resends};

/// Deliveries fetched at a time.
const CLAIM_MAX: i64 = 1_000;
/// Between looks at what is not urgent: partitions, what has had its time, idle connections.
const UPKEEP_EVERY: time::Duration = time::Duration::seconds(30);
/// Between two looks at the least.
const LOOKS_APART: Duration = Duration::from_millis(10);
/// Expired ids forgotten at a time.
const FORGET_MAX: i64 = 5_000;

type Snapshots = HashMap<ProjectId, Arc<ProjectSnapshot>>;

struct Claimer {
    shared: Arc<Shared>,
    db: Db,
    key: SealKey,
    outcomes: mpsc::Sender<Outcome>,
    retention: Retention,
    snapshots: Snapshots,
    upkeep_at: Option<OffsetDateTime>,
    emptying: Emptying,
    leaps: Leaps,
    /// The clock was set back, and times in the table are still to be brought near.
    is_back: bool,
}

/// What one look at the table brought.
struct Fetched {
    claimed: Vec<Claimed>,
    /// Events that were dropped while their delivery was open: nothing can be sent.
    lost: Vec<ClaimedRow>,
    snapshots: Snapshots,
    /// Projects whose settings changed since the last look.
    changed: Vec<(ProjectId, Option<Arc<ProjectSnapshot>>)>,
    /// The webhooks for which deliveries still wait, and when the first of each is due.
    waiting: Vec<(WebhookId, OffsetDateTime)>,
    /// What was found in the table of slowed and rated webhooks; its rows are in `claimed`.
    look: Look,
}

/// Starts the claimer; it stops when told and then says so.
pub(super) fn start(
    arbiter: &Arbiter,
    settings: &Settings,
    shared: Arc<Shared>,
    db: Db,
    key: SealKey,
    outcomes: mpsc::Sender<Outcome>,
) -> (watch::Sender<bool>, oneshot::Receiver<()>) {
    let (poll, retention) = (settings.poll, settings.retention);
    let (stop, mut stopping) = watch::channel(false);
    let (stopped, done) = oneshot::channel();
    arbiter.spawn(async move {
        let snapshots = Snapshots::new();
        let emptying = Emptying::new(&db, retention.bodies);
        let leaps = Leaps::new(&shared.clock);
        let mut claimer = Claimer {
            shared,
            db,
            key,
            outcomes,
            retention,
            snapshots,
            upkeep_at: None,
            emptying,
            leaps,
            is_back: false,
        };
        loop {
            let wait = claimer.look(poll).await;
            // However often it is woken: a look costs a transaction.
            tokio::time::sleep(LOOKS_APART).await;
            tokio::select! {
                () = claimer.shared.wakeup.clone().woken() => {}
                () = tokio::time::sleep(wait) => {}
                _ = stopping.wait_for(|stop| *stop) => break,
            }
        }
        let _ = stopped.send(());
    });
    (stop, done)
}

impl Claimer {
    /// One look; answers how long to wait for the next.
    async fn look(&mut self, poll: Duration) -> Duration {
        let result = self.try_look().await;
        self.shared.works.store(result.is_ok(), Ordering::Relaxed);
        match result {
            Ok(Some(due)) => {
                let until = due - self.shared.clock.now();
                Duration::try_from(until)
                    .unwrap_or(Duration::from_millis(1))
                    .clamp(Duration::from_millis(1), poll)
            }
            Ok(None) => poll,
            Err(error) => {
                tracing::error!(%error, "the queue could not be read; trying again");
                poll
            }
        }
    }

    async fn try_look(&mut self) -> Result<Option<OffsetDateTime>, DbError> {
        let now = self.shared.clock.now();
        let seen = self.leaps.look(now);
        self.is_back |= seen.went_back;
        if self.is_back {
            // What is to be done by a time would wait until the clock has caught up with itself.
            self.upkeep_at = None;
            self.emptying.forget_times();
            let brought = self.db.run_long(move |conn| deliveries::bring_near(conn, now)).await?;
            tracing::info!(count = brought, "deliveries that were due are due again");
            self.is_back = false;
        }
        self.upkeep(now).await;
        let (free, each, taken) = self.shared.slots.room();
        let sending_each = self.shared.slots.sending_each();
        let (node, key, known) = (self.shared.node, self.key.clone(), self.snapshots.clone());
        let mut in_lanes: HashSet<ProjectId> = known.keys().copied().collect();
        in_lanes.extend(self.shared.handed_over.lock().unwrap_or_else(PoisonError::into_inner).iter());
        let limit = free.min(CLAIM_MAX);
        let in_doubt = self.shared.places.in_doubt();
        let settled = in_doubt.clone();
        let known_paces = self.shared.paces.known();
        let mut fetched = self
            .db
            .run(move |conn| {
                by_key(conn, |conn| {
                    if !seen.leases_mislead {
                        deliveries::rescue(conn, now)?;
                    }
                    deliveries::rescue_places(conn, node, &in_doubt, now)?;
                    let mut look =
                        deliveries::claim_in_turn(conn, node, now, each, sending_each, &taken, limit)?;
                    let rows = std::mem::take(&mut look.rows);
                    let (snapshots, changed) = refresh(conn, known, in_lanes, &rows, &key, now)?;
                    let wanted: Vec<_> = rows.iter().map(|row| (row.project, row.event)).collect();
                    let payloads = events::load_payloads(conn, &wanted)?;
                    let (mut claimed, mut lost) = (Vec::new(), Vec::new());
                    for row in rows {
                        let Some(payload) = payloads.get(&row.event) else {
                            lost.push(row);
                            continue;
                        };
                        let snapshot = snapshots.get(&row.project);
                        claimed.push(Claimed {
                            id: row.id,
                            payload: payload.clone(),
                            webhook: row.webhook,
                            target: snapshot.and_then(|s| s.targets.get(&row.webhook).cloned()),
                            test: row.test,
                            claims: row.claims,
                            lease_ends: row.lease_ends,
                            attempt_count: row.attempt_count,
                            retries_used: row.retries_used,
                            webhooks_enabled: snapshot.is_some_and(|s| s.webhooks_enabled),
                            place: None,
                            in_turn: row.in_turn,
                            by_rate: row.by_rate,
                        });
                    }
                    let waiting = deliveries::first_due(conn)?;
                    Ok(Fetched { claimed, lost, snapshots, changed, waiting, look })
                })
            })
            .await?;
        self.snapshots = fetched.snapshots;
        self.shared.places.settled(&settled);
        self.shared.paces.read(known_paces, &fetched.look.turns);
        for (webhook, due) in &mut fetched.waiting {
            // What waits for its turn is not due before.
            *due = fetched.look.not_before(*webhook, *due);
        }
        let overdue = fetched.waiting.iter().filter(|(_, due)| *due <= now).map(|(webhook, _)| *webhook);
        *self.shared.backlog.lock().unwrap_or_else(PoisonError::into_inner) = overdue.collect();
        for (project, snapshot) in fetched.changed {
            for lane in &self.shared.lanes {
                let _ = lane.send(Wake::Settings(project, snapshot.clone()));
            }
        }
        for row in fetched.lost {
            tracing::error!(delivery = %row.id, "the event of an open delivery is gone; the delivery is cancelled");
            let _ = self.outcomes.send(cancelled(&row)).await;
        }
        let progress = !fetched.claimed.is_empty();
        self.hand_in(fetched.claimed).await;
        // What is overdue and was not fetched has no room; a lane that runs dry says when there is some.
        let next = fetched.waiting.into_iter().map(|(_, due)| due).filter(|due| progress || *due > now).min();
        Ok(next)
    }

    /// Gives to the lanes what there is room for; the rest, claimed while room was taken otherwise, goes back.
    async fn hand_in(&self, claimed: Vec<Claimed>) {
        let (fits, rest): (Vec<_>, Vec<_>) =
            claimed.into_iter().partition(|claimed| self.shared.slots.reserve(claimed.webhook));
        self.shared.spread(fits);
        for claimed in rest {
            let _ = self.outcomes.send(outcome(&claimed, None, Next::GivenBack)).await;
        }
    }

    /// What is not urgent and never holds up what is. Each step by itself: one that fails keeps no other from its turn.
    async fn upkeep(&mut self, now: OffsetDateTime) {
        if self.upkeep_at.is_some_and(|at| now < at) {
            return;
        }
        let (retention, node) = (self.retention, self.shared.node);
        self.upkeep_at = Some(now + UPKEEP_EVERY);
        self.step("saying that this node lives", move |conn| deliveries::keep_places(conn, node, now)).await;
        self.step("what was held by mistake", |conn| deliveries::note_stranded(conn).map(drop)).await;
        self.step("the days ahead", move |conn| deliveries::make_ahead(conn, now)).await;
        self.step("the days behind", move |conn| {
            for day in deliveries::drop_behind(conn, retention, now)? {
                tracing::info!(%day, "a day of history has had its time");
            }
            resends::drop_behind(conn, retention.delivered, now)?;
            Ok(())
        })
        .await;
        let kept = retention.delivered;
        self.step("notes on what is no longer kept", move |conn| deliveries::forget_notes(conn, kept, now))
            .await;
        self.step("expired sessions and ids", move |conn| {
            sessions::forget_expired(conn, now)?;
            sign_in::forget_old(conn, now)?;
            notices::forget_old(conn, now)?;
            reveals::forget_old(conn, now)?;
            audit::forget_old(conn, now)?;
            while events::forget_expired(conn, now, FORGET_MAX)? == FORGET_MAX as usize {}
            Ok(())
        })
        .await;
        self.step("figures that have had their time", move |conn| {
            while figures::forget_old(conn, now)? {}
            Ok(())
        })
        .await;
        self.emptying.begin(now);
        for lane in &self.shared.lanes {
            let _ = lane.send(Wake::Sweep);
        }
    }

    async fn step(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut diesel::PgConnection) -> Result<(), DbError> + Send + 'static,
    ) {
        if let Err(error) = self.db.run(work).await {
            tracing::warn!(%error, "upkeep is put off: {what}");
        }
    }
}

fn cancelled(row: &ClaimedRow) -> Outcome {
    Outcome {
        project: row.project,
        delivery: row.id,
        webhook: row.webhook,
        claims: row.claims,
        test: row.test,
        in_turn: row.in_turn,
        attempts_before: row.attempt_count,
        attempt: None,
        next: Next::Cancelled,
        without_row: None,
    }
}

type Changed = Vec<(ProjectId, Option<Arc<ProjectSnapshot>>)>;

/// The snapshots of all projects at hand, exact as of this transaction, and which of those known before changed.
fn refresh(
    conn: &mut diesel::PgConnection,
    mut snapshots: Snapshots,
    in_lanes: HashSet<ProjectId>,
    rows: &[ClaimedRow],
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<(Snapshots, Changed), DbError> {
    let mut projects = in_lanes;
    projects.extend(rows.iter().map(|row| row.project));
    let versions = webhooks::versions(conn, projects.iter().copied().collect())?;
    let mut changed = Vec::new();
    for project in projects {
        let version = versions.get(&project);
        if snapshots.get(&project).map(|s| &s.version) == version {
            continue;
        }
        let fresh = match version {
            Some(_) => ProjectSnapshot::load(conn, project, key, now)?.map(Arc::new),
            None => None,
        };
        match &fresh {
            Some(snapshot) => snapshots.insert(project, snapshot.clone()),
            None => snapshots.remove(&project),
        };
        changed.push((project, fresh));
    }
    Ok((snapshots, changed))
}
