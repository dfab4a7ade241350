//! Where a project stands: webhooks, the last day's deliveries, what waits now, the newest failures.
use diesel::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::base::db::{DbError, by_key};
use crate::base::ids::ProjectId;
use crate::models::deliveries::{self, COUNTED_MAX};
use crate::models::webhooks;
use crate::pages::history::rows::Row;
use crate::rules::masks::Veil;

/// Failures that are listed: given up, and waiting for another attempt.
const FAILURES: (i64, i64) = (5, 3);

/// What the overview tells, ready to print.
pub(super) struct Summary {
    pub(super) webhooks: usize,
    pub(super) active: usize,
    pub(super) disabled: usize,
    pub(super) last_day: [Count; 2],
    pub(super) standing: [Count; 2],
    pub(super) failures: Vec<Row>,
}

/// How many deliveries are in a state now, or came to it within the last day.
pub(super) struct Count {
    pub(super) class: &'static str,
    pub(super) label: &'static str,
    /// `12`, or `10,000+`.
    pub(super) number: String,
    /// The history's filter for them: tests count in none of the figures.
    pub(super) query: &'static str,
}

impl Summary {
    /// Reads it; cheap however large the history is.
    pub(super) fn load(
        conn: &mut PgConnection,
        project: ProjectId,
        now: OffsetDateTime,
        veil: &Veil,
    ) -> Result<Self, DbError> {
        let found = webhooks::list(conn, project)?;
        let ids = found.iter().map(|webhook| webhook.id).collect();
        let (figures, failures) = by_key(conn, |conn| {
            let figures = deliveries::figures(conn, project, ids, now - Duration::DAY)?;
            Ok((figures, deliveries::newest_failures(conn, project, FAILURES)?))
        })?;
        let names = webhooks::names(conn, project)?;
        let count = |class, label, number, query| Count { class, label, number: number_words(number), query };
        let waiting = "status=due&status=sending&status=retrying&test=0";
        Ok(Self {
            webhooks: found.len(),
            active: found.iter().filter(|webhook| webhook.settings.active).count(),
            disabled: found.iter().filter(|webhook| webhook.disabled.is_some()).count(),
            last_day: [
                count("state-good", "Delivered", figures.delivered, "status=delivered&test=0&range=24h"),
                count("state-bad", "Failed", figures.failed, "status=failed&test=0&ended=24h"),
            ],
            standing: [
                count("state-busy", "Under way", figures.under_way, waiting),
                count("state-held", "Held", figures.held, "status=held&test=0"),
            ],
            failures: failures
                .iter()
                .map(|one| Row::of(project, one, names.get(&one.webhook), veil))
                .collect(),
        })
    }
}

fn number_words(number: i64) -> String {
    if number >= COUNTED_MAX { "10,000+".to_owned() } else { number.to_string() }
}
