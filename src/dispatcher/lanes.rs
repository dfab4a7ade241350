//! The actor that sends: one thread, a lane for each webhook, fair between them.
//!
//! It owns its state and reads one channel. Attempts run as tasks of the same thread; when one ends, its lane starts
//! the next. A lane has its own slots, so that a slow receiver holds up nobody else.
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::Shared;
use super::attempt::{Prepared, new_sender, outcome};
use super::http::{Egress, Exchanged, Sender};
use super::slots::share;
use crate::base::clock::Stopwatch;
use crate::base::ids::{ProjectId, WebhookId};
use crate::models::deliveries::{Claimed, Next, Outcome, Timings};
use crate::models::webhooks::{ProjectSnapshot, Target};

/// A lane that nothing was sent on for so long closes its connections.
const IDLE_MAX: Duration = Duration::from_secs(20);
/// A claim must outlive the attempt's limit by so much, or it is given back: the outcome has to reach the table.
const LEASE_LEFT_MIN: time::Duration = time::Duration::seconds(3);

/// All that can wake the actor.
pub(super) enum Wake {
    /// Deliveries to send, room having been kept for them, and since when they are on their way here.
    Send(Vec<Claimed>, Stopwatch),
    /// A project's settings changed, or the project is gone.
    Settings(ProjectId, Option<Arc<ProjectSnapshot>>),
    /// An attempt ended.
    Ended(WebhookId),
    /// Close what is idle.
    Sweep,
    /// Begin nothing more; answer when all attempts are over or cut short.
    Stop(oneshot::Sender<()>),
}

struct Lane {
    waiting: VecDeque<Claimed>,
    in_flight: usize,
    sender: Option<(Rc<Sender>, i64)>,
    last_used: Stopwatch,
}

pub(super) struct Lanes {
    shared: Arc<Shared>,
    egress: Egress,
    in_flight_max: usize,
    per_webhook_max: usize,
    lanes: RefCell<HashMap<WebhookId, Lane>>,
    /// The newest settings of each project that were told: what was read before them and comes after them gets them too.
    settings: RefCell<HashMap<ProjectId, Arc<ProjectSnapshot>>>,
    /// Lanes with something waiting and a slot free, in turn.
    ready: RefCell<VecDeque<WebhookId>>,
    in_flight: std::cell::Cell<usize>,
    stopping: RefCell<Option<oneshot::Sender<()>>>,
    wakes: mpsc::UnboundedSender<Wake>,
    outcomes: mpsc::Sender<Outcome>,
    /// True once attempts under way are to be cut short.
    cut: watch::Receiver<bool>,
}

impl Lanes {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        shared: Arc<Shared>,
        egress: Egress,
        in_flight_max: usize,
        per_webhook_max: usize,
        wakes: mpsc::UnboundedSender<Wake>,
        outcomes: mpsc::Sender<Outcome>,
        cut: watch::Receiver<bool>,
    ) -> Rc<Self> {
        Rc::new(Self {
            shared,
            egress,
            in_flight_max,
            per_webhook_max,
            lanes: RefCell::default(),
            settings: RefCell::default(),
            ready: RefCell::default(),
            in_flight: std::cell::Cell::new(0),
            stopping: RefCell::default(),
            wakes,
            outcomes,
            cut,
        })
    }

    pub(super) async fn run(self: Rc<Self>, mut inbox: mpsc::UnboundedReceiver<Wake>) {
        while let Some(wake) = inbox.recv().await {
            match wake {
                Wake::Send(claimed, since) => {
                    let behind_us = u32::try_from(since.elapsed_us()).unwrap_or_default();
                    self.shared.behind_us.store(behind_us, Ordering::Relaxed);
                    claimed.into_iter().for_each(|one| self.enqueue(one));
                }
                Wake::Settings(project, snapshot) => self.settle(project, snapshot),
                Wake::Ended(webhook) => self.ended(webhook),
                Wake::Sweep => self.sweep(),
                Wake::Stop(done) => {
                    self.give_back_waiting().await;
                    self.stopping.replace(Some(done));
                }
            }
            self.fill().await;
            if self.in_flight.get() == 0
                && let Some(done) = self.stopping.take()
            {
                let _ = done.send(());
                return;
            }
        }
    }

    fn enqueue(&self, mut claimed: Claimed) {
        if let Some(newest) = self.settings.borrow().get(&claimed.payload.project) {
            renew(&mut claimed, newest);
        }
        let webhook = claimed.webhook;
        let mut lanes = self.lanes.borrow_mut();
        let lane = lanes.entry(webhook).or_insert_with(|| Lane {
            waiting: VecDeque::new(),
            in_flight: 0,
            sender: None,
            last_used: self.egress.clock.stopwatch(),
        });
        lane.waiting.push_back(claimed);
        // A lane stands in the row once: when its first delivery comes, and again after each one that it sends.
        if lane.waiting.len() == 1 && lane.in_flight < self.per_webhook_max {
            self.ready.borrow_mut().push_back(webhook);
        }
    }

    fn ended(&self, webhook: WebhookId) {
        self.in_flight.set(self.in_flight.get() - 1);
        let mut lanes = self.lanes.borrow_mut();
        let Some(lane) = lanes.get_mut(&webhook) else { return };
        lane.in_flight -= 1;
        lane.last_used = self.egress.clock.stopwatch();
        if lane.in_flight + 1 == self.per_webhook_max && !lane.waiting.is_empty() {
            self.ready.borrow_mut().push_back(webhook);
        }
        if lane.waiting.is_empty() {
            self.shared.lane_ran_dry(webhook);
        }
    }

    /// Starts attempts while there are slots, one lane after the other.
    async fn fill(self: &Rc<Self>) {
        let mut passed_over = 0;
        while self.in_flight.get() < self.in_flight_max && passed_over < self.ready.borrow().len() {
            let Some(webhook) = self.ready.borrow_mut().pop_front() else { return };
            if !self.has_slot(webhook) {
                self.ready.borrow_mut().push_back(webhook);
                passed_over += 1;
                continue;
            }
            passed_over = 0;
            let Some(claimed) = self.next_of(webhook) else { continue };
            self.begin(claimed).await;
        }
    }

    /// Whether the lane may have one more attempt under way; fair between lanes.
    fn has_slot(&self, webhook: WebhookId) -> bool {
        let all = self.in_flight.get();
        let lanes = self.lanes.borrow();
        lanes.get(&webhook).is_none_or(|lane| lane.in_flight < share(lane.in_flight, all, self.in_flight_max))
    }

    /// The lane's oldest delivery; the lane goes to the end of the row if it has more and a slot for it.
    fn next_of(&self, webhook: WebhookId) -> Option<Claimed> {
        let mut lanes = self.lanes.borrow_mut();
        let lane = lanes.get_mut(&webhook)?;
        let claimed = lane.waiting.pop_front()?;
        lane.in_flight += 1;
        self.in_flight.set(self.in_flight.get() + 1);
        if !lane.waiting.is_empty() && lane.in_flight < self.per_webhook_max {
            self.ready.borrow_mut().push_back(webhook);
        }
        Some(claimed)
    }

    /// Starts the attempt, or puts the delivery where it belongs if it may not be sent now.
    async fn begin(self: &Rc<Self>, claimed: Claimed) {
        let now = self.egress.clock.now();
        let instead = match &claimed.target {
            None => Some(Next::Cancelled),
            Some(_) if self.shared.paces.turns_away(&claimed) => Some(Next::GivenBack),
            Some(target) => instead_of_sending(&claimed, target, now)
                .or_else(|| claimed.is_past_its_rate(now).then_some(Next::GivenBack)),
        };
        let ready = claimed.target.clone().filter(|_| instead.is_none());
        let sender = ready.as_ref().and_then(|target| self.sender_of(target));
        match (ready, sender) {
            (Some(target), Some(sender)) => {
                let lanes = self.clone();
                actix_rt::spawn(async move {
                    let outcome = lanes.send(&claimed, &target, &sender).await;
                    lanes.close(claimed.webhook, outcome).await;
                });
            }
            _ => {
                // Without an address there is nothing to try, now or later.
                let next = instead.unwrap_or(Next::Failed(None));
                let lanes = self.clone();
                let outcome = outcome(&claimed, None, next);
                lanes.close(claimed.webhook, outcome).await;
            }
        }
    }

    async fn send(&self, claimed: &Claimed, target: &Target, sender: &Sender) -> Outcome {
        let clock = &self.egress.clock;
        let prepared = Prepared::of(claimed, target, sender, clock.now());
        let watch = clock.stopwatch();
        let mut cut = self.cut.clone();
        let exchanged = tokio::select! {
            biased;
            exchanged = prepared.exchanged(target, sender) => Ok(exchanged),
            _ = cut.wait_for(|cut| *cut) => Err(watch.elapsed_us()),
        };
        let outcome = match exchanged {
            Ok(exchanged) => prepared.outcome(claimed, target, exchanged, clock.now()),
            Err(total_us) => {
                let timings = Timings { total_us, ..Timings::default() };
                let nothing = Exchanged { address: None, response: None, failure: None, timings };
                prepared.interrupted(claimed, target, nothing)
            }
        };
        self.shared.paces.ended(&outcome);
        super::report(&self.shared, claimed, &outcome);
        outcome
    }

    /// Hands the outcome to the recorder (waiting for it if it is behind) and frees the slot.
    async fn close(&self, webhook: WebhookId, outcome: Outcome) {
        // The recorder outlives the lanes.
        let _ = self.outcomes.send(outcome).await;
        self.shared.slots.release(webhook);
        let _ = self.wakes.send(Wake::Ended(webhook));
    }

    fn sender_of(&self, target: &Arc<Target>) -> Option<Rc<Sender>> {
        let mut lanes = self.lanes.borrow_mut();
        let lane = lanes.get_mut(&target.webhook.id)?;
        match &lane.sender {
            Some((sender, version)) if *version == target.version => Some(sender.clone()),
            // A lane's new settings may lead elsewhere: connections of the old ones are not used again.
            _ => {
                let sender = Rc::new(new_sender(&self.egress, target, self.per_webhook_max)?);
                lane.sender = Some((sender.clone(), target.version));
                Some(sender)
            }
        }
    }

    /// Applies new settings to what waits in memory. They may have been read before newer ones and come after them.
    fn settle(&self, project: ProjectId, snapshot: Option<Arc<ProjectSnapshot>>) {
        let mut settings = self.settings.borrow_mut();
        let of_project = |claimed: &&mut Claimed| claimed.payload.project == project;
        let mut lanes = self.lanes.borrow_mut();
        let waiting = lanes.values_mut().flat_map(|lane| &mut lane.waiting).filter(of_project);
        match snapshot {
            Some(old) if settings.get(&project).is_some_and(|newest| newest.version > old.version) => {}
            Some(newest) => {
                waiting.for_each(|claimed| renew(claimed, &newest));
                settings.insert(project, newest);
            }
            None => {
                waiting.for_each(|claimed| claimed.target = None);
                settings.remove(&project);
            }
        }
    }

    async fn give_back_waiting(&self) {
        let mut waiting = Vec::new();
        for lane in self.lanes.borrow_mut().values_mut() {
            waiting.extend(lane.waiting.drain(..));
        }
        self.ready.borrow_mut().clear();
        for claimed in waiting {
            let _ = self.outcomes.send(outcome(&claimed, None, Next::GivenBack)).await;
            self.shared.slots.release(claimed.webhook);
        }
    }

    fn sweep(&self) {
        self.lanes.borrow_mut().retain(|_, lane| {
            lane.in_flight > 0 || !lane.waiting.is_empty() || lane.last_used.elapsed() < IDLE_MAX
        });
    }
}

/// Gives a delivery newer settings than those that it was claimed with.
fn renew(claimed: &mut Claimed, newest: &ProjectSnapshot) {
    if claimed.target.as_ref().is_none_or(|target| target.version < newest.version) {
        claimed.target = newest.targets.get(&claimed.webhook).cloned();
        claimed.webhooks_enabled = newest.webhooks_enabled;
    }
}

/// Where a claimed delivery goes if it may not be sent now.
fn instead_of_sending(claimed: &Claimed, target: &Target, now: time::OffsetDateTime) -> Option<Next> {
    let settings = &target.webhook.settings;
    let limit = time::Duration::milliseconds(i64::from(settings.timeout_ms));
    if !claimed.webhooks_enabled || !settings.active {
        Some(Next::Held)
    } else if claimed.lease_ends - now < limit + LEASE_LEFT_MIN {
        Some(Next::GivenBack)
    } else {
        None
    }
}

impl Shared {
    /// Room came free while more waits in the table for this webhook: have it fetched.
    fn lane_ran_dry(&self, webhook: WebhookId) {
        if self.backlog.lock().unwrap_or_else(PoisonError::into_inner).contains(&webhook) {
            self.wakeup.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use time::OffsetDateTime;

    use super::*;
    use crate::base::ids::{DeliveryId, EventId};
    use crate::models::events::Payload;
    use crate::models::webhooks::{Settings, Webhook};

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn payload(project: ProjectId) -> Payload {
        Payload {
            project,
            id: EventId::new(NOW),
            event_type: "a.b".to_owned(),
            created_at: NOW,
            entity_id: None,
            group: String::new(),
            source: String::new(),
            data: Bytes::new(),
        }
    }

    #[test]
    fn newer_settings_replace_older_ones_and_never_the_other_way_round() {
        let (project, id) = (ProjectId::new(NOW), WebhookId::new(NOW));
        let webhook = Webhook {
            project,
            id,
            settings: Settings::default(),
            disabled: None,
            off_since: None,
            in_maintenance: false,
            created_at: NOW,
            updated_at: NOW,
            deleted_at: None,
        };
        let at = |version| {
            ProjectSnapshot::of(version, version != 3, [Target::plain(webhook.clone(), Vec::new(), version)])
        };
        let mut one =
            Claimed::first(DeliveryId::new(NOW), Arc::new(payload(project)), &at(2).targets[&id], NOW);
        let version = |one: &Claimed| one.target.as_ref().map(|target| target.version);
        // Before the webhook was there.
        renew(&mut one, &ProjectSnapshot::of(1, true, []));
        assert_eq!((version(&one), one.webhooks_enabled), (Some(2), true));
        renew(&mut one, &at(3));
        assert_eq!((version(&one), one.webhooks_enabled), (Some(3), false));
        renew(&mut one, &ProjectSnapshot::of(4, true, []));
        assert_eq!(version(&one), None);
    }
}
