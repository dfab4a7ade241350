//! Whether what waited went out in the order in which it was due.
//!
//! A delivery is surely due before another if its event was answered 202 before the other's was posted. It is overtaken by
//! those of the same webhook that were surely due after it and arrived before it.

/// As many deliveries as a node holds in memory of one webhook with the usual settings: eight for each of the 64 it sends
/// at a time. Up to so many overtake one that meets a slow connection; more would be out of turn.
pub(super) const EXPLAINED: u64 = 512;

/// One delivery of a webhook, in microseconds of one clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passage {
    pub(super) sent_us: u64,
    pub(super) accepted_us: u64,
    pub(super) arrived_us: u64,
}

/// How deliveries of webhooks overtook each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Overtaken {
    /// Deliveries that were looked at.
    pub(super) checked: u64,
    /// Overtaken at all.
    pub(super) overtaken: u64,
    /// By so many at the most.
    pub(super) most: u64,
    /// By more than [`EXPLAINED`].
    pub(super) out_of_turn: u64,
}

impl Overtaken {
    /// Adds the deliveries of one webhook, in any order.
    pub(super) fn add(&mut self, mut passages: Vec<Passage>) {
        passages.sort_unstable_by_key(|passage| passage.sent_us);
        let mut by_arrival: Vec<usize> = (0..passages.len()).collect();
        by_arrival.sort_by_key(|place| passages[*place].arrived_us);
        let mut arrived = Counts::new(passages.len());
        for (before, place) in by_arrival.into_iter().enumerate() {
            let accepted = passages[place].accepted_us;
            let due_later = passages.partition_point(|other| other.sent_us <= accepted);
            let by = before as u64 - arrived.below(due_later);
            self.checked += 1;
            self.overtaken += u64::from(by > 0);
            self.most = self.most.max(by);
            self.out_of_turn += u64::from(by > EXPLAINED);
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

    fn overtaken(passages: &[(u64, u64, u64)]) -> Overtaken {
        let mut overtaken = Overtaken::default();
        let of = |&(sent_us, accepted_us, arrived_us)| Passage { sent_us, accepted_us, arrived_us };
        overtaken.add(passages.iter().map(of).collect());
        overtaken
    }

    #[test]
    fn what_was_posted_at_the_same_time_may_arrive_in_any_order() {
        let found = overtaken(&[(1, 10, 300), (2, 9, 200), (3, 11, 100)]);
        assert_eq!(found, Overtaken { checked: 3, ..Overtaken::default() });
    }

    #[test]
    fn a_delivery_is_overtaken_by_those_that_were_surely_due_later() {
        // The first one comes last; the third was posted before the second was answered.
        let found = overtaken(&[(1, 2, 900), (3, 6, 500), (5, 8, 400), (9, 10, 600)]);
        assert_eq!(found, Overtaken { checked: 4, overtaken: 1, most: 3, out_of_turn: 0 });
    }

    #[test]
    fn one_that_comes_after_all_the_others_is_out_of_turn() {
        let mut all: Vec<(u64, u64, u64)> = (1..=600).map(|n| (2 * n, 2 * n + 1, 10_000 + n)).collect();
        all[3].2 = 20_000;
        let found = overtaken(&all);
        assert_eq!(found, Overtaken { checked: 600, overtaken: 1, most: 596, out_of_turn: 1 });
    }
}
