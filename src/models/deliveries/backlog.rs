//! What of a project's deliveries waits, failed last and came last: few rows and bounded counts, however many there are.
use std::cmp::Reverse;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::history::Row;
use super::in_memory::without_row;
use super::{Delivery, Status};
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::deliveries;
use crate::prepared;

/// Counts end here: past it, more exact ones cost more than they tell. Their statement has it too.
pub const COUNTED_MAX: i64 = 10_000;
/// A delivery that a receiver took is looked for among so many of the newest.
const LOOKED_AT: i64 = 50;

/// What waits, each number at most [`COUNTED_MAX`]; tests aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Backlog {
    /// Due, being sent, or waiting for another attempt: now, of whatever age.
    #[diesel(sql_type = BigInt)]
    pub under_way: i64,
    /// Kept back now, of whatever age.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
    /// Since when the one that has been due longest is due; none if nothing is.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub due_since: Option<OffsetDateTime>,
}

prepared! {
    /// One short count a group of states, so that each finds its index and stops at its limit. What waits is looked
    /// for webhook by webhook, what is being sent among the few that are.
    pub struct CountBacklog -> diesel::sql_types::Untyped {
        project: SqlUuid = ProjectId,
        now: Timestamptz = OffsetDateTime,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
    }
    sql "select \
         (select count(*) from (select 1 from deliveries where project_id = asked.project \
           and webhook_id = any(asked.webhooks) and not test and status in (0, 3) limit 10000) c) + \
         (select count(*) from (select 1 from deliveries where project_id = asked.project \
           and not test and status = 1 limit 10000) c) as under_way, \
         (select count(*) from (select 1 from deliveries where project_id = asked.project \
           and not test and status = 5 limit 10000) c) as held, \
         (select min(f.due_at) from unnest(asked.webhooks) w (id) cross join lateral ( \
           select due_at from deliveries where webhook_id = w.id and project_id = asked.project and not test \
           and status in (0, 3) and due_at <= asked.now order by due_at limit 1) f) as due_since \
         from (select {} as project, {} as now, {} as webhooks) asked"
}

/// What of a project's deliveries waits. `webhooks` are all that it has.
pub fn backlog(
    conn: &mut PgConnection,
    project: ProjectId,
    webhooks: Vec<WebhookId>,
    now: OffsetDateTime,
) -> Result<Backlog, DbError> {
    Ok(CountBacklog { project, now, webhooks }.get_result(conn)?)
}

prepared! {
    /// Those given up last, whenever their events arrived, and the newest of those that wait for another attempt.
    pub struct NewestFailures -> diesel::sql_types::Untyped {
        project: SqlUuid = ProjectId,
        given_up: BigInt = i64,
        retrying: BigInt = i64,
    }
    sql "select d.* from (select {} as project, {} as given_up, {} as retrying) asked cross join lateral ( \
         (select * from deliveries where project_id = asked.project and not test and status = 4 \
           order by ended_at desc limit asked.given_up) union all \
         (select * from deliveries where project_id = asked.project and not test and status = 3 \
           order by id desc limit asked.retrying)) d"
}

/// What failed, tests aside: first what was given up last, then the newest that waits for another attempt. Takes how
/// many of each.
pub fn newest_failures(
    conn: &mut PgConnection,
    project: ProjectId,
    (given_up, retrying): (i64, i64),
) -> Result<Vec<Delivery>, DbError> {
    let rows: Vec<Row> = NewestFailures { project, given_up, retrying }.load(conn)?;
    let mut found: Vec<Delivery> = rows.into_iter().map(Delivery::from).collect();
    found.sort_by_key(|one| (one.status != Status::Failed, Reverse((one.ended_at, one.id.0))));
    Ok(found)
}

/// The newest test that a receiver took or, failing that, the newest of all.
pub fn latest_test(conn: &mut PgConnection, project: ProjectId) -> Result<Option<Delivery>, DbError> {
    latest(conn, project, "test")
}

/// The newest delivery, tests aside, that a receiver took or, failing that, the newest of all.
pub fn latest_posted(conn: &mut PgConnection, project: ProjectId) -> Result<Option<Delivery>, DbError> {
    let found = latest(conn, project, "not test")?;
    Ok(if found.is_some() { found } else { without_row(conn, project)?.pop() })
}

fn latest(
    conn: &mut PgConnection,
    project: ProjectId,
    which: &'static str,
) -> Result<Option<Delivery>, DbError> {
    let some = || {
        deliveries::table
            .filter(deliveries::project_id.eq(project))
            // Written out, not bound: only then does the planner see that a partial index serves.
            .filter(sql::<Bool>(which))
            .limit(LOOKED_AT)
            .select(Row::as_select())
    };
    let mut looked_at: Vec<Row> = some().order(deliveries::id.desc()).load(conn)?;
    let is_taken = |row: &Row| row.status == Status::Delivered.number();
    if !looked_at.iter().any(is_taken) {
        // Where very many wait, the oldest are those that were sent.
        looked_at.extend(some().order(deliveries::id.asc()).load::<Row>(conn)?);
    }
    let taken = looked_at.iter().position(is_taken).unwrap_or_default();
    Ok((!looked_at.is_empty()).then(|| looked_at.swap_remove(taken).into()))
}
