//! Reading figures: rows of one grain, as many as a range has points, for each webhook that was sent anything.
use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use time::OffsetDateTime;

use super::range::Range;
use super::times::Times;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::{counted_since, delivery_figures as rows};

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Deliveries that were taken at the first attempt.
    pub delivered_first: i64,
    /// Those that took more.
    pub delivered_later: i64,
    /// Given up.
    pub failed: i64,
    /// Attempts that were taken.
    pub attempts_taken: i64,
    /// Attempts that failed; not those that our own stop cut short.
    pub attempts_failed: i64,
}

/// A webhook's share.
#[derive(Clone, Debug)]
pub struct OfWebhook {
    /// Which.
    pub id: WebhookId,
    /// The whole range.
    pub sums: Sums,
    /// How long its receiver took.
    pub times: Times,
    /// As [`Figures::points`].
    pub points: Vec<Sums>,
}

/// A project's figures of a range.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Which.
    pub range: Range,
    /// The beginning of the first point; each is as long as the range's grain.
    pub begin: OffsetDateTime,
    /// Oldest first.
    pub points: Vec<Sums>,
    /// The whole range.
    pub sums: Sums,
    /// The stretch of the same length before it.
    pub before: Sums,
    /// How long receivers took.
    pub times: Times,
    /// Each webhook that was sent anything, deleted ones too.
    pub webhooks: Vec<OfWebhook>,
    /// What came before is not in the figures: the project is older than they are.
    pub counted_since: Option<OffsetDateTime>,
}

impl Sums {
    /// Deliveries that ended.
    pub fn ended(&self) -> i64 {
        self.delivered() + self.failed
    }

    /// Deliveries that were taken.
    pub fn delivered(&self) -> i64 {
        self.delivered_first + self.delivered_later
    }

    /// The share of those that were taken, in hundredths of a percent; none if nothing ended. Rounded down, so that only
    /// all are all.
    pub fn success(&self) -> Option<i64> {
        (self.ended() > 0).then(|| self.delivered() * 10_000 / self.ended())
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, other: &Self) {
        self.delivered_first += other.delivered_first;
        self.delivered_later += other.delivered_later;
        self.failed += other.failed;
        self.attempts_taken += other.attempts_taken;
        self.attempts_failed += other.attempts_failed;
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rows, check_for_backend(diesel::pg::Pg))]
struct Row {
    at: OffsetDateTime,
    webhook_id: WebhookId,
    delivered_first: i32,
    delivered_later: i32,
    failed: i32,
    attempts_taken: i32,
    attempts_failed: i32,
    times: Vec<i32>,
}

/// Reads a project's figures: two short ranges of the primary key.
pub fn load(
    conn: &mut PgConnection,
    project: ProjectId,
    range: Range,
    now: OffsetDateTime,
) -> Result<Figures, DbError> {
    let (begin, end, grain) = (range.begin(now), range.end(now), range.grain());
    let found: Vec<Row> = rows::table
        .filter(rows::project_id.eq(project).and(rows::grain.eq(grain.seconds())))
        .filter(rows::at.ge(begin).and(rows::at.lt(end)))
        .select(Row::as_select())
        .load(conn)?;
    let since: Option<OffsetDateTime> =
        counted_since::table.find(project).select(counted_since::at).first(conn).optional()?;
    let mut figures = Figures {
        range,
        begin,
        points: vec![Sums::default(); range.points()],
        sums: Sums::default(),
        before: before(conn, project, range, begin)?,
        times: Times::default(),
        webhooks: Vec::new(),
        counted_since: since.filter(|since| *since > begin),
    };
    let mut webhooks: HashMap<WebhookId, OfWebhook> = HashMap::new();
    for row in &found {
        let n = usize::try_from((row.at - begin).whole_seconds() / i64::from(grain.seconds())).unwrap_or(0);
        let n = n.min(range.points() - 1);
        let none = || OfWebhook {
            id: row.webhook_id,
            sums: Sums::default(),
            times: Times::default(),
            points: vec![Sums::default(); range.points()],
        };
        let webhook = webhooks.entry(row.webhook_id).or_insert_with(none);
        let sums = Sums::from(row);
        webhook.points[n].add(&sums);
        webhook.sums.add(&sums);
        webhook.times.add(&row.times);
        figures.points[n].add(&sums);
        figures.sums.add(&sums);
    }
    for webhook in webhooks.values() {
        figures.times.add_all(&webhook.times);
    }
    figures.webhooks = webhooks.into_values().collect();
    // Those that fail most first, then those that are sent most.
    figures.webhooks.sort_by_key(|one| (-one.sums.attempts_failed, -one.sums.attempts_taken, one.id));
    Ok(figures)
}

fn before(
    conn: &mut PgConnection,
    project: ProjectId,
    range: Range,
    begin: OffsetDateTime,
) -> Result<Sums, DbError> {
    let sum = |column: &str| sql::<BigInt>(&format!("coalesce(sum({column}), 0)::bigint"));
    let (delivered_first, delivered_later, failed, attempts_taken, attempts_failed) = rows::table
        .filter(rows::project_id.eq(project).and(rows::grain.eq(range.grain().seconds())))
        .filter(rows::at.ge(begin - range.length()).and(rows::at.lt(begin)))
        .select((
            sum("delivered_first"),
            sum("delivered_later"),
            sum("failed"),
            sum("attempts_taken"),
            sum("attempts_failed"),
        ))
        .first::<(i64, i64, i64, i64, i64)>(conn)?;
    Ok(Sums { delivered_first, delivered_later, failed, attempts_taken, attempts_failed })
}

impl From<&Row> for Sums {
    fn from(row: &Row) -> Self {
        Self {
            delivered_first: row.delivered_first.into(),
            delivered_later: row.delivered_later.into(),
            failed: row.failed.into(),
            attempts_taken: row.attempts_taken.into(),
            attempts_failed: row.attempts_failed.into(),
        }
    }
}
