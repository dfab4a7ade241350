//! Deliveries that go from memory straight to the receiver: one row stands for several of them until each has an
//! outcome and with it a row of its own.
//!
//! The row is written in the transaction of the events. A node that dies leaves it behind; after the lease, or when the
//! node starts again, what it stands for and has no row yet becomes due.
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, SmallInt, Timestamptz, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::queue::{Claimed, Rescued};
use super::{FailureKind, NewDelivery, delivery_id};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, EventId, ProjectId, WebhookId};
use crate::prepared;

/// Deliveries that one row stands for: so few that the row stays in its page.
pub const HAND_OVER_MAX: usize = 32;
/// Bytes of each: project, event, webhook.
const PACKED: usize = 48;
/// Rows of a node. When all are in use, deliveries get rows of their own at once.
pub const PLACES: Place = 256;
/// A node that says nothing for so long is not coming back.
const NODE_KEPT: Duration = Duration::DAY;
/// Rows that are looked into at a time when they are rescued.
const RESCUED_MAX: i64 = 64;

/// One of a node's rows for deliveries in its memory.
pub type Place = i16;

/// Deliveries that a row stands for.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct HandedOver {
    pub place: Place,
    /// Each with the lease that its claim has; at most [`HAND_OVER_MAX`].
    pub deliveries: Vec<NewDelivery>,
}

/// Takes deliveries that were just committed straight from memory; they are claimed already.
///
/// Implemented by the dispatcher, used by ingest. Losing them is harmless: their leases run out.
pub trait HandOver: Send + Sync {
    /// Who claims.
    fn node(&self) -> Uuid;
    /// Keeps room for one more delivery to this webhook; false if there is none: it waits in the table then.
    fn reserve(&self, webhook: WebhookId) -> bool;
    /// Gives back room that was kept for a delivery that was not committed after all.
    fn release(&self, webhook: WebhookId);
    /// A place that stands for nothing; none if all are in use: the deliveries get their rows at once then.
    fn place(&self) -> Option<Place>;
    /// Gives back a place that was not used. In doubt (the commit may have happened) it stays until it was rescued.
    fn give_back(&self, place: Place, in_doubt: bool);
    /// Takes them, room having been kept for each; what stands for some of them is told with them.
    fn take(&self, claimed: Vec<Claimed>, handed_over: Vec<HandedOver>);
    /// Says that deliveries wait in the table.
    fn wake(&self);
    /// How long what was handed over last waited for a thread that sends it.
    fn behind(&self) -> std::time::Duration;
}

prepared! {
    /// Fills places of a node.
    pub struct FillPlaces -> () {
        node: SqlUuid = Uuid,
        places: Array<SmallInt> = Vec<Place>,
        leases: Array<Timestamptz> = Vec<OffsetDateTime>,
        deliveries: Array<Binary> = Vec<Vec<u8>>,
    }
    sql "update hand_overs h set lease_ends = o.lease_ends, deliveries = o.deliveries from \
         (select {} as node, * from unnest({}, {}, {}) o (place, lease_ends, deliveries)) o \
         where h.node = o.node and h.place = o.place"
}

/// Writes what stands for deliveries in a node's memory. Call it in the transaction of their events.
pub fn hand_over(conn: &mut PgConnection, node: Uuid, handed_over: &[HandedOver]) -> Result<(), DbError> {
    if handed_over.is_empty() {
        return Ok(());
    }
    let lease = |one: &HandedOver| one.deliveries.iter().filter_map(|d| d.due_at).max();
    let fill = |conn: &mut PgConnection| {
        FillPlaces {
            node,
            places: handed_over.iter().map(|one| one.place).collect(),
            leases: handed_over.iter().map(|one| lease(one).unwrap_or(OffsetDateTime::UNIX_EPOCH)).collect(),
            deliveries: handed_over.iter().map(|one| pack(&one.deliveries)).collect(),
        }
        .execute(conn)
    };
    // Without its row a hand-over would be lost with the node. It may have been thought gone, and its rows forgotten.
    let all = handed_over.len();
    if fill(conn)? == all {
        return Ok(());
    }
    MakePlaces { node, last: PLACES - 1 }.execute(conn)?;
    if fill(conn)? == all { Ok(()) } else { Err(diesel::result::Error::NotFound.into()) }
}

/// A delivery as it is packed.
pub(super) type Triple = (ProjectId, EventId, WebhookId);

fn pack(deliveries: &[NewDelivery]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(deliveries.len() * PACKED);
    for one in deliveries {
        packed.extend_from_slice(one.project.0.as_bytes());
        packed.extend_from_slice(one.event.0.as_bytes());
        packed.extend_from_slice(one.webhook.0.as_bytes());
    }
    packed
}

pub(super) fn unpacked(packed: &[u8]) -> impl Iterator<Item = Triple> + '_ {
    let id = |bytes: &[u8]| Uuid::from_slice(bytes).unwrap_or_default();
    packed
        .chunks_exact(PACKED)
        .map(move |one| (ProjectId(id(&one[..16])), EventId(id(&one[16..32])), WebhookId(id(&one[32..]))))
}

prepared! {
    /// Makes a node's rows, and another (-1) that says until when the node is thought to live.
    pub struct MakePlaces -> () { node: SqlUuid = Uuid, last: SmallInt = Place }
    sql "insert into hand_overs (node, place) select {}, generate_series(-1, {}) on conflict (node, place) do nothing"
}

prepared! {
    /// Says that a node lives.
    pub struct SayAlive -> () { until: Timestamptz = OffsetDateTime, node: SqlUuid = Uuid }
    sql "update hand_overs set lease_ends = {} where node = {} and place = -1"
}

prepared! {
    /// Forgets nodes that have not lived for long and left nothing behind.
    pub struct ForgetNodes -> () { now: Timestamptz = OffsetDateTime }
    sql "delete from hand_overs h using hand_overs a where a.node = h.node and a.place = -1 and a.lease_ends < {} \
         and not exists (select from hand_overs f where f.node = h.node and f.deliveries is not null)"
}

prepared! {
    /// Rows whose lease ran out. Another node may be at it.
    pub struct LockEnded -> diesel::sql_types::Untyped { now: Timestamptz = OffsetDateTime, limit: BigInt = i64 }
    sql "select node, place, deliveries from hand_overs where deliveries is not null and lease_ends <= {} \
         limit {} for update skip locked"
}

prepared! {
    /// Rows of a node; waits for whoever is writing one.
    pub struct LockPlaces -> diesel::sql_types::Untyped { node: SqlUuid = Uuid, places: Array<SmallInt> = Vec<Place> }
    sql "select node, place, coalesce(deliveries, '') as deliveries from hand_overs where node = {} and place = any({}) \
         for update"
}

prepared! {
    /// Makes due what has no row yet and whose event is still there; each leaves an `interrupted` attempt.
    pub struct MakeDue -> () {
        due: Timestamptz = OffsetDateTime,
        projects: Array<SqlUuid> = Vec<ProjectId>,
        ids: Array<SqlUuid> = Vec<DeliveryId>,
        events: Array<SqlUuid> = Vec<EventId>,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
        started: Timestamptz = OffsetDateTime,
        kind: SmallInt = i16,
    }
    sql "with cut as ( \
           insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, due_at, claims, attempt_count, \
             last_failure_kind, last_failure_detail) \
           select o.project_id, o.id, o.event_id, o.webhook_id, e.event_type, 0, {}, 1, 1, 8, \
             'Callout stopped during this attempt; it is repeated at once.' \
           from unnest({}, {}, {}, {}) o (project_id, id, event_id, webhook_id) \
           join events e on e.project_id = o.project_id and e.id = o.event_id \
           on conflict (project_id, id) do nothing returning project_id, id, webhook_id, last_failure_detail \
         ) \
         insert into attempts (project_id, delivery_id, number, started_at, duration_us, url, request_headers, \
           body_format, failure_kind, failure_detail) \
         select c.project_id, c.id, 1, {}, 0, w.target_url, '', 1, {}, c.last_failure_detail \
         from cut c join webhooks w on w.project_id = c.project_id and w.id = c.webhook_id \
         on conflict (project_id, delivery_id, number) do nothing"
}

prepared! {
    /// Empties rows.
    pub struct EmptyPlaces -> () { nodes: Array<SqlUuid> = Vec<Uuid>, places: Array<SmallInt> = Vec<Place> }
    sql "update hand_overs h set lease_ends = null, deliveries = null \
         from unnest({}, {}) o (node, place) where h.node = o.node and h.place = o.place"
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    node: Uuid,
    #[diesel(sql_type = SmallInt)]
    place: Place,
    #[diesel(sql_type = Binary)]
    deliveries: Vec<u8>,
}

/// Makes a node's rows, if it has none, and makes due what they stand for: to be called before the node begins.
pub(super) fn make_places(
    conn: &mut PgConnection,
    node: Uuid,
    now: OffsetDateTime,
) -> Result<Rescued, DbError> {
    keep_places(conn, node, now)?;
    rescue_places(conn, node, &(0..PLACES).collect::<Vec<_>>(), now)
}

/// Says that a node lives, so that its rows are kept, and forgets those of nodes that have not for a day. To be called
/// much more often than that.
pub fn keep_places(conn: &mut PgConnection, node: Uuid, now: OffsetDateTime) -> Result<(), DbError> {
    MakePlaces { node, last: PLACES - 1 }.execute(conn)?;
    SayAlive { until: now + NODE_KEPT, node }.execute(conn)?;
    ForgetNodes { now }.execute(conn)?;
    Ok(())
}

/// Makes due what these rows of a node stand for, if anything, and empties them.
pub fn rescue_places(
    conn: &mut PgConnection,
    node: Uuid,
    places: &[Place],
    now: OffsetDateTime,
) -> Result<Rescued, DbError> {
    if places.is_empty() {
        return Ok(0);
    }
    let mut rows: Vec<Row> = LockPlaces { node, places: places.to_vec() }.load(conn)?;
    rows.retain(|row| !row.deliveries.is_empty());
    if rows.is_empty() { Ok(0) } else { make_due(conn, &rows, now) }
}

/// Makes due what rows of any node stand for whose lease ran out, and empties them.
pub(super) fn rescue_ended(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Rescued, DbError> {
    let mut rescued = 0;
    loop {
        let rows: Vec<Row> = LockEnded { now, limit: RESCUED_MAX }.load(conn)?;
        if rows.is_empty() {
            return Ok(rescued);
        }
        rescued += make_due(conn, &rows, now)?;
    }
}

fn make_due(conn: &mut PgConnection, rows: &[Row], now: OffsetDateTime) -> Result<Rescued, DbError> {
    let open: Vec<Triple> = rows.iter().flat_map(|row| unpacked(&row.deliveries)).collect();
    let due = MakeDue {
        due: now,
        projects: open.iter().map(|(project, ..)| *project).collect(),
        ids: open.iter().map(|(_, event, webhook)| delivery_id(*event, *webhook)).collect(),
        events: open.iter().map(|(_, event, _)| *event).collect(),
        webhooks: open.iter().map(|(.., webhook)| *webhook).collect(),
        started: now,
        kind: FailureKind::Interrupted.number(),
    };
    let rescued = due.execute(conn)?;
    let (nodes, places) = rows.iter().map(|row| (row.node, row.place)).unzip();
    EmptyPlaces { nodes, places }.execute(conn)?;
    Ok(rescued)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::deliveries::Status;

    #[test]
    fn what_is_packed_is_unpacked() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
        let of = |_| {
            let (event, webhook) = (EventId::new(now), WebhookId::new(now));
            NewDelivery {
                project: ProjectId::new(now),
                id: delivery_id(event, webhook),
                event,
                webhook,
                event_type: "a.b".to_owned(),
                status: Status::Sending,
                due_at: Some(now),
                claimed_by: None,
            }
        };
        let deliveries: Vec<NewDelivery> = (0..HAND_OVER_MAX).map(of).collect();
        let expected: Vec<Triple> = deliveries.iter().map(|d| (d.project, d.event, d.webhook)).collect();
        let packed = pack(&deliveries);
        assert!(packed.len() < 1_900, "a row must not leave its page");
        assert_eq!(unpacked(&packed).collect::<Vec<_>>(), expected);
    }
}
