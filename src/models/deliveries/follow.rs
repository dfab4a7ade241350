//! What waits for a webhook follows when the webhook is switched: a few thousand at a time, each piece in a transaction
//! of its own, so that a million of them holds up nobody.
//!
//! A row of `unfinished_switches` remembers the webhooks that have more. What is to become of it follows from how the
//! webhook stands then: the last switch counts, whatever an earlier one had begun.
use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;
use uuid::Uuid;

use super::switch::HeldChoice;
use crate::base::db::{DbError, by_key};
use crate::base::ids::{self, ProjectId, WebhookId};
use crate::base::schema::unfinished_switches;

/// Deliveries that follow at a time.
pub const PIECE: i64 = 5_000;

/// Held deliveries become due, or wait for their next attempt if they had one. Each is due since its event came, so that
/// they go out in that order whichever piece they were in.
const RELEASE: &str = "update deliveries d set \
    status = case when d.attempt_count > 0 then 3 else 0 end, \
    due_at = least($3, to_timestamp(('x' || left(replace(d.id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)) \
    from picked p where d.project_id = p.project_id and d.id = p.id and d.status = 5";
const CANCEL: &str = "update deliveries d set status = 6, due_at = null, ended_at = $3 \
    from picked p where d.project_id = p.project_id and d.id = p.id and d.status in (0, 3, 5)";
const HOLD: &str = "update deliveries d set status = 5, due_at = null \
    from picked p where d.project_id = p.project_id and d.id = p.id and d.status in (0, 3) and $3 is not null";

/// How a webhook stands, as far as it matters for what waits for it.
#[derive(QueryableByName)]
struct Standing {
    #[diesel(sql_type = Bool)]
    is_deleted: bool,
    #[diesel(sql_type = Bool)]
    is_on: bool,
    #[diesel(sql_type = Bool)]
    sends: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    cancels_before: Option<Uuid>,
}

/// Has what waits for a webhook follow its switch: the first `piece` now, and the rest by [`finish_some`]. Answers how
/// many followed. Call it in the transaction of the switch.
///
/// A new choice for what is held takes the place of an earlier one that is not through yet; without one, that goes on.
pub(super) fn begin(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    held: Option<HeldChoice>,
    piece: i64,
    now: OffsetDateTime,
) -> Result<i64, DbError> {
    // What comes from now on is not meant.
    let before =
        (held == Some(HeldChoice::Cancel)).then(|| ids::lower_bound(now + time::Duration::milliseconds(1)));
    let row = (
        unfinished_switches::project_id.eq(project),
        unfinished_switches::webhook_id.eq(id),
        unfinished_switches::cancels_before.eq(before),
    );
    let insert = diesel::insert_into(unfinished_switches::table).values(row);
    match held {
        Some(_) => insert
            .on_conflict((unfinished_switches::project_id, unfinished_switches::webhook_id))
            .do_update()
            .set(unfinished_switches::cancels_before.eq(before))
            .execute(conn)?,
        None => insert.on_conflict_do_nothing().execute(conn)?,
    };
    go_on(conn, project, id, piece, now)
}

/// Lets a piece follow of one of the webhooks that have more; any node may. None if nothing is left to do, else how many
/// followed. Wake the dispatcher afterwards.
pub fn finish_some(conn: &mut PgConnection, piece: i64, now: OffsetDateTime) -> Result<Option<i64>, DbError> {
    conn.transaction(|conn| {
        let found: Option<(ProjectId, WebhookId)> = unfinished_switches::table
            .select((unfinished_switches::project_id, unfinished_switches::webhook_id))
            .order(diesel::dsl::sql::<diesel::sql_types::Double>("random()"))
            .first(conn)
            .optional()?;
        let Some((project, id)) = found else { return Ok(None) };
        Ok(Some(go_on(conn, project, id, piece, now)?))
    })
}

/// The webhooks of a project for which more is to follow, and whether what is held for each is being cancelled.
pub fn unfinished(conn: &mut PgConnection, project: ProjectId) -> Result<HashMap<WebhookId, bool>, DbError> {
    let rows: Vec<(WebhookId, bool)> = unfinished_switches::table
        .filter(unfinished_switches::project_id.eq(project))
        .select((unfinished_switches::webhook_id, unfinished_switches::cancels_before.is_not_null()))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

fn go_on(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    piece: i64,
    now: OffsetDateTime,
) -> Result<i64, DbError> {
    // The project's row first, as everywhere: nobody turns a switch meanwhile, and what is read next is how it stands.
    diesel::sql_query("select from projects where id = $1 for share")
        .bind::<SqlUuid, _>(project)
        .execute(conn)?;
    // Only one is at it: whoever comes second would take what the first has for all there is.
    let standing: Option<Standing> = diesel::sql_query(
        "select w.deleted_at is not null as is_deleted, w.active as is_on, p.webhooks_enabled as sends, u.cancels_before \
         from projects p join webhooks w on w.project_id = p.id \
         join unfinished_switches u on u.project_id = w.project_id and u.webhook_id = w.id \
         where p.id = $1 and w.id = $2 for update of u skip locked",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(id)
    .get_result(conn)
    .optional()?;
    let Some(standing) = standing else { return Ok(0) };
    let row = unfinished_switches::table.find((project, id));
    let mut moved = 0;
    for (waiting, change) in steps(&standing) {
        if moved == piece {
            return Ok(moved);
        }
        moved += by_key(conn, |conn| follow(conn, (project, id), &waiting, change, piece - moved, now))?;
        if moved < piece {
            // All that was to be cancelled is: what is held from now on is not meant.
            diesel::update(row).set(unfinished_switches::cancels_before.eq(None::<Uuid>)).execute(conn)?;
        }
    }
    if moved < piece {
        diesel::delete(row).execute(conn)?;
    }
    Ok(moved)
}

/// Which deliveries follow, and what becomes of them, in this order.
fn steps(standing: &Standing) -> Vec<(String, &'static str)> {
    if standing.is_deleted {
        return vec![("status in (0, 3)".to_owned(), CANCEL), ("status = 5".to_owned(), CANCEL)];
    }
    let mut steps = Vec::new();
    if let Some(before) = standing.cancels_before {
        steps.push((format!("status = 5 and id < '{before}'"), CANCEL));
    }
    match (standing.is_on, standing.sends) {
        (false, _) => steps.push(("status in (0, 3)".to_owned(), HOLD)),
        (true, true) => steps.push(("status = 5".to_owned(), RELEASE)),
        // Held by the whole project.
        (true, false) => {}
    }
    steps
}

/// What somebody else has at this moment is passed over: a sender finds out for itself, see `instead_of_sending`.
fn follow(
    conn: &mut PgConnection,
    (project, id): (ProjectId, WebhookId),
    waiting: &str,
    change: &str,
    limit: i64,
    now: OffsetDateTime,
) -> Result<i64, DbError> {
    let moved = diesel::sql_query(format!(
        "with picked as materialized (select project_id, id from deliveries \
         where project_id = $1 and webhook_id = $2 and {waiting} order by id limit $4 for update skip locked) {change}"
    ))
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(id)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .execute(conn)?;
    Ok(i64::try_from(moved).unwrap_or(i64::MAX))
}

/// Remembers the webhooks for which something is held although nothing holds it (any more): it was on its way from a
/// sender's memory, or into the table, while the switch was turned. Cheap when there is nothing; to be called now and
/// then. Answers how many webhooks.
pub fn note_stranded(conn: &mut PgConnection) -> Result<usize, DbError> {
    let noted = diesel::sql_query(
        "insert into unfinished_switches (project_id, webhook_id) \
         select w.project_id, w.id from webhooks w join projects p on p.id = w.project_id \
         where ((w.active and p.webhooks_enabled) or w.deleted_at is not null) and exists \
           (select from deliveries d where d.project_id = w.project_id and d.webhook_id = w.id and d.status = 5) \
         on conflict do nothing",
    )
    .execute(conn)?;
    Ok(noted)
}
