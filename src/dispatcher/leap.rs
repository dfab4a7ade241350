//! Notices that the clock was set, by comparing it with the time that really passed.
use std::time::Duration;

use time::OffsetDateTime;

use crate::base::clock::{Clock, Stopwatch};
use crate::models::deliveries::lease_max;

/// Set forward by less, a clock ends leases of attempts under way, which are repeated; that does no harm, and waiting
/// would.
const FORWARD_MIN: time::Duration = time::Duration::minutes(5);
const BACK_MIN: time::Duration = time::Duration::minutes(1);

/// What the clock did since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// It was set back.
    pub(super) went_back: bool,
    /// Leases tell nothing: it was set forward, less than the longest lease ago.
    pub(super) leases_mislead: bool,
}

/// The clock as seen so far.
pub(super) struct Leaps {
    running: Stopwatch,
    last: Option<(OffsetDateTime, Duration)>,
    forward_at: Option<Duration>,
}

impl Leaps {
    pub(super) fn new(clock: &Clock) -> Self {
        Self { running: clock.stopwatch(), last: None, forward_at: None }
    }

    pub(super) fn look(&mut self, now: OffsetDateTime) -> Seen {
        self.look_after(now, self.running.elapsed())
    }

    /// `running` is how long this has been watching.
    fn look_after(&mut self, now: OffsetDateTime, running: Duration) -> Seen {
        let leap = match self.last.replace((now, running)) {
            Some((then, before)) => now - then - (running - before),
            None => time::Duration::ZERO,
        };
        if leap >= FORWARD_MIN {
            tracing::warn!(by = %leap, "the clock was set forward; claims are kept until their attempts are over");
            self.forward_at = Some(running);
        }
        let went_back = leap <= -BACK_MIN;
        if went_back {
            tracing::warn!(by = %-leap, "the clock was set back; what is due stays due");
        }
        self.forward_at = self.forward_at.filter(|at| running - *at < lease_max());
        Seen { went_back, leases_mislead: self.forward_at.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_mislead_for_the_longest_of_them_after_a_leap_forward() {
        let start = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
        let mut leaps = Leaps::new(&Clock::system());
        let mut look = |clock_s: i64, running_s: u64| {
            leaps.look_after(start + time::Duration::seconds(clock_s), Duration::from_secs(running_s))
        };
        assert_eq!(look(0, 0), Seen::default());
        // A busy machine looks late, which is no leap.
        assert_eq!(look(1_000, 1_000), Seen::default());
        assert_eq!(look(8_201, 1_001), Seen { leases_mislead: true, ..Seen::default() });
        assert_eq!(look(8_244, 1_044), Seen { leases_mislead: true, ..Seen::default() });
        assert_eq!(look(8_246, 1_046), Seen::default());
        assert_eq!(look(1_047, 1_047), Seen { went_back: true, ..Seen::default() });
        assert_eq!(look(1_048, 1_048), Seen::default());
    }
}
