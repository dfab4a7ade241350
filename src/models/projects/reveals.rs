//! Personal data shown for a while to somebody for whom it is masked.
use diesel::prelude::*;
use time::{Duration, OffsetDateTime};

use crate::base::db::DbError;
use crate::base::ids::{ProjectId, RevealId, UserId};
use crate::base::schema::reveals;
use crate::models::audit::{self, Action, Entry};
use crate::rules::masks::{Rules, Veil};

/// How long it lasts.
pub const LASTS: Duration = Duration::minutes(15);
/// Characters of a reason, from and to.
pub const REASON_CHARS: (usize, usize) = (5, 500);

/// One that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = reveals, check_for_backend(diesel::pg::Pg))]
pub struct Reveal {
    /// Which.
    pub id: RevealId,
    /// When everything is masked again.
    pub until: OffsetDateTime,
}

/// The one that a person has in a project now.
pub fn current(
    conn: &mut PgConnection,
    project: ProjectId,
    user: UserId,
    now: OffsetDateTime,
) -> Result<Option<Reveal>, DbError> {
    Ok(reveals::table
        .filter(reveals::project_id.eq(project))
        .filter(reveals::user_id.eq(user))
        .filter(reveals::until.gt(now))
        // A clock that was set back makes none longer.
        .filter(reveals::at.le(now))
        .filter(reveals::ended_at.is_null())
        .order(reveals::id.desc())
        .select(Reveal::as_select())
        .first(conn)
        .optional()?)
}

/// Shows a person the personal data of a project from now on; written down with the reason, in which what looks like an
/// address or a number is masked. Call in a transaction.
pub fn begin(
    conn: &mut PgConnection,
    project: ProjectId,
    user: UserId,
    reason: &str,
    now: OffsetDateTime,
) -> Result<Reveal, DbError> {
    let reveal = Reveal { id: RevealId::new(now), until: now + LASTS };
    let reason = Veil::over(Rules::default().into()).text(reason).into_owned();
    diesel::insert_into(reveals::table)
        .values((
            reveals::project_id.eq(project),
            reveals::user_id.eq(user),
            reveals::id.eq(reveal.id),
            reveals::at.eq(now),
            reveals::until.eq(reveal.until),
            reveals::reason.eq(&reason),
        ))
        .execute(conn)?;
    let (user, project, subject) = (Some(user), Some(project), reveal.id.to_string());
    audit::write(conn, &Entry { user, project, action: Action::RevealBegun, subject, detail: reason }, now)?;
    Ok(reveal)
}

/// Masks everything again for a person. Call in a transaction.
pub fn end(
    conn: &mut PgConnection,
    project: ProjectId,
    user: UserId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let ended: Vec<RevealId> = diesel::update(reveals::table)
        .filter(reveals::project_id.eq(project))
        .filter(reveals::user_id.eq(user))
        .filter(reveals::until.gt(now))
        .filter(reveals::ended_at.is_null())
        .set(reveals::ended_at.eq(now))
        .returning(reveals::id)
        .get_results(conn)?;
    for id in ended {
        let (user, project, subject) = (Some(user), Some(project), id.to_string());
        let detail = String::new();
        audit::write(conn, &Entry { user, project, action: Action::RevealEnded, subject, detail }, now)?;
    }
    Ok(())
}

/// Writes down that a record was opened meanwhile; `subject` is its id.
pub fn saw(
    conn: &mut PgConnection,
    (project, user): (ProjectId, UserId),
    reveal: Reveal,
    subject: String,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let (user, project) = (Some(user), Some(project));
    let entry = Entry { user, project, action: Action::RecordViewed, subject, detail: String::new() };
    audit::write_viewed(conn, &entry, reveal.id, now)
}

/// Forgets reveals as old as the lines of the audit log that go.
pub fn forget_old(conn: &mut PgConnection, now: OffsetDateTime) -> Result<usize, DbError> {
    Ok(diesel::delete(reveals::table.filter(reveals::until.lt(now - audit::KEPT))).execute(conn)?)
}
