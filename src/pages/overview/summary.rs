//! Where a project stands: webhooks, the last day's deliveries, the newest failures.
use diesel::PgConnection;
use time::{Duration, OffsetDateTime};

use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::models::deliveries::{self, COUNTED_MAX, Filter, Status};
use crate::models::webhooks;
use crate::pages::history::rows::Row;

/// Failures that are listed.
const FAILURES: usize = 5;
/// So many are looked at for them: tests are passed over.
const LOOKED_AT: i64 = 20;

/// What the overview tells, ready to print.
pub(super) struct Summary {
    pub(super) webhooks: usize,
    pub(super) active: usize,
    pub(super) disabled: usize,
    pub(super) counts: Vec<Count>,
    pub(super) failures: Vec<Row>,
}

/// How many deliveries of the last day are in a state.
pub(super) struct Count {
    pub(super) class: &'static str,
    pub(super) label: &'static str,
    /// `12`, or `10,000+`.
    pub(super) number: String,
    /// The history's filter for them.
    pub(super) query: &'static str,
}

impl Summary {
    /// Reads it; cheap however large the history is.
    pub(super) fn load(
        conn: &mut PgConnection,
        project: ProjectId,
        now: OffsetDateTime,
    ) -> Result<Self, DbError> {
        let found = webhooks::list(conn, project)?;
        let figures = deliveries::figures(conn, project, now - Duration::DAY)?;
        let filter = Filter { statuses: vec![Status::Failed, Status::Retrying], ..Filter::default() };
        let mut failed = deliveries::list(conn, project, &filter, LOOKED_AT, now)?;
        failed.retain(|delivery| !delivery.test);
        failed.truncate(FAILURES);
        let names = webhooks::names(conn, project)?;
        let count = |class, label, number, query| Count { class, label, number: number_words(number), query };
        Ok(Self {
            webhooks: found.len(),
            active: found.iter().filter(|webhook| webhook.settings.active).count(),
            disabled: found.iter().filter(|webhook| webhook.disabled.is_some()).count(),
            counts: vec![
                count("state-good", "Delivered", figures.delivered, "status=delivered"),
                count(
                    "state-busy",
                    "Under way",
                    figures.under_way,
                    "status=due&status=sending&status=retrying",
                ),
                count("state-bad", "Failed", figures.failed, "status=failed"),
                count("state-held", "Held", figures.held, "status=held"),
            ],
            failures: failed.iter().map(|one| Row::of(project, one, names.get(&one.webhook))).collect(),
        })
    }
}

fn number_words(number: i64) -> String {
    if number >= COUNTED_MAX { "10,000+".to_owned() } else { number.to_string() }
}
