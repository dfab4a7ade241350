//! Lists of events, also by a search text.
use diesel::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::walk::{Gaps, Walk};
use crate::base::db::DbError;
use crate::base::ids::{self, EventId, ProjectId};
use crate::models::events::{self, Filter, Page};
use crate::rules::search::Terms;

/// Events found at a time: a page may be full soon.
const CHUNKS: [usize; 3] = [100, 400, 1_000];
/// After so much of what is done for it a page says where it stopped.
const EFFORT_MAX: usize = 20_000;

/// As [`events::list`], also by [`Filter::q`]. A text that nothing is found by finds nothing.
pub fn list(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Page, DbError> {
    let Some(q) = &filter.q else { return events::list(conn, project, filter, limit, now) };
    let Ok(terms) = Terms::parse(q) else { return Ok(Page::default()) };
    let limit = usize::try_from(limit).unwrap_or_default();
    let range = range(filter, now);
    let mut walk = Walk::begin(conn, project, (q, terms), range, Gaps::LeftOut)?;
    let mut page = Page::default();
    for round in 0.. {
        let chunk = walk.next(conn, CHUNKS[CHUNKS.len().min(round + 1) - 1])?;
        let found = events::summaries(conn, project, &chunk.events)?;
        page.events.extend(found.into_iter().filter(|event| filter.takes(event)));
        if page.events.len() >= limit || chunk.is_last {
            break;
        }
        if walk.effort() >= EFFORT_MAX {
            page.stopped_at = Some(EventId(chunk.down_to));
            break;
        }
    }
    page.events.truncate(limit);
    Ok(page)
}

/// The ids that a filter leaves. Clocks of nodes differ, so that there may be events of what is to come.
fn range(filter: &Filter, now: OffsetDateTime) -> (Uuid, Uuid) {
    let from = filter.since.map_or(Uuid::nil(), ids::lower_bound);
    let end = ids::lower_bound(now + Duration::days(1));
    let until = filter.until.map(ids::lower_bound);
    (from, [until, filter.before.map(|id| id.0)].into_iter().flatten().fold(end, Ord::min))
}
