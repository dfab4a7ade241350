//! What the overview tells of a project's deliveries: few rows and bounded counts, however many there are.
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::history::Row;
use super::{Delivery, Status};
use crate::base::db::DbError;
use crate::base::ids::{self, ProjectId};
use crate::base::schema::deliveries;

/// Counts end here: past it, more exact ones cost more than they tell.
pub const COUNTED_MAX: i64 = 10_000;
/// A delivery that a receiver took is looked for among so many of the newest.
const LOOKED_AT: i64 = 50;

/// Deliveries by state, each at most [`COUNTED_MAX`]; tests aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
#[allow(missing_docs)]
pub struct Figures {
    #[diesel(sql_type = BigInt)]
    pub delivered: i64,
    /// Due, under way, or waiting for another attempt.
    #[diesel(sql_type = BigInt)]
    pub under_way: i64,
    #[diesel(sql_type = BigInt)]
    pub failed: i64,
    #[diesel(sql_type = BigInt)]
    pub held: i64,
}

/// How the deliveries of events that arrived at `since` or later stand.
pub fn figures(
    conn: &mut PgConnection,
    project: ProjectId,
    since: OffsetDateTime,
) -> Result<Figures, DbError> {
    // One short count a group of states, so that each finds its index and stops at its limit.
    let counted = |states: &str, name: &str| {
        format!(
            "(select count(*) from (select 1 from deliveries where project_id = $1 and id >= $2 and not test \
             and status in ({states}) limit {COUNTED_MAX}) c) as {name}"
        )
    };
    let parts = [("2", "delivered"), ("0, 1, 3", "under_way"), ("4", "failed"), ("5", "held")];
    let counts: Vec<String> = parts.iter().map(|(states, name)| counted(states, name)).collect();
    let figures = diesel::sql_query(format!("select {}", counts.join(", ")))
        .bind::<SqlUuid, _>(project)
        .bind::<SqlUuid, _>(ids::lower_bound(since))
        .get_result(conn)?;
    Ok(figures)
}

/// The newest test that a receiver took or, failing that, the newest of all.
pub fn latest_test(conn: &mut PgConnection, project: ProjectId) -> Result<Option<Delivery>, DbError> {
    latest(conn, project, "test")
}

/// The newest delivery, tests aside, that a receiver took or, failing that, the newest of all.
pub fn latest_posted(conn: &mut PgConnection, project: ProjectId) -> Result<Option<Delivery>, DbError> {
    latest(conn, project, "not test")
}

fn latest(
    conn: &mut PgConnection,
    project: ProjectId,
    which: &'static str,
) -> Result<Option<Delivery>, DbError> {
    let mut newest: Vec<Row> = deliveries::table
        .filter(deliveries::project_id.eq(project))
        // Written out, not bound: only then does the planner see that a partial index serves.
        .filter(sql::<Bool>(which))
        .order(deliveries::id.desc())
        .limit(LOOKED_AT)
        .select(Row::as_select())
        .load(conn)?;
    let taken = newest.iter().position(|row| row.status == Status::Delivered.number()).unwrap_or_default();
    Ok((!newest.is_empty()).then(|| newest.swap_remove(taken).into()))
}
