//! Writing what was counted, and forgetting what has had its time.
use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::range::Grain;
use super::tally::{Count, Failures, Tally};
use super::times::BUCKETS;
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, FailureGroupId, ProjectId, WebhookId};
use crate::base::schema::{delivery_figures, failure_counts, failure_groups};
use crate::prepared;

/// Rows of a table that are forgotten at a time.
const FORGET_MAX: i64 = 5_000;

prepared! {
    /// Adds to rows, in the order given: nodes that add to the same ones wait for each other, never in a circle.
    pub struct AddFigures -> () {
        buckets: Integer = i32,
        times: Array<Integer> = Vec<i32>,
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        grains: Array<Integer> = Vec<i32>,
        at: Array<Timestamptz> = Vec<OffsetDateTime>,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
        first: Array<Integer> = Vec<i32>,
        later: Array<Integer> = Vec<i32>,
        failed: Array<Integer> = Vec<i32>,
        taken: Array<Integer> = Vec<i32>,
        refused: Array<Integer> = Vec<i32>,
    }
    sql "insert into delivery_figures as f (project_id, grain, at, webhook_id, delivered_first, delivered_later, failed, \
         attempts_taken, attempts_failed, times) \
         select u.project_id, u.grain, u.at, u.webhook_id, u.delivered_first, u.delivered_later, u.failed, u.taken, \
         u.refused, asked.times[((u.n - 1) * asked.buckets + 1)::integer:(u.n * asked.buckets)::integer] \
         from (select {} as buckets, {} as times) asked cross join unnest({}, {}, {}, {}, {}, {}, {}, {}, {}) \
         with ordinality u (project_id, grain, at, webhook_id, delivered_first, delivered_later, failed, taken, refused, n) \
         order by u.n \
         on conflict (project_id, grain, at, webhook_id) do update set \
         delivered_first = f.delivered_first + excluded.delivered_first, \
         delivered_later = f.delivered_later + excluded.delivered_later, failed = f.failed + excluded.failed, \
         attempts_taken = f.attempts_taken + excluded.attempts_taken, \
         attempts_failed = f.attempts_failed + excluded.attempts_failed, \
         times = (select array_agg(t.a + t.b order by t.n) from unnest(f.times, excluded.times) with ordinality t (a, b, n))"
}

prepared! {
    /// Notes groups of failures, in the order given. What is known of them stays.
    pub struct NoteGroups -> () {
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        ids: Array<SqlUuid> = Vec<FailureGroupId>,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
        kinds: Array<SmallInt> = Vec<i16>,
        statuses: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        hosts: Array<Text> = Vec<String>,
        first: Array<Timestamptz> = Vec<OffsetDateTime>,
        last: Array<Timestamptz> = Vec<OffsetDateTime>,
        deliveries: Array<SqlUuid> = Vec<DeliveryId>,
    }
    sql "insert into failure_groups as g (project_id, id, webhook_id, failure_kind, response_status, host, first_seen_at, \
         last_seen_at, last_delivery_id) select * from unnest({}, {}, {}, {}, {}, {}, {}, {}, {}) \
         on conflict (project_id, id) do update set first_seen_at = least(g.first_seen_at, excluded.first_seen_at), \
         last_delivery_id = case when excluded.last_seen_at >= g.last_seen_at then excluded.last_delivery_id \
           else g.last_delivery_id end, \
         last_seen_at = greatest(g.last_seen_at, excluded.last_seen_at)"
}

prepared! {
    /// Adds to how often each group of failures was seen, in the order given.
    pub struct AddFailures -> () {
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        grains: Array<Integer> = Vec<i32>,
        at: Array<Timestamptz> = Vec<OffsetDateTime>,
        groups: Array<SqlUuid> = Vec<FailureGroupId>,
        attempts: Array<Integer> = Vec<i32>,
        failed: Array<Integer> = Vec<i32>,
    }
    sql "insert into failure_counts as f (project_id, grain, at, group_id, attempts, failed) \
         select * from unnest({}, {}, {}, {}, {}, {}) on conflict (project_id, grain, at, group_id) do update set \
         attempts = f.attempts + excluded.attempts, failed = f.failed + excluded.failed"
}

/// Adds what was counted to the figures. Call it in a transaction of its own: it is short, and what else is recorded does
/// not depend on it.
pub fn write(conn: &mut PgConnection, tally: &Tally, now: OffsetDateTime) -> Result<(), DbError> {
    let mut rows: BTreeMap<(ProjectId, Grain, i64, WebhookId), Count> = BTreeMap::new();
    for ((project, webhook, minute), count) in &tally.counts {
        for (grain, at) in rows_of(*minute, now) {
            rows.entry((*project, grain, at, *webhook)).or_default().add(count);
        }
    }
    let mut groups: BTreeMap<(ProjectId, FailureGroupId), Failures> = BTreeMap::new();
    let mut seen: BTreeMap<(ProjectId, Grain, i64, FailureGroupId), (i32, i32)> = BTreeMap::new();
    for ((project, group, minute), failures) in &tally.failures {
        for (grain, at) in rows_of(*minute, now) {
            let (attempts, failed) = seen.entry((*project, grain, at, *group)).or_default();
            *attempts += failures.attempts;
            *failed += failures.failed;
        }
        let there = groups.entry((*project, *group)).or_insert_with(|| failures.clone());
        there.first = there.first.min(failures.first);
        if failures.last > there.last {
            (there.last, there.delivery) = (failures.last, failures.delivery);
        }
    }
    add_figures(conn, &rows)?;
    note_groups(conn, groups)?;
    add_failures(conn, &seen)
}

/// The rows that a minute is counted in, but for those that would be forgotten at once.
fn rows_of(minute: i64, now: OffsetDateTime) -> impl Iterator<Item = (Grain, i64)> {
    let kept = move |grain: &Grain| minute >= (now - grain.kept()).unix_timestamp();
    Grain::ALL.into_iter().filter(kept).map(move |grain| (grain, grain.begin_of(minute)))
}

fn moment(unix: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn add_figures(
    conn: &mut PgConnection,
    rows: &BTreeMap<(ProjectId, Grain, i64, WebhookId), Count>,
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Count) -> i32| rows.values().map(of).collect();
    let statement = AddFigures {
        buckets: i32::try_from(BUCKETS).unwrap_or_default(),
        times: rows.values().flat_map(|count| count.times).collect(),
        project_ids: rows.keys().map(|row| row.0).collect(),
        grains: rows.keys().map(|row| row.1.seconds()).collect(),
        at: rows.keys().map(|row| moment(row.2)).collect(),
        webhooks: rows.keys().map(|row| row.3).collect(),
        first: column(|count| count.delivered_first),
        later: column(|count| count.delivered_later),
        failed: column(|count| count.failed),
        taken: column(|count| count.taken),
        refused: column(|count| count.refused),
    };
    statement.execute(conn)?;
    Ok(())
}

fn note_groups(
    conn: &mut PgConnection,
    groups: BTreeMap<(ProjectId, FailureGroupId), Failures>,
) -> Result<(), DbError> {
    if groups.is_empty() {
        return Ok(());
    }
    let all = || groups.values();
    let statement = NoteGroups {
        project_ids: groups.keys().map(|group| group.0).collect(),
        ids: groups.keys().map(|group| group.1).collect(),
        webhooks: all().map(|one| one.webhook).collect(),
        kinds: all().map(|one| one.kind.number()).collect(),
        statuses: all().map(|one| one.status.and_then(|status| i16::try_from(status).ok())).collect(),
        hosts: all().map(|one| one.host.clone()).collect(),
        first: all().map(|one| one.first).collect(),
        last: all().map(|one| one.last).collect(),
        deliveries: all().map(|one| one.delivery).collect(),
    };
    statement.execute(conn)?;
    Ok(())
}

fn add_failures(
    conn: &mut PgConnection,
    seen: &BTreeMap<(ProjectId, Grain, i64, FailureGroupId), (i32, i32)>,
) -> Result<(), DbError> {
    if seen.is_empty() {
        return Ok(());
    }
    let statement = AddFailures {
        project_ids: seen.keys().map(|row| row.0).collect(),
        grains: seen.keys().map(|row| row.1.seconds()).collect(),
        at: seen.keys().map(|row| moment(row.2)).collect(),
        groups: seen.keys().map(|row| row.3).collect(),
        attempts: seen.values().map(|counts| counts.0).collect(),
        failed: seen.values().map(|counts| counts.1).collect(),
    };
    statement.execute(conn)?;
    Ok(())
}

/// Forgets rows that have had their time, some at a time. Answers whether there may be more.
pub fn forget_old(conn: &mut PgConnection, now: OffsetDateTime) -> Result<bool, DbError> {
    let mut is_more = false;
    for table in ["delivery_figures", "failure_counts"] {
        for grain in Grain::ALL {
            let gone = diesel::sql_query(format!(
                "delete from {table} where ctid = any(array( \
                 select ctid from {table} where grain = $1 and at < $2 limit $3))"
            ));
            let gone = gone
                .bind::<Integer, _>(grain.seconds())
                .bind::<Timestamptz, _>(now - grain.kept())
                .bind::<BigInt, _>(FORGET_MAX)
                .execute(conn)?;
            is_more |= gone as i64 == FORGET_MAX;
        }
    }
    // Few: one for each way that a webhook has failed.
    let unseen = failure_groups::table.filter(failure_groups::last_seen_at.lt(now - Grain::Day.kept()));
    diesel::delete(unseen).execute(conn)?;
    Ok(is_more)
}

/// Forgets a project's figures, for good. They are few, however long its history.
pub fn forget_project(conn: &mut PgConnection, project: ProjectId) -> Result<(), DbError> {
    forget_counts(conn, project)?;
    diesel::delete(failure_groups::table.filter(failure_groups::project_id.eq(project))).execute(conn)?;
    Ok(())
}

/// Forgets what was counted; what is known of failures stays.
pub(super) fn forget_counts(conn: &mut PgConnection, project: ProjectId) -> Result<(), DbError> {
    let figures = delivery_figures::table.filter(delivery_figures::project_id.eq(project));
    diesel::delete(figures).execute(conn)?;
    diesel::delete(failure_counts::table.filter(failure_counts::project_id.eq(project))).execute(conn)?;
    Ok(())
}
