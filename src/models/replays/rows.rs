//! Replays as rows: making, finding and switching them.
use std::fmt;

use diesel::prelude::*;
use diesel::sql_types::{Array, SmallInt, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::past::{BEGINS_AFTER, PastEvents};
use super::state::{Counts, ItemState, ReplayStatus};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId, ReplayId};
use crate::base::schema::replays;
use crate::models::deliveries::Filter;

/// Deliveries that may be named, at most.
pub const NAMED_MAX: usize = 1_000;
/// So many may wait for their first attempt at a time, at first.
pub(super) const AT_A_TIME_MIN: i32 = 128;

/// Which deliveries.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// All that the filter matches at this moment.
    Matching(Box<Filter>),
    /// Just these, at most [`NAMED_MAX`].
    Named(Vec<DeliveryId>),
    /// Those of past events to a webhook, which it gets for the first time.
    Events(Box<PastEvents>),
}

/// How they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The newest event first, instead of the oldest.
    pub newest_first: bool,
    /// Leaves out what is delivered when its turn comes.
    pub skips_delivered: bool,
    /// So many a second, 1 to 1,000; without, as fast as webhooks take them.
    pub rate_per_s: Option<i32>,
    /// Stops by itself when more than this share of what was tried failed, 1 to 99 percent.
    pub stop_percent: Option<i16>,
}

impl Options {
    /// The fastest that one may go.
    pub const RATE_MAX: i32 = 1_000;
    /// Most receivers that fail every second request are not there at all: to go on helps nobody.
    pub const STOP_PERCENT: i16 = 50;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            newest_first: false,
            skips_delivered: true,
            rate_per_s: None,
            stop_percent: Some(Self::STOP_PERCENT),
        }
    }
}

/// A replay as it stands.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Replay {
    pub project: ProjectId,
    pub id: ReplayId,
    /// None for deliveries that were named, for events, or for a filter that this version cannot read.
    pub filter: Option<Filter>,
    /// Which past events, if it is of such.
    pub events: Option<PastEvents>,
    /// What it is of was written by another version, and this one cannot read it: nothing is sent.
    pub is_unreadable: bool,
    pub options: Options,
    pub status: ReplayStatus,
    pub created_at: OffsetDateTime,
    /// When it was made, switched, or ended.
    pub changed_at: OffsetDateTime,
    /// Whether all that matched is counted; nothing is sent before.
    pub is_collected: bool,
    pub counts: Counts,
}

/// Why a replay was not switched.
#[derive(Debug)]
pub enum SwitchError {
    /// There is no such replay in the project.
    Gone,
    /// It has ended.
    Ended(ReplayStatus),
    /// The database did not do it.
    Db(DbError),
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("There is no such replay in this project."),
            Self::Ended(ReplayStatus::Cancelled) => {
                f.write_str("This replay was cancelled. Start another one.")
            }
            Self::Ended(ReplayStatus::Stopped) => {
                f.write_str("This replay has stopped by itself. Resume or cancel it.")
            }
            Self::Ended(_) => f.write_str("This replay is done."),
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl From<DbError> for SwitchError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for SwitchError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = replays, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    pub(super) project_id: ProjectId,
    pub(super) id: ReplayId,
    pub(super) filter: Option<String>,
    pub(super) newest_first: bool,
    pub(super) skips_delivered: bool,
    pub(super) rate_per_s: Option<i32>,
    pub(super) stop_percent: Option<i16>,
    pub(super) status: i16,
    pub(super) changed_at: OffsetDateTime,
    pub(super) collected_until: Option<Uuid>,
    pub(super) is_collected: bool,
    pub(super) counts: Vec<i32>,
    pub(super) at_a_time: i32,
    pub(super) next_at: OffsetDateTime,
    pub(super) tried_before: i32,
    pub(super) failed_before: i32,
    pub(super) looked_until: Option<Uuid>,
    pub(super) events: Option<String>,
}

impl Row {
    pub(super) fn read_filter(&self) -> Option<Filter> {
        self.filter.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }

    pub(super) fn read_events(&self) -> Option<PastEvents> {
        self.events.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }
}

impl From<Row> for Replay {
    fn from(row: Row) -> Self {
        let (filter, events) = (row.read_filter(), row.read_events());
        let was_named = row.filter.is_none() && row.events.is_none();
        Self {
            project: row.project_id,
            id: row.id,
            is_unreadable: !was_named && filter.is_none() && events.is_none(),
            filter,
            events,
            options: Options {
                newest_first: row.newest_first,
                skips_delivered: row.skips_delivered,
                rate_per_s: row.rate_per_s,
                stop_percent: row.stop_percent,
            },
            status: ReplayStatus::of_number(row.status),
            created_at: ids::time_of(row.id.0),
            changed_at: row.changed_at,
            is_collected: row.is_collected,
            counts: Counts::of_column(&row.counts),
        }
    }
}

/// Makes a replay, which begins by itself; call it in a transaction. Deliveries of events that come from now on are not
/// in it.
pub fn create(
    conn: &mut PgConnection,
    project: ProjectId,
    wanted: Wanted,
    options: Options,
    now: OffsetDateTime,
) -> Result<Replay, DbError> {
    let id = ReplayId::new(now);
    let mut look_at = now;
    let (filter, events, named) = match wanted {
        Wanted::Matching(mut filter) => {
            let end = now + Duration::milliseconds(1);
            filter.until = Some(filter.until.map_or(end, |until| until.min(end)));
            filter.before = None;
            (Some(json(&filter)?), None, Vec::new())
        }
        Wanted::Named(ids) => (None, None, ids),
        Wanted::Events(events) => {
            look_at = now + BEGINS_AFTER;
            (None, Some(json(&events)?), Vec::new())
        }
    };
    let row = (
        replays::project_id.eq(project),
        replays::id.eq(id),
        replays::is_collected.eq(filter.is_none() && events.is_none()),
        replays::filter.eq(filter),
        replays::events.eq(events),
        replays::newest_first.eq(options.newest_first),
        replays::skips_delivered.eq(options.skips_delivered),
        replays::rate_per_s.eq(options.rate_per_s),
        replays::stop_percent.eq(options.stop_percent),
        replays::status.eq(ReplayStatus::Running.number()),
        replays::changed_at.eq(now),
        replays::counts.eq(Counts::none().column()),
        replays::at_a_time.eq(AT_A_TIME_MIN),
        replays::next_at.eq(now),
        replays::look_at.eq(look_at),
    );
    diesel::insert_into(replays::table).values(row).execute(conn)?;
    let mut counts = Counts::none();
    counts.add(ItemState::Waiting, add_items(conn, (project, id), &named)?);
    let made = diesel::update(replays::table.find((project, id))).set(replays::counts.eq(counts.column()));
    Ok(made.returning(Row::as_returning()).get_result::<Row>(conn)?.into())
}

/// Writes down deliveries that are to be sent; answers how many were new.
pub(super) fn add_items(
    conn: &mut PgConnection,
    (project, replay): (ProjectId, ReplayId),
    ids: &[DeliveryId],
) -> Result<i32, DbError> {
    let added = diesel::sql_query(
        "insert into replay_items (project_id, replay_id, delivery_id, state) select $1, $2, unnest($3), 0 \
         on conflict do nothing",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(replay)
    .bind::<Array<SqlUuid>, _>(ids)
    .execute(conn)?;
    Ok(i32::try_from(added).unwrap_or(i32::MAX))
}

fn json(value: &impl serde::Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::Unavailable(error.to_string()))
}

/// Writes down events of which deliveries are to be made, or what hinders; answers how many were new.
pub(super) fn add_events(
    conn: &mut PgConnection,
    (project, replay): (ProjectId, ReplayId),
    new: &[(DeliveryId, EventId)],
    state: ItemState,
) -> Result<i32, DbError> {
    let (ids, events): (Vec<DeliveryId>, Vec<EventId>) = new.iter().copied().unzip();
    let added = diesel::sql_query(
        "insert into replay_items (project_id, replay_id, delivery_id, event_id, state) \
         select $1, $2, n.id, n.event_id, $5 from unnest($3, $4) n (id, event_id) on conflict do nothing",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<SqlUuid, _>(replay)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<SqlUuid>, _>(events)
    .bind::<SmallInt, _>(state.number())
    .execute(conn)?;
    Ok(i32::try_from(added).unwrap_or(i32::MAX))
}

/// One replay of the project.
pub fn find(conn: &mut PgConnection, project: ProjectId, id: ReplayId) -> Result<Option<Replay>, DbError> {
    let row = replays::table.find((project, id)).select(Row::as_select()).first(conn).optional()?;
    Ok(row.map(Replay::from))
}

/// A page of the project's replays, newest first; `before` is the last of the page before.
pub fn list(
    conn: &mut PgConnection,
    project: ProjectId,
    before: Option<ReplayId>,
    limit: i64,
) -> Result<Vec<Replay>, DbError> {
    let mut query = replays::table
        .filter(replays::project_id.eq(project))
        .order(replays::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(replays::id.lt(before));
    }
    Ok(query.load::<Row>(conn)?.into_iter().map(Replay::from).collect())
}

/// Hands over no more until it is resumed. What was handed over goes on.
pub fn pause(
    conn: &mut PgConnection,
    project: ProjectId,
    id: ReplayId,
    now: OffsetDateTime,
) -> Result<Replay, SwitchError> {
    switch(conn, (project, id), &[ReplayStatus::Running], ReplayStatus::Paused, now)
}

/// Goes on with what is left, also after it stopped by itself: what failed so far no longer counts for that.
pub fn resume(
    conn: &mut PgConnection,
    project: ProjectId,
    id: ReplayId,
    now: OffsetDateTime,
) -> Result<Replay, SwitchError> {
    switch(conn, (project, id), &[ReplayStatus::Paused, ReplayStatus::Stopped], ReplayStatus::Running, now)
}

/// Ends it for good. What was handed over goes on; the rest is not sent.
pub fn cancel(
    conn: &mut PgConnection,
    project: ProjectId,
    id: ReplayId,
    now: OffsetDateTime,
) -> Result<Replay, SwitchError> {
    let open = [ReplayStatus::Running, ReplayStatus::Paused, ReplayStatus::Stopped];
    switch(conn, (project, id), &open, ReplayStatus::Cancelled, now)
}

/// Waits for a piece that is under way. One that stands so already stays as it is.
fn switch(
    conn: &mut PgConnection,
    (project, id): (ProjectId, ReplayId),
    from: &[ReplayStatus],
    to: ReplayStatus,
    now: OffsetDateTime,
) -> Result<Replay, SwitchError> {
    let row =
        replays::table.find((project, id)).select(Row::as_select()).for_update().first(conn).optional()?;
    let replay = Replay::from(row.ok_or(SwitchError::Gone)?);
    if replay.status == to {
        return Ok(replay);
    }
    if !from.contains(&replay.status) {
        return Err(SwitchError::Ended(replay.status));
    }
    let found = diesel::update(replays::table.find((project, id)));
    let (tried, failed) = (replay.counts.tried(), replay.counts.failing());
    let to_column = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    let switched = found.set((
        replays::status.eq(to.number()),
        replays::changed_at.eq(now),
        replays::at_a_time.eq(AT_A_TIME_MIN),
        replays::next_at.eq(now),
        replays::tried_before.eq(to_column(tried)),
        replays::failed_before.eq(to_column(failed)),
        replays::look_at.eq(now),
    ));
    Ok(switched.returning(Row::as_returning()).get_result::<Row>(conn)?.into())
}
