//! How far the index of a project has come.
use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::walk::LOOKED_THROUGH;
use crate::base::db::DbError;
use crate::base::ids::{self, ProjectId};
use crate::base::schema::search_progress;
use crate::models::events;

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = search_progress, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    pub(super) project_id: ProjectId,
    pub(super) known_from: Uuid,
    pub(super) known_to: Uuid,
    pub(super) is_whole: bool,
    pub(super) is_full: bool,
    pub(super) dropped_at: Option<i64>,
    pub(super) look_at: OffsetDateTime,
}

impl Row {
    /// One that knows nothing, and begins with what comes from then on, and with what was before, newest first.
    pub(super) fn fresh(project: ProjectId, from: Uuid, now: OffsetDateTime) -> Self {
        Self {
            project_id: project,
            known_from: from,
            known_to: from,
            is_whole: false,
            is_full: false,
            dropped_at: None,
            look_at: now,
        }
    }
}

/// The row of a project; none before the first look at it, and without an index.
pub(super) fn find(conn: &mut PgConnection, project: ProjectId) -> Result<Option<Row>, DbError> {
    Ok(search_progress::table.find(project).select(Row::as_select()).first(conn).optional()?)
}

/// What a search finds at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// There is no index: only the newest events are looked through.
    pub is_off: bool,
    /// Events up to then; none: all of them. The newest are looked through directly and found anyway.
    pub until: Option<OffsetDateTime>,
    /// Events since then; none: all that are kept.
    pub since: Option<OffsetDateTime>,
    /// It waits for room in its disk budget.
    pub is_full: bool,
}

impl Reach {
    /// Whether it finds everything.
    pub fn is_all(&self) -> bool {
        !self.is_off && self.until.is_none() && self.since.is_none()
    }
}

/// How far a search reaches in a project.
pub fn reach(conn: &mut PgConnection, project: ProjectId) -> Result<Reach, DbError> {
    let row = find(conn, project)?;
    let (known_from, known_to) =
        row.as_ref().map_or((Uuid::nil(), Uuid::nil()), |row| (row.known_from, row.known_to));
    let newer = events::first_ids(conn, project, (known_to, Uuid::max()), LOOKED_THROUGH as i64 + 1)?;
    let has_gap = newer.len() > LOOKED_THROUGH;
    let Some(row) = row else { return Ok(Reach { is_off: has_gap, ..Reach::default() }) };
    let is_cut = !row.is_whole && !events::first_ids(conn, project, (Uuid::nil(), known_from), 1)?.is_empty();
    Ok(Reach {
        is_off: false,
        until: has_gap.then(|| ids::time_of(known_to)),
        since: is_cut.then(|| ids::time_of(known_from)),
        is_full: row.is_full || (is_cut && row.dropped_at.is_some()),
    })
}
