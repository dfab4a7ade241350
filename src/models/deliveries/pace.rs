//! The slow-down: a webhook whose receiver keeps failing is tried little, and drains gently once it answers.
//!
//! Its deliveries wait together in the table. A turn lets the oldest of them out, one at a time: the wait between turns
//! doubles while they fail, and as soon as one is taken more go out at a time, until the webhook has its usual share
//! again. Waiting uses up no retry. The state is in the table, so that it holds for all nodes together.
use std::borrow::Cow;
use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::Failure;
use super::queue::{ClaimedRow, Row, claim};
use super::rate::claim_rated;
use super::status::failure_of;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::schema::webhook_pace;
use crate::prepared;

/// A webhook is slowed when so many attempts failed in a row on a node, of whichever deliveries.
pub const FAILURES_MAX: i32 = 10;
/// Between the turns of a slowed webhook: the first wait, and again the wait as soon as it answers.
pub const APART_MIN: Duration = Duration::SECOND;
/// The longest wait between turns.
pub const APART_MAX: Duration = Duration::MINUTE;
/// A webhook that takes so many at a time, or as many as its rate lets out in a second, is slowed no more.
pub const AT_A_TIME_FULL: i32 = 64;

/// How a slowed webhook stands.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Slowed {
    pub since: OffsetDateTime,
    /// Attempts that failed in a row; 0 once it answers again.
    pub failures: i32,
    pub last_failure: Failure,
    pub failed_at: OffsetDateTime,
    /// Nothing goes out to it before.
    pub next_at: OffsetDateTime,
}

type SlowedRow = (WebhookId, OffsetDateTime, i32, i16, String, OffsetDateTime, OffsetDateTime);

/// The webhooks of a project that are slowed.
pub fn slowed(conn: &mut PgConnection, project: ProjectId) -> Result<HashMap<WebhookId, Slowed>, DbError> {
    use webhook_pace as pace;
    let rows: Vec<SlowedRow> = pace::table
        .filter(pace::project_id.eq(project))
        .select((
            pace::webhook_id,
            pace::slowed_at,
            pace::failures,
            pace::failure_kind,
            pace::failure_detail,
            pace::failed_at,
            pace::next_at,
        ))
        .load(conn)?;
    let slowed = |(id, since, failures, kind, detail, failed_at, next_at): SlowedRow| {
        let last_failure = failure_of(Some(kind), Some(detail))?;
        Some((id, Slowed { since, failures, last_failure, failed_at, next_at }))
    };
    Ok(rows.into_iter().filter_map(slowed).collect())
}

/// Lets a webhook go at full speed again: it was switched, or leads elsewhere now.
pub(super) fn reset(conn: &mut PgConnection, project: ProjectId, id: WebhookId) -> Result<(), DbError> {
    diesel::delete(webhook_pace::table.find((project, id))).execute(conn)?;
    Ok(())
}

prepared! {
    /// The turns of all slowed webhooks, and those of all that have a rate.
    pub struct Turns -> (SqlUuid, Timestamptz, Bool) {}
    sql "select webhook_id, next_at, false from webhook_pace union all select webhook_id, next_at, true from webhook_rates"
}

prepared! {
    /// Claims what it is the turn of: a row of the pace is locked by one node at a time, and gives one turn.
    pub struct ClaimTurn -> diesel::sql_types::Untyped {
        turn_by: Timestamptz = OffsetDateTime,
        busy: Array<SqlUuid> = Vec<WebhookId>,
        counts: Array<BigInt> = Vec<i64>,
        due_by: Timestamptz = OffsetDateTime,
        room_each: BigInt = i64,
        limit: BigInt = i64,
        taken_at: Timestamptz = OffsetDateTime,
        now: Timestamptz = OffsetDateTime,
        node: SqlUuid = Uuid,
    }
    sql "with turn as materialized ( \
           select project_id, webhook_id, at_a_time from webhook_pace where next_at <= {} for update skip locked \
         ), picked as materialized ( \
           select d.project_id, d.id, d.webhook_id, w.timeout_ms \
           from turn t join webhooks w on w.project_id = t.project_id and w.id = t.webhook_id \
           left join unnest({}, {}) b (id, n) on b.id = w.id \
           cross join lateral ( \
             select d.project_id, d.id, d.webhook_id from deliveries d \
             where d.webhook_id = w.id and d.project_id = w.project_id and d.status in (0, 3) and d.due_at <= {} \
             order by d.due_at limit greatest(least(t.at_a_time, {}) - coalesce(b.n, 0), 0) for update skip locked \
           ) d limit {} \
         ), taken as ( \
           update webhook_pace p set next_at = {} + p.apart_ms * interval '1 millisecond', stepped_back = false \
           where (p.project_id, p.webhook_id) in (select project_id, webhook_id from picked) \
         ) \
         update deliveries d set status = 1, claims = d.claims + 1, \
           due_at = {} + (p.timeout_ms + 15000) * interval '1 millisecond', claimed_by = {} \
         from picked p where d.project_id = p.project_id and d.id = p.id and d.status in (0, 3) \
         returning d.project_id, d.id, d.event_id, d.webhook_id, d.claims, d.due_at, d.attempt_count, d.retries_used, d.test"
}

/// What a look at the queue brought.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// What this node may send now.
    pub rows: Vec<ClaimedRow>,
    /// The slowed webhooks, and before when nothing goes out to each.
    pub turns: HashMap<WebhookId, OffsetDateTime>,
    /// The same for webhooks that have a rate.
    pub rated: HashMap<WebhookId, OffsetDateTime>,
}

impl Look {
    /// When something that is due for `webhook` at `due` may go out.
    pub fn not_before(&self, webhook: WebhookId, due: OffsetDateTime) -> OffsetDateTime {
        let turns = [self.turns.get(&webhook), self.rated.get(&webhook)];
        turns.into_iter().flatten().fold(due, |due, turn| due.max(*turn))
    }

    pub(super) fn read_turns(&mut self, conn: &mut PgConnection) -> Result<(), DbError> {
        let turns: Vec<(WebhookId, OffsetDateTime, bool)> = Turns {}.load(conn)?;
        let of = |asked: bool| {
            let those = turns.iter().filter(move |(.., is_rated)| *is_rated == asked);
            those.map(|(webhook, at, _)| (*webhook, *at)).collect()
        };
        (self.turns, self.rated) = (of(false), of(true));
        Ok(())
    }
}

/// Claims as [`claim`] does, but of slowed webhooks only what it is the turn of, and of those with a rate what that lets
/// out: of them at most `sending_each` may be in this node's hands. Call it in a transaction.
pub fn claim_in_turn(
    conn: &mut PgConnection,
    node: Uuid,
    now: OffsetDateTime,
    room_each: i64,
    sending_each: i64,
    taken: &HashMap<WebhookId, i64>,
    limit: i64,
) -> Result<Look, DbError> {
    let mut look = Look::default();
    look.read_turns(conn)?;
    if limit <= 0 {
        return Ok(look);
    }
    let mut taken = Cow::Borrowed(taken);
    if !look.rated.is_empty() {
        // Half of it, so that there is something left for the others.
        claim_rated(conn, &mut look, node, now, sending_each.min(room_each), &taken, (limit + 1) / 2)?;
        // For the other statements such a webhook has no room.
        taken.to_mut().extend(look.rated.keys().map(|id| (*id, room_each)));
    }
    if look.turns.iter().any(|(id, at)| *at <= now && !look.rated.contains_key(id)) {
        let rows = claim_turn(conn, node, now, room_each, &taken, limit - look.rows.len() as i64)?;
        look.turns.extend(rows.iter().map(|row| (row.webhook, now + APART_MIN)));
        look.rows.extend(rows);
    }
    if !look.turns.is_empty() {
        // For the others' statement a slowed webhook has no room.
        taken.to_mut().extend(look.turns.keys().map(|id| (*id, room_each)));
    }
    let others = limit - look.rows.len() as i64;
    if others > 0 {
        look.rows.extend(claim(conn, node, now, room_each, &taken, others)?);
    }
    Ok(look)
}

fn claim_turn(
    conn: &mut PgConnection,
    node: Uuid,
    now: OffsetDateTime,
    room_each: i64,
    taken: &HashMap<WebhookId, i64>,
    limit: i64,
) -> Result<Vec<ClaimedRow>, DbError> {
    let (busy, counts) = taken.iter().map(|(id, n)| (*id, *n)).unzip();
    let statement =
        ClaimTurn { turn_by: now, busy, counts, due_by: now, room_each, limit, taken_at: now, now, node };
    let rows: Vec<Row> = statement.load(conn)?;
    Ok(rows.into_iter().map(|row| ClaimedRow { in_turn: true, ..row.into() }).collect())
}

/// What became of attempts to a slowed webhook.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Tried {
    pub project: ProjectId,
    pub webhook: WebhookId,
    /// It is slowed from now on.
    pub is_new: bool,
    pub succeeded: i32,
    pub failed: i32,
    /// Some of those that failed were sent in turn, not before the webhook was slowed.
    pub turn_failed: bool,
    pub last_failure: Option<(Failure, OffsetDateTime)>,
}

prepared! {
    /// Slows webhooks, but for those that are off.
    pub struct Slow -> () {
        now: Timestamptz = OffsetDateTime,
        next: Timestamptz = OffsetDateTime,
        apart_ms: Integer = i32,
        projects: Array<SqlUuid> = Vec<ProjectId>,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
        failures: Array<Integer> = Vec<i32>,
        failed_at: Array<Timestamptz> = Vec<OffsetDateTime>,
        kinds: Array<SmallInt> = Vec<i16>,
        details: Array<Text> = Vec<String>,
    }
    sql "insert into webhook_pace (project_id, webhook_id, slowed_at, failures, failed_at, failure_kind, failure_detail, \
         next_at, at_a_time, apart_ms, stepped_back) \
         select o.project_id, o.webhook_id, {}, o.failures, o.failed_at, o.kind, o.detail, {}, 1, {}, true \
         from unnest({}, {}, {}, {}, {}, {}) o (project_id, webhook_id, failures, failed_at, kind, detail) \
         join webhooks w on w.project_id = o.project_id and w.id = o.webhook_id \
         where w.active and w.deleted_at is null order by o.webhook_id for key share of w \
         on conflict (project_id, webhook_id) do nothing"
}

prepared! {
    /// Makes of what was tried how many go out at a time from now on, and how far apart. Locked in one order.
    pub struct Step -> (SqlUuid, Bool) {
        projects: Array<SqlUuid> = Vec<ProjectId>,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
        succeeded: Array<Integer> = Vec<i32>,
        failed: Array<Integer> = Vec<i32>,
        turn_failed: Array<Bool> = Vec<bool>,
        failed_at: Array<diesel::sql_types::Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
        kinds: Array<diesel::sql_types::Nullable<SmallInt>> = Vec<Option<i16>>,
        details: Array<diesel::sql_types::Nullable<Text>> = Vec<Option<String>>,
        apart_min: Integer = i32,
        apart_max: Integer = i32,
        now: Timestamptz = OffsetDateTime,
        full: Integer = i32,
    }
    sql "with o as materialized ( \
           select o.*, o.succeeded = 0 and o.turn_failed and not p.stepped_back as steps_back, \
             p.at_a_time, p.apart_ms from unnest({}, {}, {}, {}, {}, {}, {}, {}) \
             o (project_id, webhook_id, succeeded, failed, turn_failed, failed_at, kind, detail) \
           join webhook_pace p on p.project_id = o.project_id and p.webhook_id = o.webhook_id \
           order by o.webhook_id for update of p \
         ), n as ( \
           select o.*, case when succeeded > 0 then at_a_time + succeeded \
               when steps_back then greatest(at_a_time / 2, 1) else at_a_time end as next_at_a_time, \
             case when succeeded > 0 then {} when steps_back and at_a_time = 1 then least(apart_ms * 2, {}) \
               else apart_ms end as next_apart_ms, {}::timestamptz as now from o \
         ) \
         update webhook_pace p set at_a_time = n.next_at_a_time, apart_ms = n.next_apart_ms, \
           stepped_back = p.stepped_back or n.steps_back, \
           next_at = case when n.succeeded > 0 then least(p.next_at, n.now + n.next_apart_ms * interval '1 millisecond') \
             when n.steps_back then n.now + n.next_apart_ms * interval '1 millisecond' else p.next_at end, \
           failures = case when n.succeeded > 0 then 0 else p.failures + n.failed end, \
           failed_at = coalesce(n.failed_at, p.failed_at), failure_kind = coalesce(n.kind, p.failure_kind), \
           failure_detail = coalesce(n.detail, p.failure_detail) \
         from n where p.project_id = n.project_id and p.webhook_id = n.webhook_id \
         returning p.webhook_id, n.succeeded > 0 and (p.at_a_time >= least({}, (select w.rate_per_s from webhooks w \
             where w.project_id = p.project_id and w.id = p.webhook_id)) \
           or not exists (select from deliveries d where d.project_id = p.project_id and d.webhook_id = p.webhook_id \
             and d.status in (0, 3) and d.due_at <= n.now))"
}

/// Slows webhooks and moves the pace of those that are slowed, by what was tried (once a webhook). Call it in the
/// transaction that records the attempts. Answers which are slowed no more: they have their usual share again, or took
/// the last that was due.
pub fn keep_pace(
    conn: &mut PgConnection,
    tried: &[Tried],
    now: OffsetDateTime,
) -> Result<Vec<WebhookId>, DbError> {
    let (new, slowed): (Vec<&Tried>, Vec<&Tried>) = tried.iter().partition(|one| one.is_new);
    slow(conn, &new, now)?;
    if slowed.is_empty() {
        return Ok(Vec::new());
    }
    let failures = || slowed.iter().map(|one| one.last_failure.as_ref());
    let statement = Step {
        projects: slowed.iter().map(|one| one.project).collect(),
        webhooks: slowed.iter().map(|one| one.webhook).collect(),
        succeeded: slowed.iter().map(|one| one.succeeded).collect(),
        failed: slowed.iter().map(|one| one.failed).collect(),
        turn_failed: slowed.iter().map(|one| one.turn_failed).collect(),
        failed_at: failures().map(|last| last.map(|(_, at)| *at)).collect(),
        kinds: failures().map(|last| last.map(|(failure, _)| failure.kind.number())).collect(),
        details: failures().map(|last| last.map(|(failure, _)| failure.detail.clone())).collect(),
        apart_min: whole_ms(APART_MIN),
        apart_max: whole_ms(APART_MAX),
        now,
        full: AT_A_TIME_FULL,
    };
    let stand: Vec<(WebhookId, bool)> = statement.load(conn)?;
    let over: Vec<WebhookId> = stand.into_iter().filter(|(_, is_over)| *is_over).map(|(id, _)| id).collect();
    for one in slowed.iter().filter(|one| over.contains(&one.webhook)) {
        reset(conn, one.project, one.webhook)?;
    }
    Ok(over)
}

fn slow(conn: &mut PgConnection, new: &[&Tried], now: OffsetDateTime) -> Result<(), DbError> {
    let new: Vec<(&Tried, &Failure, OffsetDateTime)> = new
        .iter()
        .filter_map(|one| one.last_failure.as_ref().map(|(failure, at)| (*one, failure, *at)))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    Slow {
        now,
        next: now + APART_MIN,
        apart_ms: whole_ms(APART_MIN),
        projects: new.iter().map(|(one, ..)| one.project).collect(),
        webhooks: new.iter().map(|(one, ..)| one.webhook).collect(),
        failures: new.iter().map(|(one, ..)| one.failed).collect(),
        failed_at: new.iter().map(|(.., at)| *at).collect(),
        kinds: new.iter().map(|(_, failure, _)| failure.kind.number()).collect(),
        details: new.iter().map(|(_, failure, _)| failure.detail.clone()).collect(),
    }
    .execute(conn)?;
    Ok(())
}

fn whole_ms(duration: Duration) -> i32 {
    i32::try_from(duration.whole_milliseconds()).unwrap_or(i32::MAX)
}
