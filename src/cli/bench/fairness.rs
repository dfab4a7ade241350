//! What webhooks whose receivers are well notice when those of others are no longer.
//!
//! The others are there from the beginning and get every event too: what is compared is the same work with and without
//! bad receivers, not less work with more.
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};

use super::bad_receivers::BadReceivers;
use super::figures::{latencies, latency_line, percentile_ms, rounded};
use super::ledger::{Ledger, Tally};
use super::load::{Load, Pace, Refused};
use super::program::Program;
use super::sink::Sink;
use crate::base::ids::WebhookId;
use crate::cli::Failure;

/// What the 99th percentile beside bad receivers, as a multiple of the one without them, is to stay below.
const P99_RATIO_GOAL: f64 = 1.33;

/// The second half of such a run.
pub(super) struct Beside {
    /// Of the healthy webhooks, beside the others.
    pub(super) tally: Tally,
    pub(super) refused: Refused,
    hung: u64,
    dripped: u64,
}

/// Webhooks that are well at first.
pub(super) struct Others {
    bad: BadReceivers,
    /// In the order of the bad receivers' addresses. What goes to them no check of the history counts.
    pub(super) webhooks: Vec<WebhookId>,
}

impl Others {
    /// Makes a webhook for each bad receiver, aimed at the good one for now.
    pub(super) fn make(
        bad: BadReceivers,
        program: &Program,
        token: &str,
        sink: &Sink,
    ) -> Result<Self, Failure> {
        let target = format!("http://{}/others", sink.address());
        let add = |(does, _)| program.add_webhook(token, &format!("One that {does}"), &target, None);
        let made = bad.addresses().into_iter().map(add).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { bad, webhooks: made.into_iter().map(|(id, _)| id).collect() })
    }
}

/// Aims the other webhooks at the bad receivers and posts once more, at the same pace.
pub(super) fn run(
    load: &Load,
    (pace, events): (Pace, u32),
    (ledger, program): (&Ledger, &Program),
    (token, others): (&str, &Others),
) -> Result<Beside, Failure> {
    let bad = &others.bad;
    for (id, (_, address)) in others.webhooks.iter().zip(bad.addresses()) {
        program.aim_webhook(token, *id, &format!("http://{address}/"))?;
    }
    let first = ledger.given_out();
    let refused = load.run(pace, events)?;
    super::wait_for_arrivals(ledger);
    let came = bad.requests();
    Ok(Beside {
        tally: ledger.tally(first..ledger.given_out()),
        refused,
        hung: came.hung.load(Relaxed),
        dripped: came.dripped.load(Relaxed),
    })
}

impl Beside {
    /// How often the p99 of `well`, when all were well, goes into ours.
    fn p99_ratio(&self, well: &Tally) -> f64 {
        let p99 = |tally: &Tally| percentile_ms(&tally.end_to_end_us, 0.99);
        p99(&self.tally) / p99(well).max(0.001)
    }

    pub(super) fn json(&self, well: &Tally) -> Value {
        json!({
            "well_end_to_end_ms": latencies(&well.end_to_end_us),
            "beside_end_to_end_ms": latencies(&self.tally.end_to_end_us),
            "beside_accept_ms": latencies(&self.tally.accept_us),
            "beside_accepted": self.tally.accepted,
            "beside_delivered": self.tally.delivered,
            "beside_refused": self.refused,
            "p99_ratio": rounded(self.p99_ratio(well), 3),
            "p99_ratio_goal": P99_RATIO_GOAL,
            "requests": { "hung": self.hung, "dripped": self.dripped },
        })
    }

    pub(super) fn text(&self, well: &Tally) -> Vec<String> {
        let ratio = self.p99_ratio(well);
        let verdict = if ratio < P99_RATIO_GOAL { "less than" } else { "not less than" };
        vec![
            format!("all well     {}", latency_line(&well.end_to_end_us)),
            format!("beside bad   {}", latency_line(&self.tally.end_to_end_us)),
            format!(
                "p99 grows    {ratio:>9.2} times, {verdict} {P99_RATIO_GOAL}; {} requests hung, {} dripped",
                self.hung, self.dripped
            ),
        ]
    }
}
