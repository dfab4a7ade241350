//! How many deliveries a replay would send, before there is one.
use diesel::PgConnection;
use time::OffsetDateTime;

use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::models::deliveries::{self, Filter, Status};

/// So many are counted; what is more is told as "more than".
pub const COUNTED_MAX: i64 = 20_000;

/// What a filter matches at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// So many at least.
    pub matched: i64,
    /// There are more than that.
    pub is_more: bool,
    /// Of those that were counted, so many are delivered.
    pub delivered: i64,
    /// Of those that were counted, so many wait or are being sent already.
    pub under_way: i64,
}

/// Counts what matches, up to [`COUNTED_MAX`].
pub fn count(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    now: OffsetDateTime,
) -> Result<Counted, DbError> {
    let mut found = deliveries::list(conn, project, filter, COUNTED_MAX + 1, now)?;
    let is_more = found.len() as i64 > COUNTED_MAX;
    found.truncate(usize::try_from(COUNTED_MAX).unwrap_or_default());
    let of = |statuses: &[Status]| found.iter().filter(|one| statuses.contains(&one.status)).count() as i64;
    Ok(Counted {
        matched: found.len() as i64,
        is_more,
        delivered: of(&[Status::Delivered]),
        under_way: of(&[Status::Due, Status::Sending]),
    })
}
