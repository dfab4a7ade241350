//! Taking events out of the index again.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};

use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::base::schema::search_progress;

/// Forgets what is known of a project, at most `rows_max` rows of each table. Answers how many went; nothing is left when
/// it answers 0, until the index comes by again.
pub fn forget_project(conn: &mut PgConnection, project: ProjectId, rows_max: i64) -> Result<usize, DbError> {
    diesel::delete(search_progress::table.find(project)).execute(conn)?;
    let mut gone = 0;
    for statement in [
        "delete from search_blocks where project_id = $1 and (segment_id, first_value) in \
         (select segment_id, first_value from search_blocks where project_id = $1 limit $2)",
        "delete from search_segments where project_id = $1 and first_id in \
         (select first_id from search_segments where project_id = $1 limit $2)",
    ] {
        let statement = diesel::sql_query(statement);
        gone += statement.bind::<SqlUuid, _>(project).bind::<BigInt, _>(rows_max).execute(conn)?;
    }
    Ok(gone)
}

/// Forgets what is known of a project, in the caller's transaction; the index takes all of it in again. For events that
/// went, or that were written with ids of the past.
pub fn begin_again(conn: &mut PgConnection, project: ProjectId) -> Result<(), DbError> {
    while forget_project(conn, project, i64::from(i32::MAX))? > 0 {}
    Ok(())
}
