//! Counting a project anew, out of its history.
use diesel::prelude::*;
use time::OffsetDateTime;

use super::tally::{Tally, Tried};
use super::write::{forget_counts, write};
use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::base::schema::counted_since;
use crate::models::deliveries::{Settled, Status, settled};

/// Deliveries that are counted at a time.
const AT_ONCE: i64 = 2_000;

/// Puts what the history says in the place of a project's figures. Call it in a transaction.
///
/// It reads the whole history: for one that was written at once, such as the sample's. A delivery that was sent again
/// counts as what became of it last. What is known of failures stays.
pub fn recount(conn: &mut PgConnection, project: ProjectId, now: OffsetDateTime) -> Result<(), DbError> {
    forget_counts(conn, project)?;
    let (mut after, mut tally) = (None, Tally::default());
    loop {
        let some = settled(conn, project, after, AT_ONCE)?;
        let Some(last) = some.last() else { break };
        after = Some(last.delivery);
        for one in &some {
            count(&mut tally, project, one);
        }
        write(conn, &tally, now)?;
        tally.clear();
    }
    diesel::delete(counted_since::table.find(project)).execute(conn)?;
    Ok(())
}

fn count(tally: &mut Tally, project: ProjectId, one: &Settled) {
    let is_over = matches!(one.status, Status::Delivered | Status::Failed);
    let ended_at = one.ended_at.filter(|_| one.is_last && is_over);
    if let Some(at) = ended_at {
        tally.ended(project, one.webhook, one.status == Status::Delivered, one.is_only, at);
    }
    let tried = Tried {
        project,
        webhook: one.webhook,
        delivery: one.delivery,
        duration_us: one.duration_us,
        failure: one.failure,
        status: one.response_status,
        url: &one.url,
        was_last: one.is_last && one.status == Status::Failed,
    };
    tally.tried(&tried, one.started_at);
}
