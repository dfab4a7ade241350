//! What a run came to, as JSON and as text.
use serde_json::{Value, json};

use super::backlog::Backlog;
use super::baseline::Baseline;
use super::chaos::Kills;
use super::disk::{Disk, Growth};
use super::fairness::Beside;
use super::ledger::Tally;
use super::load::Refused;
use super::machine::Usage;
use crate::cli::Failure;
use crate::models::deliveries::Census;

/// All that was measured and checked.
pub(super) struct Figures {
    pub(super) settings: Value,
    pub(super) tally: Tally,
    pub(super) refused: Refused,
    pub(super) signatures: (u64, u64),
    /// Deliveries that all events of the run were to make, warm-up included.
    pub(super) expected_deliveries: u64,
    pub(super) census: Census,
    pub(super) used: Usage,
    pub(super) baseline: Baseline,
    pub(super) disk: Disk,
    pub(super) growth: Option<Growth>,
    pub(super) kills: Option<Kills>,
    pub(super) beside: Option<Beside>,
    pub(super) backlog: Option<Backlog>,
}

impl Figures {
    /// What is wrong, each as a sentence.
    fn faults(&self) -> Vec<String> {
        let census = &self.census;
        let beside = self.beside.as_ref().map(|beside| &beside.tally);
        let (lost, duplicates) = beside.map_or((0, 0), |tally| (tally.lost, tally.duplicates));
        let (lost, duplicates) = (lost + self.tally.lost, duplicates + self.tally.duplicates);
        let strangers = beside.unwrap_or(&self.tally).strangers;
        let out_of_turn = self.backlog.as_ref().map_or(0, Backlog::out_of_turn);
        let checks = [
            (lost, "deliveries of accepted events did not arrive"),
            (out_of_turn, "deliveries of the backlog went out of turn"),
            (strangers, "requests carried another webhook-id than their delivery's, or none"),
            (self.signatures.1, "signatures were wrong"),
            (census.open, "deliveries are still open in the history"),
            (census.deliveries - census.delivered - census.open, "deliveries ended otherwise than delivered"),
            (census.without_success, "deliveries are called delivered without a successful attempt"),
            (census.without_attempts, "deliveries lack attempts that they count"),
            (census.out_of_order, "deliveries have times in an impossible order"),
            // Killed before its answer, an event may be on disk although nobody was told.
            (
                self.expected_deliveries.saturating_sub(census.deliveries),
                "deliveries are missing in the history",
            ),
        ];
        let mut faults: Vec<String> = checks
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if self.kills.is_none() && duplicates > 0 {
            faults.push(format!("{duplicates} deliveries came more than once although nothing was killed"));
        }
        faults
    }

    /// Fails if anything was lost or wrong.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let faults = self.faults();
        if faults.is_empty() { Ok(()) } else { Err(Failure::new(faults.join("; "), "")) }
    }

    fn accepted_per_s(&self) -> f64 {
        per_s(self.tally.accepted, self.tally.accepting_us)
    }

    fn delivered_per_s(&self) -> f64 {
        per_s(self.tally.delivered, self.tally.delivering_us)
    }

    /// None once it was killed: what it had used went with it.
    fn program_cpu_per_1000(&self) -> Option<f64> {
        let was_killed = self.kills.is_some_and(|kills| kills.program > 0);
        (!was_killed).then(|| self.per_1000(self.used.program_cpu_s))
    }

    fn postgres_cpu_per_1000(&self) -> Option<f64> {
        // It goes down with the program.
        let was_killed = self.kills.is_some_and(|kills| kills.program + kills.postgres > 0);
        (!was_killed).then(|| self.per_1000(self.used.postgres_cpu_s))
    }

    fn per_1000(&self, cpu_s: f64) -> f64 {
        cpu_s * 1_000.0 / (self.tally.delivered.max(1) as f64)
    }

    /// The same as JSON; times in milliseconds, memory in MiB.
    pub(super) fn json(&self) -> Value {
        let (tally, census) = (&self.tally, &self.census);
        json!({
            "settings": self.settings,
            "accepted": tally.accepted,
            "refused": self.refused,
            "accepted_per_s": rounded(self.accepted_per_s(), 0),
            "delivered": tally.delivered,
            "delivered_per_s": rounded(self.delivered_per_s(), 0),
            "accept_ms": latencies(&tally.accept_us),
            "end_to_end_ms": latencies(&tally.end_to_end_us),
            "lost": tally.lost,
            "duplicates": tally.duplicates,
            "signatures": { "verified": self.signatures.0, "wrong": self.signatures.1 },
            "history": {
                "deliveries": census.deliveries,
                "delivered": census.delivered,
                "open": census.open,
                "attempts": census.attempts,
                "without_success": census.without_success,
                "without_attempts": census.without_attempts,
                "out_of_order": census.out_of_order,
            },
            "cpu_s_per_1000_deliveries": {
                "program": self.program_cpu_per_1000().map(|cpu_s| rounded(cpu_s, 4)),
                "postgres": self.postgres_cpu_per_1000().map(|cpu_s| rounded(cpu_s, 4)),
            },
            "program_peak_mib": rounded(self.used.program_peak_mib, 1),
            "baseline": {
                "straight_per_s": rounded(self.baseline.straight_per_s, 0),
                "postgres_rows_per_s": rounded(self.baseline.postgres_rows_per_s, 0),
                "delivered_share_of_straight": rounded(self.delivered_per_s() / self.baseline.straight_per_s, 3),
            },
            "disk": self.disk.json(),
            "growth": self.growth.as_ref().map(Growth::json),
            "bad_receivers": self.beside.as_ref().map(|beside| beside.json(tally)),
            "backlog": self.backlog.as_ref().map(Backlog::json),
            "kills": self.kills.map(|kills| json!({ "program": kills.program, "postgres": kills.postgres })),
            "faults": self.faults(),
        })
    }

    /// The same as text, on stdout.
    pub(super) fn text(&self) -> String {
        let (tally, used) = (&self.tally, &self.used);
        let refused: u64 = self.refused.values().sum();
        let mut lines = vec![
            format!(
                "accepted     {:>9.0}/s   {} of {} events",
                self.accepted_per_s(),
                tally.accepted,
                tally.accepted + refused
            ),
            format!("delivered    {:>9.0}/s   {} deliveries", self.delivered_per_s(), tally.delivered),
            format!("accept       {}", latency_line(&tally.accept_us)),
            format!("end to end   {}", latency_line(&tally.end_to_end_us)),
            format!("lost         {:>9}", tally.lost),
            format!("duplicates   {:>9}", tally.duplicates),
            format!("signatures   {:>9} verified, {} wrong", self.signatures.0, self.signatures.1),
            format!(
                "CPU          {:>9} s per 1,000 deliveries of the program, {} s of Postgres",
                cpu_words(self.program_cpu_per_1000()),
                cpu_words(self.postgres_cpu_per_1000())
            ),
            format!("memory       {:>9.0} MiB at most (the program alone)", used.program_peak_mib),
            format!(
                "limits       {:>9.0}/s   straight to the receiver (delivered is {:.1} % of it), {:.0} rows/s in Postgres",
                self.baseline.straight_per_s,
                100.0 * self.delivered_per_s() / self.baseline.straight_per_s,
                self.baseline.postgres_rows_per_s
            ),
        ];
        lines.extend(self.disk.text());
        lines.extend(self.growth.as_ref().map(Growth::text));
        lines.extend(self.beside.iter().flat_map(|beside| beside.text(tally)));
        lines.extend(self.backlog.iter().flat_map(Backlog::text));
        lines.extend(self.kills.map(|kills| {
            format!("killed       {:>9} times the program, {} times Postgres", kills.program, kills.postgres)
        }));
        lines.join("\n")
    }
}

fn cpu_words(cpu_s: Option<f64>) -> String {
    cpu_s.map_or_else(|| "unknown".to_owned(), |cpu_s| format!("{cpu_s:.4}"))
}

fn per_s(count: u64, us: u64) -> f64 {
    count as f64 * 1_000_000.0 / us.max(1) as f64
}

pub(super) fn rounded(value: f64, digits: i32) -> f64 {
    let shift = 10_f64.powi(digits);
    (value * shift).round() / shift
}

/// The value that `share` of the sorted values do not exceed (nearest rank), in milliseconds.
pub(super) fn percentile_ms(sorted_us: &[u32], share: f64) -> f64 {
    let rank = (share * sorted_us.len() as f64).ceil() as usize;
    let us = sorted_us.get(rank.saturating_sub(1)).copied().unwrap_or_default();
    rounded(f64::from(us) / 1_000.0, 3)
}

pub(super) fn latencies(sorted_us: &[u32]) -> Value {
    json!({
        "p50": percentile_ms(sorted_us, 0.5),
        "p95": percentile_ms(sorted_us, 0.95),
        "p99": percentile_ms(sorted_us, 0.99),
        "max": percentile_ms(sorted_us, 1.0),
    })
}

pub(super) fn latency_line(sorted_us: &[u32]) -> String {
    let at = |share| percentile_ms(sorted_us, share);
    format!("{:>9.2} ms  p50   {:.2} p95   {:.2} p99   {:.2} max", at(0.5), at(0.95), at(0.99), at(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sorted: Vec<u32> = (1..=100).map(|n| n * 1_000).collect();
        assert_eq!(percentile_ms(&sorted, 0.5), 50.0);
        assert_eq!(percentile_ms(&sorted, 0.99), 99.0);
        assert_eq!(percentile_ms(&sorted, 1.0), 100.0);
        assert_eq!(percentile_ms(&[], 0.5), 0.0);
        assert_eq!(percentile_ms(&[7], 0.5), 0.007);
    }
}
