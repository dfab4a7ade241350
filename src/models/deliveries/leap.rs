//! After the clock was set back: times that lie further ahead than they can are brought near.
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use time::{Duration, OffsetDateTime};

use super::pace::APART_MAX;
use super::queue::lease;
use crate::base::db::DbError;
use crate::models::webhooks::TIMEOUT_MS;

/// Nodes' clocks differ by less.
const APART: Duration = Duration::MINUTE;

/// The longest lease that a claim can have.
pub fn lease_max() -> Duration {
    lease(i32::try_from(*TIMEOUT_MS.end()).unwrap_or(i32::MAX))
}

/// Makes due what waits for its first attempt and is thought to be due later, which nothing is; lets no lease last and
/// no slowed webhook wait for longer than they can.
///
/// Retries keep their times: they may lie a day ahead. Reads all that is due: for a start, and for a clock that was set
/// back. Answers how many deliveries became due.
pub fn bring_near(conn: &mut PgConnection, now: OffsetDateTime) -> Result<usize, DbError> {
    conn.transaction(|conn| {
        conn.batch_execute("set local statement_timeout = 0")?;
        let made_due =
            diesel::sql_query("update deliveries set due_at = $1 where status = 0 and due_at > $2")
                .bind::<Timestamptz, _>(now)
                .bind::<Timestamptz, _>(now + APART)
                .execute(conn)?;
        for (statement, longest) in [
            ("update deliveries set due_at = $1 where status = 1 and due_at > $2", lease_max()),
            (
                "update hand_overs set lease_ends = $1 where deliveries is not null and lease_ends > $2",
                lease_max(),
            ),
            ("update webhook_pace set next_at = $1 where next_at > $2", APART_MAX),
        ] {
            diesel::sql_query(statement)
                .bind::<Timestamptz, _>(now + longest)
                .bind::<Timestamptz, _>(now + longest + APART)
                .execute(conn)?;
        }
        Ok(made_due)
    })
}
