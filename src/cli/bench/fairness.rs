//! What webhooks whose receivers are well notice of others whose receivers are not.
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};

use super::bad_receivers::BadReceivers;
use super::figures::{latencies, latency_line, percentile_ms, rounded};
use super::ledger::{Ledger, Tally};
use super::load::{Load, Pace, Refused};
use super::program::Program;
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
    /// What no check of the history counts.
    pub(super) bad_webhooks: Vec<WebhookId>,
}

/// Makes a webhook for each bad receiver and posts once more, at the same pace.
pub(super) fn run(
    load: &Load,
    (pace, events): (Pace, u32),
    (ledger, program): (&Ledger, &Program),
    (token, bad): (&str, &BadReceivers),
) -> Result<Beside, Failure> {
    let add = |(does, address)| {
        program.add_webhook(token, &format!("One that {does}"), &format!("http://{address}/"), None)
    };
    let made = bad.addresses().into_iter().map(add).collect::<Result<Vec<_>, _>>()?;
    let first = ledger.given_out();
    let refused = load.run(pace, events)?;
    super::wait_for_arrivals(ledger);
    let came = bad.requests();
    Ok(Beside {
        tally: ledger.tally(first..ledger.given_out()),
        refused,
        hung: came.hung.load(Relaxed),
        dripped: came.dripped.load(Relaxed),
        bad_webhooks: made.into_iter().map(|(id, _)| id).collect(),
    })
}

impl Beside {
    /// How often the p99 of `alone` goes into ours.
    fn p99_ratio(&self, alone: &Tally) -> f64 {
        let p99 = |tally: &Tally| percentile_ms(&tally.end_to_end_us, 0.99);
        p99(&self.tally) / p99(alone).max(0.001)
    }

    pub(super) fn json(&self, alone: &Tally) -> Value {
        json!({
            "alone_end_to_end_ms": latencies(&alone.end_to_end_us),
            "beside_end_to_end_ms": latencies(&self.tally.end_to_end_us),
            "beside_accept_ms": latencies(&self.tally.accept_us),
            "beside_accepted": self.tally.accepted,
            "beside_delivered": self.tally.delivered,
            "beside_refused": self.refused,
            "p99_ratio": rounded(self.p99_ratio(alone), 3),
            "p99_ratio_goal": P99_RATIO_GOAL,
            "requests": { "hung": self.hung, "dripped": self.dripped },
        })
    }

    pub(super) fn text(&self, alone: &Tally) -> Vec<String> {
        let ratio = self.p99_ratio(alone);
        let verdict = if ratio < P99_RATIO_GOAL { "less than" } else { "not less than" };
        vec![
            format!("alone        {}", latency_line(&alone.end_to_end_us)),
            format!("beside bad   {}", latency_line(&self.tally.end_to_end_us)),
            format!(
                "p99 grows    {ratio:>9.2} times, {verdict} {P99_RATIO_GOAL}; {} requests hung, {} dripped",
                self.hung, self.dripped
            ),
        ]
    }
}
