//! The pieces of a replay: writing down what matched, seeing what became of what was sent, handing over more.
use std::collections::HashMap;

use diesel::prelude::*;
use time::{Duration, OffsetDateTime};

use super::past;
use super::rows::{self, Row};
use super::state::{Counts, ItemState, ReplayStatus};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, EventId, ProjectId, ReplayId};
use crate::base::schema::{replay_items, replays};
use crate::models::deliveries::{self, Resent, Status};
use crate::models::projects;

/// Replays that have not run for so long go, with their items.
pub const KEPT: Duration = Duration::days(30);
/// So many have to be tried before a share of failures means anything.
pub const TRIED_MIN: i64 = 20;

/// Deliveries written down, or deleted, at a time.
const COLLECTED_PIECE: i64 = 5_000;
/// Deliveries handed over at a time.
const HANDED_OVER_PIECE: i64 = 1_000;
/// Deliveries that wait for a retry, or are held, looked at each time.
const LOOKED_AT: i64 = 500;
/// So many may wait for their first attempt at a time, at most.
const AT_A_TIME_MAX: i32 = 5_000;
/// What a rate let nobody have for longer is not made up for.
const CATCHES_UP: Duration = Duration::milliseconds(250);
/// How often to look at what waits for retries of a replay that no longer runs.
const LOOKS_APART: Duration = Duration::seconds(2);

/// What a call of [`go_on`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do.
    Idle,
    /// A replay that waits for its webhooks, or for its rate.
    Waits,
    /// There was something to do, and there may be more.
    Moved,
}

/// Does a piece of some replay; any node may. Wake the dispatcher afterwards.
pub fn go_on(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Step, DbError> {
    conn.transaction(|conn| {
        // Only one is at a replay; whoever comes second takes the next.
        let found: Option<Row> = replays::table
            .filter(replays::look_at.le(now))
            // Not the oldest first: one that cannot go on must not keep the others from it.
            .order(diesel::dsl::sql::<diesel::sql_types::Double>("random()"))
            .select(Row::as_select())
            .for_update()
            .skip_locked()
            .first(conn)
            .optional()?;
        match found {
            Some(row) => piece(conn, row, now),
            None if drop_some(conn, now)? => Ok(Step::Moved),
            None => Ok(Step::Idle),
        }
    })
}

fn piece(conn: &mut PgConnection, mut row: Row, now: OffsetDateTime) -> Result<Step, DbError> {
    let mut counts = Counts::of_column(&row.counts);
    let mut status = ReplayStatus::of_number(row.status);
    let mut has_moved = false;
    if status == ReplayStatus::Running && !row.is_collected {
        if !collect(conn, &mut row, &mut counts, now)? {
            status = ReplayStatus::Stopped;
        }
        has_moved = true;
    } else {
        has_moved |= look(conn, &mut row, &mut counts)?;
        if status == ReplayStatus::Running && fails_too_much(&row, &counts) {
            status = ReplayStatus::Stopped;
        }
        if status == ReplayStatus::Running {
            has_moved |= hand_over(conn, &mut row, &mut counts, now)?;
            if counts.of(ItemState::Waiting) + counts.of(ItemState::HandedOver) == 0 {
                status = ReplayStatus::Done;
            }
        }
    }
    let look_at = match status {
        ReplayStatus::Running => Some(now),
        _ if counts.open() > 0 => Some(now + LOOKS_APART),
        _ => None,
    };
    let has_ended = status.number() != row.status;
    diesel::update(replays::table.find((row.project_id, row.id)))
        .set((
            replays::status.eq(status.number()),
            replays::changed_at.eq(if has_ended { now } else { row.changed_at }),
            replays::collected_until.eq(row.collected_until),
            replays::is_collected.eq(row.is_collected),
            replays::counts.eq(counts.column()),
            replays::at_a_time.eq(row.at_a_time),
            replays::next_at.eq(row.next_at),
            replays::looked_until.eq(row.looked_until),
            replays::look_at.eq(look_at),
        ))
        .execute(conn)?;
    Ok(if has_moved { Step::Moved } else { Step::Waits })
}

/// Writes down the next of those that match, newest first, as the history lists them; of events, oldest first. False if
/// nobody can say what matches.
fn collect(
    conn: &mut PgConnection,
    row: &mut Row,
    counts: &mut Counts,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    if let Some(wanted) = row.read_events() {
        past::collect(conn, row, &wanted, counts)?;
        return Ok(true);
    }
    let Some(mut filter) = row.read_filter() else {
        tracing::error!(replay = %row.id, "its filter cannot be read: nothing is sent");
        return Ok(false);
    };
    filter.before = row.collected_until.map(DeliveryId);
    let found = deliveries::look_closely(conn, row.project_id, &filter, COLLECTED_PIECE, now)?;
    let ids: Vec<DeliveryId> = found.deliveries.iter().map(|delivery| delivery.id).collect();
    counts.add(ItemState::Waiting, rows::add_items(conn, (row.project_id, row.id), &ids)?);
    let last = found.stopped_at.or(ids.last().copied());
    row.collected_until = last.map(|id| id.0).or(row.collected_until);
    row.is_collected = found.stopped_at.is_none() && (ids.len() as i64) < COLLECTED_PIECE;
    Ok(true)
}

/// Sees what became of what was handed over, and, some at a time in turn, of what failed or is held since.
fn look(conn: &mut PgConnection, row: &mut Row, counts: &mut Counts) -> Result<bool, DbError> {
    let key = (row.project_id, row.id);
    let first = DeliveryId(uuid::Uuid::nil());
    let mut looked_at = in_state(conn, key, ItemState::HandedOver, first, i64::from(AT_A_TIME_MAX))?;
    let after = row.looked_until.map_or(first, DeliveryId);
    let mut until = None;
    for state in [ItemState::Retrying, ItemState::Held].into_iter().filter(|state| counts.of(*state) > 0) {
        let some = in_state(conn, key, state, after, LOOKED_AT)?;
        if some.len() as i64 == LOOKED_AT {
            let last = some.last().map(|(id, _)| id.0);
            until = until.into_iter().chain(last).min();
        }
        looked_at.extend(some);
    }
    row.looked_until = until;
    if looked_at.is_empty() {
        return Ok(false);
    }
    let ids: Vec<DeliveryId> = looked_at.iter().map(|(id, _)| *id).collect();
    let stand = deliveries::statuses(conn, row.project_id, &ids)?;
    let became = |(id, was): &(DeliveryId, ItemState)| (*id, *was, state_of(*was, stand.get(id).copied()));
    move_items(conn, key, counts, looked_at.iter().map(became))
}

/// What a delivery's state means for one that was handed over.
fn state_of(was: ItemState, status: Option<Status>) -> ItemState {
    match status {
        // Not yet tried, or being tried again.
        Some(Status::Due | Status::Sending) => was,
        Some(Status::Delivered) => ItemState::Delivered,
        Some(Status::Retrying) => ItemState::Retrying,
        Some(Status::Failed) => ItemState::Failed,
        Some(Status::Held) => ItemState::Held,
        Some(Status::Cancelled) => ItemState::Cancelled,
        None => ItemState::LeftNotKept,
    }
}

fn fails_too_much(row: &Row, counts: &Counts) -> bool {
    let tried = counts.tried() - i64::from(row.tried_before);
    let failed = counts.failing() - i64::from(row.failed_before);
    row.stop_percent.is_some_and(|percent| tried >= TRIED_MIN && failed * 100 > i64::from(percent) * tried)
}

/// Hands over as many as there is room for and the rate lets out. Answers whether any left the queue.
fn hand_over(
    conn: &mut PgConnection,
    row: &mut Row,
    counts: &mut Counts,
    now: OffsetDateTime,
) -> Result<bool, DbError> {
    // With the master switch off it waits, as nothing could be sent.
    if counts.of(ItemState::Waiting) == 0 || !projects::sends(conn, row.project_id)? {
        return Ok(false);
    }
    let handed_over = counts.of(ItemState::HandedOver);
    if handed_over == 0 {
        // All that there was room for has been tried since.
        row.at_a_time = (row.at_a_time * 2).min(AT_A_TIME_MAX);
    }
    let room = (i64::from(row.at_a_time) - handed_over).min(HANDED_OVER_PIECE);
    let begins = row.next_at.max(now - CATCHES_UP);
    let limit = room.min(row.rate_per_s.map_or(i64::MAX, |rate| let_out(begins, rate, now)));
    if limit <= 0 {
        return Ok(false);
    }
    let next = next_waiting(conn, row, limit)?;
    let resent = match row.read_events() {
        Some(wanted) => {
            let of_events = next.iter().filter_map(|(id, event)| Some((*id, (*event)?)));
            let of_events: Vec<(DeliveryId, EventId)> = of_events.collect();
            deliveries::send_past(conn, row.project_id, wanted.webhook, &of_events, now)?
        }
        None => {
            let ids: Vec<DeliveryId> = next.iter().map(|(id, _)| *id).collect();
            deliveries::resend_some(conn, row.project_id, &ids, row.skips_delivered, now)?
        }
    };
    let Some(resent) = resent else { return Ok(false) };
    if let Some(rate) = row.rate_per_s {
        let sent = resent.iter().filter(|(_, resent)| *resent == Resent::Due).count();
        row.next_at = begins + Duration::SECOND * sent as f64 / f64::from(rate);
    }
    let became = resent.into_iter().map(|(id, resent)| (id, ItemState::Waiting, state_after(resent)));
    move_items(conn, (row.project_id, row.id), counts, became)
}

/// How many a rate lets out by now, if the next may go when it begins.
fn let_out(begins: OffsetDateTime, rate: i32, now: OffsetDateTime) -> i64 {
    let waited_us = (now - begins).whole_microseconds();
    if waited_us < 0 {
        return 0;
    }
    i64::try_from(1 + waited_us * i128::from(rate) / 1_000_000).unwrap_or(i64::MAX)
}

fn state_after(resent: Resent) -> ItemState {
    match resent {
        Resent::Due => ItemState::HandedOver,
        Resent::Delivered => ItemState::LeftDelivered,
        Resent::WebhookOff => ItemState::LeftWebhookOff,
        Resent::WebhookDeleted => ItemState::LeftWebhookDeleted,
        Resent::NotKept => ItemState::LeftNotKept,
        Resent::UnderWay => ItemState::LeftUnderWay,
        Resent::Made => ItemState::LeftMade,
        Resent::Later => ItemState::Waiting,
    }
}

fn next_waiting(
    conn: &mut PgConnection,
    row: &Row,
    limit: i64,
) -> Result<Vec<(DeliveryId, Option<EventId>)>, DbError> {
    let waiting = replay_items::table
        .filter(replay_items::project_id.eq(row.project_id))
        .filter(replay_items::replay_id.eq(row.id))
        .filter(replay_items::state.eq(ItemState::Waiting.number()))
        .select((replay_items::delivery_id, replay_items::event_id))
        .limit(limit);
    match row.newest_first {
        true => Ok(waiting.order(replay_items::delivery_id.desc()).load(conn)?),
        false => Ok(waiting.order(replay_items::delivery_id.asc()).load(conn)?),
    }
}

fn in_state(
    conn: &mut PgConnection,
    (project, replay): (ProjectId, ReplayId),
    state: ItemState,
    after: DeliveryId,
    limit: i64,
) -> Result<Vec<(DeliveryId, ItemState)>, DbError> {
    let ids: Vec<DeliveryId> = replay_items::table
        .filter(replay_items::project_id.eq(project))
        .filter(replay_items::replay_id.eq(replay))
        .filter(replay_items::state.eq(state.number()))
        .filter(replay_items::delivery_id.gt(after))
        .order(replay_items::delivery_id)
        .limit(limit)
        .select(replay_items::delivery_id)
        .load(conn)?;
    Ok(ids.into_iter().map(|id| (id, state)).collect())
}

/// Writes down what became of items, a statement for each state. Answers whether any changed.
fn move_items(
    conn: &mut PgConnection,
    (project, replay): (ProjectId, ReplayId),
    counts: &mut Counts,
    became: impl Iterator<Item = (DeliveryId, ItemState, ItemState)>,
) -> Result<bool, DbError> {
    let mut moved: HashMap<(ItemState, ItemState), Vec<DeliveryId>> = HashMap::new();
    for (id, from, to) in became.filter(|(_, from, to)| from != to) {
        moved.entry((from, to)).or_default().push(id);
    }
    for ((from, to), ids) in &moved {
        let those = replay_items::table
            .filter(replay_items::project_id.eq(project))
            .filter(replay_items::replay_id.eq(replay))
            .filter(replay_items::delivery_id.eq_any(ids));
        let count = diesel::update(those).set(replay_items::state.eq(to.number())).execute(conn)?;
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        counts.add(*from, -count);
        counts.add(*to, count);
    }
    Ok(!moved.is_empty())
}

/// Deletes a piece of a replay whose time is over. Answers whether there was one.
fn drop_some(conn: &mut PgConnection, now: OffsetDateTime) -> Result<bool, DbError> {
    let running = ReplayStatus::Running.number();
    let found: Option<(ProjectId, ReplayId)> = replays::table
        .filter(replays::status.ne(running))
        .filter(replays::changed_at.lt(now - KEPT))
        .select((replays::project_id, replays::id))
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()?;
    let Some((project, id)) = found else { return Ok(false) };
    let items = replay_items::table
        .filter(replay_items::project_id.eq(project))
        .filter(replay_items::replay_id.eq(id));
    let some: Vec<DeliveryId> = items.select(replay_items::delivery_id).limit(COLLECTED_PIECE).load(conn)?;
    diesel::delete(items.filter(replay_items::delivery_id.eq_any(&some))).execute(conn)?;
    if (some.len() as i64) < COLLECTED_PIECE {
        diesel::delete(replays::table.find((project, id))).execute(conn)?;
    }
    Ok(true)
}
