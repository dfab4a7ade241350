//! Finding events, newest first, a few hundred at a time.
use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Uuid as SqlUuid};
use uuid::Uuid;

use super::{index, progress};
use crate::base::db::DbError;
use crate::base::ids::{self, EventId, GroupId, ProjectId};
use crate::models::events;
use crate::rules::search::{Term, Terms, block};

/// Of what the index does not know, so many of the newest events are looked through at least.
pub(super) const LOOKED_THROUGH: usize = 5_000;
/// Events looked through at a time.
const LOOKED_AT: usize = 1_000;
/// Segments read at a time: a frequent value is in the first.
const SEGMENTS: [i64; 4] = [4, 32, 128, 512];
/// Blocks of a segment that are read for a beginning.
const BLOCKS_MAX: i64 = 400;

/// What becomes of events that are not in the index, beyond the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// They are left out: who waits for a page waits no longer for that.
    LeftOut,
    /// Each is looked at, however long it takes.
    LookedThrough,
}

/// Some of the events that were found.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Newest first; always all of a millisecond.
    pub events: Vec<EventId>,
    /// Everything from this id on was found. Ends with a millisecond.
    pub down_to: Uuid,
    /// There is no more.
    pub is_last: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// What is newer than the index.
    Newer,
    Indexed,
    /// What is older than the index.
    Older,
    Ended,
}

/// A search under way.
pub struct Walk {
    project: ProjectId,
    terms: Terms,
    gaps: Gaps,
    /// Where it began and where it ends: ids from the one on and below the other.
    range: (Uuid, Uuid),
    known: (Uuid, Uuid),
    is_whole: bool,
    stage: Stage,
    /// Everything from this id on is found.
    reached: Uuid,
    /// Found, newest first, not yet told.
    found: Vec<EventId>,
    /// Known otherwise, newest first.
    extra: Vec<EventId>,
    looked_through: usize,
    reads: usize,
    effort: usize,
}

impl Walk {
    /// Begins among the events from the one id on and below the other.
    ///
    /// The text may also be the caller's own id of an event, or the name of a group.
    pub fn begin(
        conn: &mut PgConnection,
        project: ProjectId,
        (text, terms): (&str, Terms),
        range: (Uuid, Uuid),
        gaps: Gaps,
    ) -> Result<Self, DbError> {
        // A group that is named after its first event is not kept with that one.
        let first_of_group = text.trim().parse::<GroupId>().ok().map(|group| EventId(group.0));
        let own = events::find_by_q(conn, project, text.trim())?;
        let row = progress::find(conn, project)?;
        let nothing = (Uuid::nil(), Uuid::nil());
        Ok(Self {
            project,
            terms,
            gaps,
            range,
            known: row.as_ref().map_or(nothing, |row| (row.known_from, row.known_to)),
            is_whole: row.is_none_or(|row| row.is_whole),
            stage: Stage::Newer,
            reached: range.1,
            found: Vec::new(),
            extra: first_of_group.into_iter().chain(own).collect(),
            looked_through: 0,
            reads: 0,
            effort: 0,
        })
    }

    /// How much was done: events looked at and found, and what reading costs as much as.
    pub fn effort(&self) -> usize {
        self.effort
    }

    /// The next events, some `count` of them, or fewer after a while of looking.
    pub fn next(&mut self, conn: &mut PgConnection, count: usize) -> Result<Chunk, DbError> {
        let begun = self.effort;
        loop {
            // Whole milliseconds: deliveries sort within one by ids that are not their events'.
            let settled =
                if self.stage == Stage::Ended { self.range.0 } else { millisecond_from(self.reached) };
            let settled_count = self.found.partition_point(|id| id.0 >= settled);
            if settled_count > count {
                let last = ids::millis_of(self.found[count - 1].0);
                let cut = self.found.partition_point(|id| ids::millis_of(id.0) >= last);
                if cut < settled_count {
                    return Ok(self.told(cut, Uuid::from_u128(u128::from(last) << 80), false));
                }
            }
            if self.stage == Stage::Ended {
                return Ok(self.told(settled_count, settled, true));
            }
            if self.effort - begun >= LOOKED_THROUGH && settled < self.range.1 {
                return Ok(self.told(settled_count, settled, false));
            }
            self.go_on(conn)?;
            let (from, below) = self.range;
            let reached = self.reached;
            let (near, rest): (Vec<_>, Vec<_>) = self.extra.iter().partition(|id| id.0 >= reached);
            self.extra = rest;
            self.found.extend(near);
            self.found.retain(|id| id.0 >= from && id.0 < below);
            self.found.sort_unstable_by(|a, b| b.cmp(a));
            self.found.dedup();
        }
    }

    fn told(&mut self, count: usize, down_to: Uuid, is_last: bool) -> Chunk {
        self.effort += count;
        Chunk { events: self.found.drain(..count).collect(), down_to, is_last }
    }

    fn go_on(&mut self, conn: &mut PgConnection) -> Result<(), DbError> {
        match self.stage {
            Stage::Newer => {
                let ends = self.known.1.max(self.range.0);
                let is_enough = self.gaps == Gaps::LeftOut && self.looked_through >= LOOKED_THROUGH;
                if is_enough || !self.look_through(conn, ends)? {
                    self.reached = self.reached.min(ends);
                    self.stage = Stage::Indexed;
                }
            }
            Stage::Indexed => {
                if self.reached <= self.known.0.max(self.range.0) || !self.read(conn)? {
                    self.reached = self.reached.min(self.known.0.max(self.range.0));
                    let goes_on = self.gaps == Gaps::LookedThrough && !self.is_whole;
                    self.stage = if goes_on { Stage::Older } else { Stage::Ended };
                }
            }
            Stage::Older => {
                if !self.look_through(conn, self.range.0)? {
                    self.stage = Stage::Ended;
                }
            }
            Stage::Ended => {}
        }
        if self.stage == Stage::Ended {
            self.reached = self.range.0;
        }
        Ok(())
    }

    /// Looks through some events, from where it is down to an id; false if there are no more.
    fn look_through(&mut self, conn: &mut PgConnection, from: Uuid) -> Result<bool, DbError> {
        if self.reached <= from {
            return Ok(false);
        }
        let looked = events::searchable(conn, self.project, (from, self.reached), true, LOOKED_AT as i64)?;
        self.effort += looked.len();
        self.looked_through += looked.len();
        let meant = looked.iter().filter(|event| index::values(event).any(|value| self.terms.takes(&value)));
        self.found.extend(meant.map(|event| event.id));
        self.reached = looked.last().filter(|_| looked.len() == LOOKED_AT).map_or(from, |last| last.id.0);
        Ok(looked.len() == LOOKED_AT)
    }

    /// Reads some segments, newest first; false if there are no more.
    fn read(&mut self, conn: &mut PgConnection) -> Result<bool, DbError> {
        let limit = SEGMENTS[self.reads.min(SEGMENTS.len() - 1)];
        self.reads += 1;
        let segments: Vec<Segment> = diesel::sql_query(
            "select first_id, last_id from search_segments where project_id = $1 and first_id < $2 \
             order by first_id desc limit $3",
        )
        .bind::<SqlUuid, _>(self.project)
        .bind::<SqlUuid, _>(self.reached)
        .bind::<BigInt, _>(limit)
        .load(conn)?;
        let mut firsts: Vec<Uuid> = Vec::new();
        for segment in &segments {
            if segment.last_id < self.range.0 {
                break;
            }
            firsts.push(segment.first_id);
        }
        self.effort += firsts.len() * 2;
        let Some(last) = firsts.last().copied() else { return Ok(false) };
        let mut places: HashMap<Uuid, Vec<u32>> = HashMap::new();
        for term in &self.terms.0 {
            for row in blocks(conn, self.project, &firsts, term)? {
                let Some(found) = block::find(row.block, term) else {
                    tracing::error!(segment = %row.segment_id, "a block of the search index cannot be read");
                    continue;
                };
                if !found.is_empty() {
                    places.entry(row.segment_id).or_default().extend(found);
                }
            }
        }
        self.add(conn, places)?;
        self.reached = last;
        Ok(firsts.len() as i64 == limit)
    }

    /// Adds the events at places of segments.
    fn add(&mut self, conn: &mut PgConnection, places: HashMap<Uuid, Vec<u32>>) -> Result<(), DbError> {
        let (Some(least), Some(most)) = (places.keys().min(), places.keys().max()) else { return Ok(()) };
        let rows: Vec<Events> = diesel::sql_query(
            "select first_id, events from search_segments where project_id = $1 and first_id >= $2 \
             and first_id <= $3 and first_id = any($4)",
        )
        .bind::<SqlUuid, _>(self.project)
        .bind::<SqlUuid, _>(least)
        .bind::<SqlUuid, _>(most)
        .bind::<Array<SqlUuid>, _>(places.keys().collect::<Vec<_>>())
        .load(conn)?;
        for row in rows {
            let ids = row.events.as_chunks::<16>().0;
            let of_segment = places.get(&row.first_id).map_or(&[][..], Vec::as_slice);
            let found = of_segment.iter().filter_map(|place| ids.get(*place as usize));
            self.found.extend(found.map(|id| EventId(Uuid::from_bytes(*id))));
        }
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Segment {
    #[diesel(sql_type = SqlUuid)]
    first_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    last_id: Uuid,
}

#[derive(QueryableByName)]
struct Events {
    #[diesel(sql_type = SqlUuid)]
    first_id: Uuid,
    #[diesel(sql_type = Binary)]
    events: Vec<u8>,
}

#[derive(QueryableByName)]
struct BlockRow {
    #[diesel(sql_type = SqlUuid)]
    segment_id: Uuid,
    #[diesel(sql_type = Binary)]
    block: Vec<u8>,
}

/// The blocks of some segments, newest first, that may hold what is meant.
fn blocks(
    conn: &mut PgConnection,
    project: ProjectId,
    segments: &[Uuid],
    term: &Term,
) -> Result<Vec<BlockRow>, DbError> {
    // The last one that begins before the value holds it if any does. The bounds let the planner leave out other days.
    let before = "(select b.block from search_blocks b where b.project_id = $1 and b.segment_id = s.id \
                  and b.segment_id >= $3 and b.segment_id <= $4 and b.first_value <= $5 \
                  order by b.first_value desc limit 1)";
    let behind = "(select b.block from search_blocks b where b.project_id = $1 and b.segment_id = s.id \
                  and b.segment_id >= $3 and b.segment_id <= $4 and b.first_value > $5 and b.first_value < $6 \
                  order by b.first_value limit $7)";
    let (value, of_each) = match term {
        Term::Exactly(value) => (value, before.to_owned()),
        Term::Beginning(value) => (value, format!("{before} union all {behind}")),
    };
    let (Some(oldest), Some(newest)) = (segments.last(), segments.first()) else { return Ok(Vec::new()) };
    let asked = diesel::sql_query(format!(
        "select s.id as segment_id, b.block from unnest($2) s (id) cross join lateral ({of_each}) b"
    ))
    .bind::<SqlUuid, _>(project)
    .bind::<Array<SqlUuid>, _>(segments)
    .bind::<SqlUuid, _>(oldest)
    .bind::<SqlUuid, _>(newest)
    .bind::<Binary, _>(value.as_bytes());
    if matches!(term, Term::Exactly(_)) {
        return Ok(asked.load(conn)?);
    }
    // No text in UTF-8 has this byte.
    let end = [value.as_bytes(), &[0xff]].concat();
    Ok(asked.bind::<Binary, _>(end).bind::<BigInt, _>(BLOCKS_MAX).load(conn)?)
}

/// The first id of the millisecond that begins at or after an id.
fn millisecond_from(id: Uuid) -> Uuid {
    let millis = u128::from(ids::millis_of(id));
    let begins = Uuid::from_u128(millis << 80);
    if begins == id { begins } else { Uuid::from_u128((millis + 1) << 80) }
}
