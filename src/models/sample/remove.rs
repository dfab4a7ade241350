//! Takes the sample away again: step by step, so that no other project waits for it, and nothing else is touched.
use diesel::prelude::*;
use time::OffsetDateTime;

use super::{Sample, SampleError, find};
use crate::base::ids::ProjectId;
use crate::base::schema::sample_projects;
use crate::models::projects::{self, keys};
use crate::models::{deliveries, events, figures, search, webhooks};

/// Rows of a table that go in one transaction.
pub const ROWS_AT_ONCE: i64 = 2_000;

/// First step, in a transaction: nothing is sent from now on, what waits is cancelled, its keys open nothing.
///
/// Answers the sample; none if there is none. Wake the dispatcher afterwards.
pub fn stop(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Option<Sample>, SampleError> {
    let Some(sample) = find(conn)? else { return Ok(None) };
    diesel::update(sample_projects::table.filter(sample_projects::project_id.eq(sample.project)))
        .set(sample_projects::removal_began_at.eq(now))
        .execute(conn)?;
    for webhook in webhooks::list(conn, sample.project)? {
        deliveries::delete_webhook(conn, sample.project, webhook.id, now)?;
    }
    for key in keys::list(conn, sample.project)?.iter().filter(|key| key.revoked_at.is_none()) {
        keys::revoke(conn, sample.project, key.id, now)?;
    }
    Ok(Some(sample))
}

/// Deliveries whose attempt is still under way: it leaves a row when it ends, so wait for them a while.
pub fn under_way(conn: &mut PgConnection, sample: Sample) -> Result<i64, SampleError> {
    Ok(deliveries::sending_count(conn, sample.project)?)
}

/// Second step, in a transaction each until it answers 0: forgets up to [`ROWS_AT_ONCE`] rows of history a table.
pub fn forget_some(conn: &mut PgConnection, sample: Sample) -> Result<usize, SampleError> {
    let (project, rows_max) = (sample.project, ROWS_AT_ONCE);
    // One at a time: who finds rows that another deletes at this moment would take them for the last.
    let mark = sample_projects::table.filter(sample_projects::project_id.eq(project));
    mark.select(sample_projects::project_id).for_update().load::<ProjectId>(conn)?;
    Ok(deliveries::forget_project(conn, project, rows_max)?
        + events::forget_project(conn, project, rows_max)?
        + search::forget_project(conn, project, rows_max)?)
}

/// Last step, in a transaction: the project itself with its figures, webhooks, secrets, keys and members, and the mark.
///
/// Whatever else the project holds by then goes with it or stops this.
pub fn finish(conn: &mut PgConnection, sample: Sample) -> Result<(), SampleError> {
    figures::forget_project(conn, sample.project)?;
    Ok(projects::delete(conn, sample.project)?)
}
