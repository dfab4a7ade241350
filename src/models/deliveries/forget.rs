//! Forgetting a project's deliveries, for good.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};

use super::Status;
use super::in_memory::without_row;
use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::base::schema::deliveries;

/// Forgets attempts and then deliveries of a project, at most `rows_max` of each, so that it never holds others up.
/// Answers how many rows went; nothing is left when it answers 0.
pub fn forget_project(conn: &mut PgConnection, project: ProjectId, rows_max: i64) -> Result<usize, DbError> {
    let attempts = diesel::sql_query(
        "delete from attempts where project_id = $1 and (delivery_id, number) in \
         (select delivery_id, number from attempts where project_id = $1 order by delivery_id, number limit $2)",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<BigInt, _>(rows_max)
    .execute(conn)?;
    if attempts > 0 {
        return Ok(attempts);
    }
    let deliveries = diesel::sql_query(
        "delete from deliveries where project_id = $1 and id in \
         (select id from deliveries where project_id = $1 order by id limit $2)",
    );
    Ok(deliveries.bind::<SqlUuid, _>(project).bind::<BigInt, _>(rows_max).execute(conn)?)
}

/// How many deliveries of a project are being sent at this moment.
pub fn sending_count(conn: &mut PgConnection, project: ProjectId) -> Result<i64, DbError> {
    let sending = deliveries::table
        .filter(deliveries::project_id.eq(project))
        .filter(deliveries::status.eq(Status::Sending.number()));
    let in_memory = without_row(conn, project)?.len() as i64;
    Ok(in_memory + sending.count().get_result::<i64>(conn)?)
}
