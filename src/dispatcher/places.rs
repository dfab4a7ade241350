//! This node's rows for deliveries that have none of their own yet, see [`crate::models::deliveries::hand_over`].
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::clock::{Clock, Stopwatch};
use crate::base::ids::DeliveryId;
use crate::models::deliveries::{HandedOver, NewDelivery, Outcome, PLACES, Place};

/// A delivery without an outcome for so long gets its row: then it is in the lists, as being sent.
const WITHOUT_ROW_MAX: Duration = Duration::from_millis(250);

/// Which places stand for what.
pub(super) struct Places {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    free: Vec<Place>,
    open: HashMap<Place, Open>,
    in_doubt: HashSet<Place>,
}

struct Open {
    since: Stopwatch,
    waiting: HashMap<DeliveryId, NewDelivery>,
}

impl Places {
    pub(super) fn new(clock: Clock) -> Self {
        let state = State { free: (0..PLACES).rev().collect(), ..State::default() };
        Self { clock, state: Mutex::new(state) }
    }

    /// One that stands for nothing.
    pub(super) fn take(&self) -> Option<Place> {
        self.lock().free.pop()
    }

    /// Gives back one that was not used. In doubt (its row may have been written after all) it rests until that is
    /// settled.
    pub(super) fn give_back(&self, place: Place, in_doubt: bool) {
        let mut state = self.lock();
        if in_doubt {
            state.in_doubt.insert(place);
        } else {
            state.free.push(place);
        }
    }

    /// Notes what committed rows stand for.
    pub(super) fn open(&self, handed_over: Vec<HandedOver>) {
        let mut state = self.lock();
        for one in handed_over {
            let waiting = one.deliveries.into_iter().map(|delivery| (delivery.id, delivery)).collect();
            state.open.insert(one.place, Open { since: self.clock.stopwatch(), waiting });
        }
    }

    /// How many stand for deliveries.
    pub(super) fn open_count(&self) -> usize {
        self.lock().open.len()
    }

    /// Forgets of each outcome that its delivery has no row if it has one by now.
    pub(super) fn compare(&self, outcomes: &mut [Outcome]) {
        let state = self.lock();
        for outcome in outcomes {
            let delivery = outcome.delivery;
            outcome.without_row = outcome.without_row.take().filter(|without| {
                state.open.get(&without.place).is_some_and(|open| open.waiting.contains_key(&delivery))
            });
        }
    }

    /// Their rows were committed.
    pub(super) fn written(&self, outcomes: &[Outcome]) {
        let mut state = self.lock();
        for outcome in outcomes {
            let Some(without) = &outcome.without_row else { continue };
            let Some(open) = state.open.get_mut(&without.place) else { continue };
            open.waiting.remove(&outcome.delivery);
            if open.waiting.is_empty() {
                state.open.remove(&without.place);
                state.free.push(without.place);
            }
        }
    }

    /// Deliveries that have had no outcome for too long to be without a row, with their places.
    pub(super) fn overdue(&self) -> (Vec<Place>, Vec<NewDelivery>) {
        let state = self.lock();
        let late = state.open.iter().filter(|(_, open)| open.since.elapsed() >= WITHOUT_ROW_MAX);
        let (mut places, mut deliveries) = (Vec::new(), Vec::new());
        for (place, open) in late {
            places.push(*place);
            deliveries.extend(open.waiting.values().cloned());
        }
        (places, deliveries)
    }

    /// Everything that these stood for has its row now.
    pub(super) fn close(&self, places: &[Place]) {
        let mut state = self.lock();
        for place in places {
            if state.open.remove(place).is_some() {
                state.free.push(*place);
            }
        }
    }

    /// Those whose row may or may not have been written.
    pub(super) fn in_doubt(&self) -> Vec<Place> {
        self.lock().in_doubt.iter().copied().collect()
    }

    /// These are in doubt no more: what they stood for, if anything, was made due.
    pub(super) fn settled(&self, places: &[Place]) {
        let mut state = self.lock();
        for place in places {
            if state.in_doubt.remove(place) {
                state.free.push(*place);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
