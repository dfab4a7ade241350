//! What was sent, accepted and received, event by event: written by load and receiver, read when all is over.
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::order::{Order, Passage};
use crate::base::clock::Stopwatch;

/// Deliveries that one run can keep book of: 16 bytes each.
pub(super) const DELIVERIES_MAX: u64 = 50_000_000;

/// Not yet.
const NEVER: u64 = 0;

/// One event. Times are microseconds since the ledger was opened, and never 0.
#[derive(Default)]
struct Event {
    sent_us: AtomicU64,
    accepted_us: AtomicU64,
}

/// One event at one webhook.
#[derive(Default)]
struct Arrival {
    first_us: AtomicU64,
    /// A hash of the `webhook-id` that came first.
    id: AtomicU32,
    count: AtomicU8,
    /// Came while the receiver was away.
    tried: AtomicBool,
}

/// The book of a run.
pub(super) struct Ledger {
    watch: Stopwatch,
    fan_out: usize,
    next: AtomicU32,
    events: Box<[Event]>,
    arrivals: Box<[Arrival]>,
    arrived: AtomicU64,
    strangers: AtomicU64,
}

/// What a range of events came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    /// Accepted, and at none or not all of its webhooks.
    pub(super) lost: u64,
    /// Different deliveries that arrived.
    pub(super) delivered: u64,
    /// Arrivals of a delivery after its first.
    pub(super) duplicates: u64,
    /// Arrivals under another id than the delivery's first, or of no delivery of this run.
    pub(super) strangers: u64,
    /// From the first sending to the last acceptance and to the last first arrival.
    pub(super) accepting_us: u64,
    pub(super) delivering_us: u64,
    /// Sorted.
    pub(super) accept_us: Vec<u32>,
    /// Sorted.
    pub(super) end_to_end_us: Vec<u32>,
}

impl Ledger {
    /// For so many events to so many webhooks each.
    pub(super) fn new(watch: Stopwatch, events: usize, fan_out: usize) -> Self {
        Self {
            watch,
            fan_out,
            next: AtomicU32::new(0),
            events: (0..events).map(|_| Event::default()).collect(),
            arrivals: (0..events * fan_out).map(|_| Arrival::default()).collect(),
            arrived: AtomicU64::new(0),
            strangers: AtomicU64::new(0),
        }
    }

    /// Now, in microseconds since the ledger was opened.
    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_micros()).unwrap_or(u64::MAX).max(1)
    }

    /// The number of the next event.
    pub(super) fn next(&self) -> u32 {
        self.next.fetch_add(1, Relaxed)
    }

    /// How many numbers were given out.
    pub(super) fn given_out(&self) -> u32 {
        self.next.load(Relaxed)
    }

    /// The event goes out; `at_us` is when it should have.
    pub(super) fn sent(&self, event: u32, at_us: u64) {
        self.events[event as usize].sent_us.store(at_us, Relaxed);
    }

    /// The event was answered 202.
    pub(super) fn accepted(&self, event: u32) {
        self.events[event as usize].accepted_us.store(self.now_us(), Relaxed);
    }

    /// A request came in. `id` is a hash of its `webhook-id`.
    pub(super) fn arrived(&self, event: u32, webhook: usize, id: u32) {
        let place = event as usize * self.fan_out + webhook;
        let Some(arrival) = self.arrivals.get(place).filter(|_| webhook < self.fan_out) else {
            self.strangers.fetch_add(1, Relaxed);
            return;
        };
        if arrival.first_us.load(Relaxed) == NEVER {
            arrival.id.store(id, Relaxed);
            arrival.first_us.store(self.now_us(), Relaxed);
            self.arrived.fetch_add(1, Relaxed);
        } else if arrival.id.load(Relaxed) != id {
            self.strangers.fetch_add(1, Relaxed);
        }
        let count = arrival.count.load(Relaxed);
        arrival.count.store(count.saturating_add(1), Relaxed);
    }

    /// A request came in and was answered 503.
    pub(super) fn turned_away(&self, event: u32, webhook: usize) {
        let place = event as usize * self.fan_out + webhook;
        match self.arrivals.get(place).filter(|_| webhook < self.fan_out) {
            Some(arrival) => arrival.tried.store(true, Relaxed),
            None => drop(self.strangers.fetch_add(1, Relaxed)),
        }
    }

    /// Different deliveries that arrived so far.
    pub(super) fn arrived_so_far(&self) -> u64 {
        self.arrived.load(Relaxed)
    }

    /// Deliveries of accepted events that did not arrive yet.
    pub(super) fn missing(&self) -> u64 {
        (0..self.given_out()).map(|event| self.missing_of(event)).sum()
    }

    /// The first event from this one on that was accepted and has not arrived everywhere.
    pub(super) fn first_missing(&self, from: u32) -> Option<u32> {
        (from..self.given_out()).find(|event| self.missing_of(*event) > 0)
    }

    fn missing_of(&self, event: u32) -> u64 {
        if self.events[event as usize].accepted_us.load(Relaxed) == NEVER {
            return 0;
        }
        self.arrivals_of(event).iter().filter(|a| a.first_us.load(Relaxed) == NEVER).count() as u64
    }

    fn arrivals_of(&self, event: u32) -> &[Arrival] {
        &self.arrivals[event as usize * self.fan_out..(event as usize + 1) * self.fan_out]
    }

    /// When the first and the last delivery arrived of those that came at `since_us` or after.
    pub(super) fn arrived_between(&self, since_us: u64) -> (u64, u64) {
        let times = self.arrivals.iter().map(|arrival| arrival.first_us.load(Relaxed));
        let late = times.filter(|at| *at >= since_us);
        late.fold((u64::MAX, 0), |(first, last), at| (first.min(at), last.max(at)))
    }

    /// In which order the deliveries of these events came, but for those that were tried while the receiver was away:
    /// they were due again later.
    pub(super) fn order(&self, numbers: Range<u32>) -> Order {
        let mut order = Order::default();
        for webhook in 0..self.fan_out {
            let passage = |number: u32| {
                let (event, arrival) = (&self.events[number as usize], &self.arrivals_of(number)[webhook]);
                let passage = Passage {
                    sent_us: event.sent_us.load(Relaxed),
                    accepted_us: event.accepted_us.load(Relaxed),
                    arrived_us: arrival.first_us.load(Relaxed),
                };
                let counts = passage.accepted_us != NEVER && passage.arrived_us != NEVER;
                (counts && !arrival.tried.load(Relaxed)).then_some(passage)
            };
            order.add(numbers.clone().filter_map(passage).collect());
        }
        order
    }

    /// What the events with these numbers came to.
    pub(super) fn tally(&self, numbers: Range<u32>) -> Tally {
        let mut tally = Tally { strangers: self.strangers.load(Relaxed), ..Tally::default() };
        let (mut began, mut accepted_last, mut arrived_last) = (u64::MAX, 0, 0);
        let took = |from: u64, to: u64| u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX);
        for number in numbers {
            let event = &self.events[number as usize];
            let (sent, accepted) = (event.sent_us.load(Relaxed), event.accepted_us.load(Relaxed));
            began = began.min(sent);
            if accepted != NEVER {
                tally.accepted += 1;
                tally.accept_us.push(took(sent, accepted));
                accepted_last = accepted_last.max(accepted);
            }
            tally.lost += self.missing_of(number);
            for arrival in self.arrivals_of(number) {
                let arrived = arrival.first_us.load(Relaxed);
                if arrived == NEVER {
                    continue;
                }
                tally.delivered += 1;
                tally.duplicates += u64::from(arrival.count.load(Relaxed)) - 1;
                tally.end_to_end_us.push(took(sent, arrived));
                arrived_last = arrived_last.max(arrived);
            }
        }
        tally.accepting_us = accepted_last.saturating_sub(began);
        tally.delivering_us = arrived_last.saturating_sub(began);
        tally.accept_us.sort_unstable();
        tally.end_to_end_us.sort_unstable();
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    #[test]
    fn what_was_accepted_and_did_not_arrive_everywhere_is_lost_and_what_came_twice_is_a_duplicate() {
        let ledger = Ledger::new(Clock::system().stopwatch(), 4, 2);
        for _ in 0..3 {
            let event = ledger.next();
            ledger.sent(event, ledger.now_us());
        }
        ledger.accepted(0);
        ledger.accepted(1);
        for (event, webhook, id) in
            [(0, 0, 7), (0, 1, 8), (1, 0, 9), (1, 0, 9), (1, 0, 10), (2, 1, 11), (9, 0, 1)]
        {
            ledger.arrived(event, webhook, id);
        }
        let tally = ledger.tally(0..3);
        assert_eq!((tally.accepted, tally.lost, tally.delivered), (2, 1, 4));
        assert_eq!((tally.duplicates, tally.strangers), (2, 2));
        assert_eq!((ledger.missing(), ledger.arrived_so_far()), (1, 4));
        assert_eq!(tally.end_to_end_us.len(), 4);
        assert_eq!((ledger.first_missing(0), ledger.first_missing(2)), (Some(1), None));
    }

    #[test]
    fn what_was_tried_in_vain_is_not_asked_for_its_order() {
        let ledger = Ledger::new(Clock::system().stopwatch(), 3, 1);
        for _ in 0..3 {
            let event = ledger.next();
            ledger.sent(event, u64::from(event) * 10 + 1);
            ledger.events[event as usize].accepted_us.store(u64::from(event) * 10 + 5, Relaxed);
        }
        ledger.turned_away(1, 0);
        let back_us = ledger.now_us();
        for event in [2, 1, 0] {
            ledger.arrived(event, 0, 7);
            ledger.arrivals[event as usize].first_us.store(back_us + 100 - u64::from(event), Relaxed);
        }
        let order = ledger.order(0..3);
        assert_eq!((order.checked, order.early, order.most), (2, 1, 1));
        assert_eq!(ledger.arrived_between(back_us), (back_us + 98, back_us + 100));
    }
}
