//! Forgetting a project's events, for good.
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};

use crate::base::db::DbError;
use crate::base::ids::ProjectId;

/// Forgets events and callers' ids of a project, at most `rows_max` of each, so that it never holds others up.
/// Answers how many rows went; nothing is left when it answers 0.
pub fn forget_project(conn: &mut PgConnection, project: ProjectId, rows_max: i64) -> Result<usize, DbError> {
    let mut gone = 0;
    for statement in [
        "delete from events where project_id = $1 and id in \
         (select id from events where project_id = $1 order by id limit $2)",
        "delete from external_ids where project_id = $1 and external_id in \
         (select external_id from external_ids where project_id = $1 limit $2)",
    ] {
        let statement = diesel::sql_query(statement);
        gone += statement.bind::<SqlUuid, _>(project).bind::<BigInt, _>(rows_max).execute(conn)?;
    }
    Ok(gone)
}
