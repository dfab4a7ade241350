//! Events that a webhook missed while it was off: how many, and sending them once it is on again.
//!
//! An event notes who would have taken it (`events.skipped`), so nobody's subscriptions are judged anew. A row of
//! `missed_events` remembers how far they were looked through: each piece is a transaction of its own, so that a million
//! of them holds up nobody. A delivery's id is derived from its event, so none is made twice.
use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{NewDelivery, Status, bodies, delivery_id, insert};
use crate::base::db::{DbError, by_key};
use crate::base::ids::{self, EventId, ProjectId, WebhookId};
use crate::base::schema::missed_events;
use crate::models::events;

/// So many are counted; what is more is told as "more than".
pub const MISSED_COUNTED_MAX: i64 = 10_000;
/// Events that somebody missed are looked at, at most, to count those of one webhook.
const LOOKED_AT_MAX: i64 = 100_000;
/// The same in a piece.
const PIECE: i64 = 1_000;
/// Whoever accepted an event by the settings before the switch has committed it by then.
const BEGINS_AFTER: Duration = Duration::seconds(2);

/// Whether some webhook was off when an event came: the condition of the index.
const SOMEBODY_MISSED: &str = "e.skipped ~ '\"(paused|disabled)\"'";
/// Whether an event was missed by the webhook `$4`, as what came while its host was not allowed was not. The first
/// condition is cheap, and no other webhook's id has these letters.
const IS_MISSED: &str = "(not e.test and strpos(e.skipped, $4) > 0 and \
    (e.skipped::jsonb @> jsonb_build_array(jsonb_build_object('webhook_id', $4, 'reason', 'paused')) \
    or e.skipped::jsonb @> jsonb_build_array(jsonb_build_object('webhook_id', $4, 'reason', 'disabled'))))";

/// Events that came while a webhook was off and made no delivery for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// So many at least.
    pub count: i64,
    /// There are more than that.
    pub is_more: bool,
    /// When the first came.
    pub first: OffsetDateTime,
    /// When the last came; of more than were counted, the present moment.
    pub last: OffsetDateTime,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    looked_at: i64,
    #[diesel(sql_type = BigInt)]
    missed: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    first: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last: Option<Uuid>,
}

/// What a webhook missed since then that can be sent still; none if it is nothing.
pub fn missed(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<Option<Missed>, DbError> {
    let counted: Counted = by_key(conn, |conn| {
        Ok(diesel::sql_query(format!(
            "with looked_at as materialized (select e.id, octet_length(e.data) > 0 and {IS_MISSED} as is_missed from events e \
               where e.project_id = $1 and e.id >= $2 and e.id < $3 and {SOMEBODY_MISSED} order by e.id limit $5), \
             found as materialized (select id from looked_at where is_missed order by id limit $6) \
             select (select count(*) from looked_at) as looked_at, (select count(*) from found) as missed, \
             (select id from found order by id limit 1) as first, \
             (select id from found order by id desc limit 1) as last"
        ))
        .bind::<SqlUuid, _>(project)
        .bind::<SqlUuid, _>(ids::lower_bound(since))
        .bind::<SqlUuid, _>(after(now))
        .bind::<Text, _>(id.to_string())
        .bind::<BigInt, _>(LOOKED_AT_MAX)
        .bind::<BigInt, _>(MISSED_COUNTED_MAX + 1)
        .get_result(conn)?)
    })?;
    let Some((first, last)) = counted.first.zip(counted.last) else { return Ok(None) };
    let is_more = counted.missed > MISSED_COUNTED_MAX || counted.looked_at == LOOKED_AT_MAX;
    Ok(Some(Missed {
        count: counted.missed.min(MISSED_COUNTED_MAX),
        is_more,
        first: ids::time_of(first),
        last: if is_more { now } else { ids::time_of(last) },
    }))
}

/// The smallest id of the next millisecond.
fn after(now: OffsetDateTime) -> Uuid {
    ids::lower_bound(now + Duration::milliseconds(1))
}

/// Remembers that a webhook is to be sent what it missed since then; [`send_some_missed`] does it. Call it in the
/// transaction that switches the webhook on.
pub(super) fn begin(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    // What an earlier one had not come to yet is looked through too.
    diesel::sql_query(
        "insert into missed_events as m (project_id, webhook_id, next_id, until_id, begins_at) values ($1, $2, $3, $4, $5) \
         on conflict (project_id, webhook_id) do update set next_id = least(m.next_id, excluded.next_id), \
         until_id = greatest(m.until_id, excluded.until_id), begins_at = excluded.begins_at",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(id)
    .bind::<SqlUuid, _>(ids::lower_bound(since))
    .bind::<SqlUuid, _>(after(now))
    .bind::<Timestamptz, _>(now + BEGINS_AFTER)
    .execute(conn)?;
    Ok(())
}

/// What is still to be sent is not: somebody chose so.
pub(super) fn end(conn: &mut PgConnection, project: ProjectId, id: WebhookId) -> Result<(), DbError> {
    diesel::delete(missed_events::table.find((project, id))).execute(conn)?;
    Ok(())
}

/// The webhooks of a project that are still being sent what they missed.
pub fn sending_missed(conn: &mut PgConnection, project: ProjectId) -> Result<HashSet<WebhookId>, DbError> {
    let rows = missed_events::table.filter(missed_events::project_id.eq(project));
    Ok(rows.select(missed_events::webhook_id).load(conn)?.into_iter().collect())
}

/// A webhook that is to be sent what it missed, and how it stands.
#[derive(QueryableByName)]
struct Standing {
    #[diesel(sql_type = SqlUuid)]
    next_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    until_id: Uuid,
    #[diesel(sql_type = Bool)]
    is_deleted: bool,
    #[diesel(sql_type = Bool)]
    is_sent: bool,
}

#[derive(QueryableByName)]
struct Looked {
    #[diesel(sql_type = SqlUuid)]
    id: EventId,
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = Bool)]
    is_missed: bool,
}

/// Makes a piece of the deliveries that some webhook missed; any node may. None if there is nothing to do at the moment, else how
/// many deliveries it made. Wake the dispatcher afterwards.
pub fn send_some_missed(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Option<usize>, DbError> {
    conn.transaction(|conn| {
        let found: Option<(ProjectId, WebhookId)> = missed_events::table
            .filter(missed_events::begins_at.le(now))
            .select((missed_events::project_id, missed_events::webhook_id))
            .order(diesel::dsl::sql::<diesel::sql_types::Double>("random()"))
            .first(conn)
            .optional()?;
        let Some((project, id)) = found else { return Ok(None) };
        go_on(conn, project, id, now)
    })
}

fn go_on(
    conn: &mut PgConnection,
    project: ProjectId,
    id: WebhookId,
    now: OffsetDateTime,
) -> Result<Option<usize>, DbError> {
    // As in `follow`: nobody turns a switch meanwhile, and only one node is at it.
    diesel::sql_query("select from projects where id = $1 for share")
        .bind::<SqlUuid, _>(project)
        .execute(conn)?;
    let standing: Option<Standing> = diesel::sql_query(
        "select m.next_id, m.until_id, w.deleted_at is not null as is_deleted, \
         w.active and p.webhooks_enabled as is_sent \
         from projects p join webhooks w on w.project_id = p.id \
         join missed_events m on m.project_id = w.project_id and m.webhook_id = w.id \
         where p.id = $1 and w.id = $2 for update of m skip locked",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(id)
    .get_result(conn)
    .optional()?;
    let Some(standing) = standing else { return Ok(None) };
    let row = missed_events::table.find((project, id));
    if standing.is_deleted {
        diesel::delete(row).execute(conn)?;
        return Ok(Some(0));
    }
    let looked = look(conn, (project, id), (standing.next_id, standing.until_id))?;
    let day = |one: &Looked| one.is_missed.then(|| ids::time_of(one.id.0).date());
    // Nobody is to wait for the lock that we have, which emptying a busy day would take minutes for.
    if !bodies::try_hold(conn, &looked.iter().filter_map(day).collect())? {
        return Ok(None);
    }
    match looked.last().filter(|_| looked.len() as i64 == PIECE) {
        Some(last) => {
            let next = Uuid::from_u128(last.id.0.as_u128() + 1);
            diesel::update(row).set(missed_events::next_id.eq(next)).execute(conn)?;
        }
        None => {
            diesel::delete(row).execute(conn)?;
        }
    }
    Ok(Some(make(conn, (project, id), looked, standing.is_sent, now)?))
}

/// The next events that somebody missed, whoever it was.
fn look(
    conn: &mut PgConnection,
    (project, id): (ProjectId, WebhookId),
    (next, until): (Uuid, Uuid),
) -> Result<Vec<Looked>, DbError> {
    by_key(conn, |conn| {
        Ok(diesel::sql_query(format!(
            "select e.id, e.event_type, {IS_MISSED} as is_missed from events e \
             where e.project_id = $1 and e.id >= $2 and e.id < $3 and {SOMEBODY_MISSED} order by e.id limit $5"
        ))
        .bind::<SqlUuid, _>(project)
        .bind::<SqlUuid, _>(next)
        .bind::<SqlUuid, _>(until)
        .bind::<Text, _>(id.to_string())
        .bind::<BigInt, _>(PIECE)
        .load(conn)?)
    })
}

/// Deliveries of those that were missed and can be sent still, in the order in which they came.
fn make(
    conn: &mut PgConnection,
    (project, webhook): (ProjectId, WebhookId),
    looked: Vec<Looked>,
    is_sent: bool,
    now: OffsetDateTime,
) -> Result<usize, DbError> {
    let missed: Vec<Looked> = looked.into_iter().filter(|one| one.is_missed).collect();
    let kept = events::with_data(conn, project, missed.iter().map(|one| one.id).collect())?;
    let delivery = |one: Looked| NewDelivery {
        project,
        id: delivery_id(one.id, webhook),
        event: one.id,
        webhook,
        event_type: one.event_type,
        status: if is_sent { Status::Due } else { Status::Held },
        due_at: is_sent.then(|| now.min(ids::time_of(one.id.0))),
        claimed_by: None,
    };
    let new: Vec<NewDelivery> =
        missed.into_iter().filter(|one| kept.contains(&one.id)).map(delivery).collect();
    insert(conn, &new)?;
    Ok(new.len())
}
