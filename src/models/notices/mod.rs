//! Notices: what the people of a project should know of without having looked for it.
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, ProjectId, WebhookId};
use crate::base::schema::notices;
use crate::models::webhooks::LastStraw;
use crate::prepared;

/// A notice is kept for so long.
pub const KEPT: Duration = Duration::days(90);
/// So many unseen ones are counted.
pub const COUNTED_MAX: i64 = 100;

/// A webhook was disabled.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = notices, check_for_backend(diesel::pg::Pg))]
pub struct Notice {
    /// Whose.
    #[diesel(column_name = project_id)]
    pub project: ProjectId,
    /// `gone` or `retries_used_up`.
    pub kind: String,
    /// Which.
    #[diesel(column_name = webhook_id)]
    pub webhook: WebhookId,
    /// With which delivery.
    #[diesel(column_name = delivery_id)]
    pub delivery: Option<DeliveryId>,
    /// The last answer, in words.
    pub detail: String,
    /// When.
    pub at: OffsetDateTime,
}

/// Leaves a notice that a webhook was disabled. Call it in the transaction that disables it.
pub fn tell_disabled(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    straw: LastStraw<'_>,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::insert_into(notices::table)
        .values((
            notices::project_id.eq(project),
            // No other id is like a webhook's new one; nobody sees it.
            notices::id.eq(WebhookId::new(now).0),
            notices::kind.eq(straw.kind.as_str()),
            notices::webhook_id.eq(webhook),
            notices::delivery_id.eq(straw.delivery),
            notices::detail.eq(straw.detail),
            notices::at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The newest notices of some projects, newest first.
pub fn list(conn: &mut PgConnection, projects: &[ProjectId], limit: i64) -> Result<Vec<Notice>, DbError> {
    let theirs = notices::table.filter(notices::project_id.eq_any(projects));
    Ok(theirs.order(notices::id.desc()).limit(limit).select(Notice::as_select()).load(conn)?)
}

prepared! {
    /// How many notices there are of some projects since an id, up to a limit: short ranges of the primary key.
    pub struct CountSince -> BigInt {
        projects: Array<SqlUuid> = Vec<ProjectId>,
        since: SqlUuid = Uuid,
        limit: BigInt = i64,
    }
    sql "select count(*) from (select from notices where project_id = any({}) and id >= {} limit {}) n"
}

/// How many notices of some projects came since somebody last looked, at most [`COUNTED_MAX`]. On every page: it has to
/// be cheap.
pub fn count_since(
    conn: &mut PgConnection,
    projects: Vec<ProjectId>,
    seen_at: Option<OffsetDateTime>,
) -> Result<i64, DbError> {
    if projects.is_empty() {
        return Ok(0);
    }
    // Those of the moment of looking were seen.
    let since = seen_at.map_or(Uuid::nil(), |at| ids::lower_bound(at + Duration::milliseconds(1)));
    let counts: Vec<i64> = CountSince { projects, since, limit: COUNTED_MAX }.load(conn)?;
    Ok(counts.first().copied().unwrap_or(0))
}

/// Forgets notices that have had their time. Answers how many.
pub fn forget_old(conn: &mut PgConnection, now: OffsetDateTime) -> Result<usize, DbError> {
    Ok(diesel::delete(notices::table.filter(notices::at.lt(now - KEPT))).execute(conn)?)
}
