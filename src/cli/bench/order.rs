//! Whether what waited went out in the order in which it was due.
//!
//! A delivery is surely due before another of its webhook if its event was answered 202 before the other's was posted.
//! Whoever sends in due order, some at a time, has begun all of those when the other arrives: so many may be missing still
//! as are sent at a time, however slow one of them is.

/// As many as a node sends to a webhook at a time with the usual settings.
pub(super) const AT_A_TIME: u64 = 64;

/// One delivery of a webhook, in microseconds of one clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passage {
    pub(super) sent_us: u64,
    pub(super) accepted_us: u64,
    pub(super) arrived_us: u64,
}

/// How deliveries of webhooks passed each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Deliveries that were looked at.
    pub(super) checked: u64,
    /// Arrived while any was missing that was surely due before.
    pub(super) early: u64,
    /// Largest number that was missing then.
    pub(super) most: u64,
    /// Arrived while more were missing than [`AT_A_TIME`].
    pub(super) out_of_turn: u64,
}

impl Order {
    /// Adds the deliveries of one webhook, in any order.
    pub(super) fn add(&mut self, mut passages: Vec<Passage>) {
        passages.sort_unstable_by_key(|passage| passage.accepted_us);
        let mut by_arrival: Vec<usize> = (0..passages.len()).collect();
        by_arrival.sort_by_key(|place| passages[*place].arrived_us);
        let mut arrived = Counts::new(passages.len());
        for place in by_arrival {
            let sent = passages[place].sent_us;
            let due_before = passages.partition_point(|other| other.accepted_us < sent);
            let missing = due_before as u64 - arrived.below(due_before);
            self.checked += 1;
            self.early += u64::from(missing > 0);
            self.most = self.most.max(missing);
            self.out_of_turn += u64::from(missing > AT_A_TIME);
            arrived.count(place);
        }
    }
}

/// How many of a range of numbers were counted, in logarithmic time (a Fenwick tree).
struct Counts(Vec<u64>);

impl Counts {
    fn new(numbers: usize) -> Self {
        Self(vec![0; numbers + 1])
    }

    fn count(&mut self, number: usize) {
        let mut at = number + 1;
        while let Some(node) = self.0.get_mut(at) {
            *node += 1;
            at += at & at.wrapping_neg();
        }
    }

    /// Of the numbers below `end`.
    fn below(&self, end: usize) -> u64 {
        let (mut at, mut sum) = (end, 0);
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(passages: &[(u64, u64, u64)]) -> Order {
        let mut order = Order::default();
        let of = |&(sent_us, accepted_us, arrived_us)| Passage { sent_us, accepted_us, arrived_us };
        order.add(passages.iter().map(of).collect());
        order
    }

    #[test]
    fn what_was_posted_at_the_same_time_may_arrive_in_any_order() {
        let found = order(&[(1, 10, 300), (2, 9, 200), (3, 11, 100)]);
        assert_eq!(found, Order { checked: 3, ..Order::default() });
    }

    #[test]
    fn a_delivery_is_early_while_one_is_missing_that_was_surely_due_before() {
        // The first one comes last; the third was posted before the second was answered.
        let found = order(&[(1, 2, 900), (3, 6, 500), (5, 8, 400), (9, 10, 600)]);
        assert_eq!(found, Order { checked: 4, early: 3, most: 1, out_of_turn: 0 });
    }

    #[test]
    fn one_slow_request_puts_nothing_out_of_turn_but_the_newest_first_does() {
        let mut all: Vec<(u64, u64, u64)> = (1..=600).map(|n| (2 * n, 2 * n + 1, 10_000 + n)).collect();
        all[3].2 = 20_000;
        assert_eq!(order(&all), Order { checked: 600, early: 596, most: 1, out_of_turn: 0 });
        for (place, one) in all.iter_mut().enumerate() {
            one.2 = 30_000 - place as u64;
        }
        assert_eq!(order(&all), Order { checked: 600, early: 599, most: 599, out_of_turn: 600 - 65 });
    }
}
