//! What the overview tells of a project's deliveries: few rows and bounded counts, however many there are.
use std::cmp::Reverse;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;
use uuid::Uuid;

use super::history::Row;
use super::in_memory::without_row;
use super::{Delivery, Status};
use crate::base::db::DbError;
use crate::base::ids::{self, ProjectId, WebhookId};
use crate::base::schema::deliveries;
use crate::prepared;

/// Counts end here: past it, more exact ones cost more than they tell. Their statement has it too.
pub const COUNTED_MAX: i64 = 10_000;
/// A delivery that a receiver took is looked for among so many of the newest.
const LOOKED_AT: i64 = 50;

/// Deliveries, each number at most [`COUNTED_MAX`]; tests aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
#[allow(missing_docs)]
pub struct Figures {
    /// Of events that arrived at `since` or later.
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Given up at `since` or later, whenever the event arrived.
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    /// Due, being sent, or waiting for another attempt: now, of whatever age.
    #[diesel(sql_type = BigInt)]
    pub under_way: i64,
    /// Now, of whatever age.
    #[diesel(sql_type = BigInt)]
    pub held: i64,
}

prepared! {
    /// One short count a group of states, so that each finds its index and stops at its limit. What waits is looked
    /// for webhook by webhook, what is being sent among the few that are.
    pub struct CountFigures -> diesel::sql_types::Untyped {
        project: SqlUuid = ProjectId,
        first_id: SqlUuid = Uuid,
        since: Timestamptz = OffsetDateTime,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
    }
    sql "select \
         (select count(*) from (select 1 from deliveries where project_id = asked.project \
           and id >= asked.first_id and not test and status = 2 limit 10000) c) as delivered, \
         (select count(*) from (select 1 from deliveries where project_id = asked.project \
           and not test and status = 4 and ended_at >= asked.since limit 10000) c) as failed, \
         (select count(*) from (select 1 from deliveries where project_id = asked.project \
           and webhook_id = any(asked.webhooks) and not test and status in (0, 3) limit 10000) c) + \
         (select count(*) from (select 1 from deliveries where project_id = asked.project \
           and not test and status = 1 limit 10000) c) as under_way, \
         (select count(*) from (select 1 from deliveries where project_id = asked.project \
           and not test and status = 5 limit 10000) c) as held \
         from (select {} as project, {} as first_id, {} as since, {} as webhooks) asked"
}

/// How the deliveries of a project stand, and what came of them from `since` on. `webhooks` are all that it has.
pub fn figures(
    conn: &mut PgConnection,
    project: ProjectId,
    webhooks: Vec<WebhookId>,
    since: OffsetDateTime,
) -> Result<Figures, DbError> {
    let count = CountFigures { project, first_id: ids::lower_bound(since), since, webhooks };
    Ok(count.get_result(conn)?)
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
