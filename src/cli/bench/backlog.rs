//! The receiver is away while the events come, and takes them all when it is back.
use std::time::Duration;

use serde_json::{Value, json};

use super::figures::rounded;
use super::ledger::Ledger;
use super::load::{Load, Pace, Refused};
use super::order::{AT_A_TIME, Order};
use super::program::Program;
use super::sink::Sink;
use crate::cli::Failure;

/// Posted first, so that the program knows that the receiver is away before the backlog begins. Not measured.
pub(super) const BEFORE_IT: u32 = 1_000;
/// Between retries: what was tried in vain is to come back in this run.
pub(super) const RETRIES_S: [u16; 30] = [1; 30];
/// A slowed webhook is tried at least once a minute, so that nothing may come for so long.
const STALL_MAX: Duration = Duration::from_secs(180);
/// Of memory, while a million deliveries wait.
const PEAK_MIB_GOAL: f64 = 300.0;

/// What waited, and how it went out.
pub(super) struct Backlog {
    waiting: u64,
    /// Largest resident memory of the program until the receiver was back.
    waiting_peak_mib: f64,
    until_first_us: u64,
    drained: u64,
    draining_us: u64,
    order: Order,
}

/// Posts all events to a receiver that answers 503, lets it come back, and waits until it has them all. Tells the number
/// of the first event that counts, too.
pub(super) fn run(
    load: &Load,
    (pace, events): (Pace, u32),
    (ledger, sink, program): (&Ledger, &Sink, &Program),
    token: &str,
) -> Result<(Backlog, Refused, u32), Failure> {
    sink.go_away();
    load.run(Pace::AsFastAsPossible, BEFORE_IT)?;
    program.wait_until_slowed(token)?;
    program.forget_peak();
    let first = ledger.given_out();
    let refused = load.run(pace, events)?;
    let (waiting, waiting_peak_mib) = (ledger.missing(), program.usage().program_peak_mib);
    let (back_us, arrived) = (ledger.now_us(), ledger.arrived_so_far());
    sink.come_back();
    super::wait_for_arrivals_within(ledger, STALL_MAX);
    let (first_us, last_us) = ledger.arrived_between(back_us);
    let backlog = Backlog {
        waiting,
        waiting_peak_mib,
        until_first_us: first_us.saturating_sub(back_us),
        drained: ledger.arrived_so_far() - arrived,
        draining_us: last_us.saturating_sub(first_us),
        order: ledger.order(first..ledger.given_out()),
    };
    Ok((backlog, refused, first))
}

impl Backlog {
    /// Deliveries that came before more others than are sent at a time.
    pub(super) fn out_of_turn(&self) -> u64 {
        self.order.out_of_turn
    }

    fn drained_per_s(&self) -> f64 {
        self.drained as f64 * 1_000_000.0 / self.draining_us.max(1) as f64
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "waiting": self.waiting,
            "program_peak_mib_waiting": rounded(self.waiting_peak_mib, 1),
            "program_peak_mib_goal": PEAK_MIB_GOAL,
            "until_first_ms": self.until_first_us / 1_000,
            "drained": self.drained,
            "drained_per_s": rounded(self.drained_per_s(), 0),
            "order": {
                "checked": self.order.checked,
                "early": self.order.early,
                "missing_most": self.order.most,
                "at_a_time": AT_A_TIME,
                "out_of_turn": self.order.out_of_turn,
            },
        })
    }

    pub(super) fn text(&self) -> Vec<String> {
        vec![
            format!(
                "backlog      {:>9} deliveries waited   {:.0} MiB of memory at most meanwhile (goal {PEAK_MIB_GOAL})",
                self.waiting, self.waiting_peak_mib
            ),
            format!(
                "drained      {:>9.0}/s   the first {:.1} s after the receiver was back",
                self.drained_per_s(),
                self.until_first_us as f64 / 1_000_000.0
            ),
            format!(
                "out of turn  {:>9}   when any of {} came, at most {} that were due before it were missing",
                self.order.out_of_turn, self.order.checked, self.order.most
            ),
        ]
    }
}
