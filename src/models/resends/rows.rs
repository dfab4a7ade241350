//! What was sent again with changes, as rows.
use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use time::{Duration, OffsetDateTime};

use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, KeyId, ProjectId, ResendId, UserId, WebhookId};
use crate::base::schema::resends;
use crate::models::deliveries::Delivery;

/// So many are told of one delivery or event, the last ones.
const TOLD_MAX: i64 = 50;
/// So many are deleted at a time.
const PIECE: i64 = 1_000;

/// Who sent something again, by the name that they had then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum By {
    /// A person, in the pages.
    Person { id: UserId, name: String },
    /// A program, with a key.
    Key { id: KeyId, name: String },
}

impl By {
    /// The name that they had then.
    pub fn name(&self) -> &str {
        match self {
            Self::Person { name, .. } | Self::Key { name, .. } => name,
        }
    }
}

/// A delivery that was sent again with changes.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Resend {
    pub id: ResendId,
    /// What was sent.
    pub delivery: DeliveryId,
    pub event: EventId,
    pub webhook: WebhookId,
    /// What it was made from.
    pub of_delivery: DeliveryId,
    pub of_event: EventId,
    /// Whether the data were changed, so that the event is another one.
    pub is_edited: bool,
    pub reason: String,
    pub by: By,
    pub at: OffsetDateTime,
}

/// What is known of a delivery or event: where it comes from, and what was sent from it.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// What it was made from, the last time.
    pub from: Option<Resend>,
    /// What was made from it, newest first, at most 50.
    pub resends: Vec<Resend>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = resends, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: ResendId,
    delivery_id: DeliveryId,
    event_id: EventId,
    webhook_id: WebhookId,
    of_delivery_id: DeliveryId,
    of_event_id: EventId,
    is_edited: bool,
    reason: String,
    user_id: Option<UserId>,
    api_key_id: Option<KeyId>,
    by_name: String,
}

impl Row {
    /// None if neither a person nor a key is named, which no row is written with.
    fn read(self) -> Option<Resend> {
        let by = match (self.user_id, self.api_key_id) {
            (Some(id), _) => By::Person { id, name: self.by_name },
            (None, Some(id)) => By::Key { id, name: self.by_name },
            (None, None) => return None,
        };
        Some(Resend {
            id: self.id,
            delivery: self.delivery_id,
            event: self.event_id,
            webhook: self.webhook_id,
            of_delivery: self.of_delivery_id,
            of_event: self.of_event_id,
            is_edited: self.is_edited,
            reason: self.reason,
            by,
            at: ids::time_of(self.id.0),
        })
    }
}

pub(super) fn insert(conn: &mut PgConnection, project: ProjectId, resend: &Resend) -> Result<(), DbError> {
    let (user, key) = match &resend.by {
        By::Person { id, .. } => (Some(*id), None),
        By::Key { id, .. } => (None, Some(*id)),
    };
    diesel::insert_into(resends::table)
        .values((
            resends::project_id.eq(project),
            resends::id.eq(resend.id),
            resends::delivery_id.eq(resend.delivery),
            resends::event_id.eq(resend.event),
            resends::webhook_id.eq(resend.webhook),
            resends::of_delivery_id.eq(resend.of_delivery),
            resends::of_event_id.eq(resend.of_event),
            resends::is_edited.eq(resend.is_edited),
            resends::reason.eq(&resend.reason),
            resends::user_id.eq(user),
            resends::api_key_id.eq(key),
            resends::by_name.eq(resend.by.name()),
        ))
        .execute(conn)?;
    Ok(())
}

/// What is known of a delivery.
pub fn of_delivery(
    conn: &mut PgConnection,
    project: ProjectId,
    delivery: &Delivery,
) -> Result<Told, DbError> {
    let rows = || resends::table.filter(resends::project_id.eq(project)).order(resends::id.desc());
    let from: Option<Row> = rows()
        .filter(resends::event_id.eq(delivery.event))
        .filter(resends::delivery_id.eq(delivery.id))
        .filter(resends::of_delivery_id.ne(delivery.id))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    let made: Vec<Row> = rows()
        .filter(resends::of_event_id.eq(delivery.event))
        .filter(resends::of_delivery_id.eq(delivery.id))
        .limit(TOLD_MAX)
        .select(Row::as_select())
        .load(conn)?;
    Ok(told(from, made))
}

/// What is known of an event: what it is an edited copy of, and what was sent from it.
pub fn of_event(conn: &mut PgConnection, project: ProjectId, event: EventId) -> Result<Told, DbError> {
    let rows = || resends::table.filter(resends::project_id.eq(project)).order(resends::id.desc());
    let from: Option<Row> = rows()
        .filter(resends::event_id.eq(event))
        .filter(resends::is_edited.eq(true))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    let made: Vec<Row> =
        rows().filter(resends::of_event_id.eq(event)).limit(TOLD_MAX).select(Row::as_select()).load(conn)?;
    Ok(told(from, made))
}

fn told(from: Option<Row>, made: Vec<Row>) -> Told {
    Told { from: from.and_then(Row::read), resends: made.into_iter().filter_map(Row::read).collect() }
}

/// Those of some events that are edited copies.
pub fn edited_among(
    conn: &mut PgConnection,
    project: ProjectId,
    events: Vec<EventId>,
) -> Result<HashSet<EventId>, DbError> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let edited = resends::table.filter(resends::project_id.eq(project)).filter(resends::is_edited.eq(true));
    let among = edited.filter(resends::event_id.eq_any(events)).select(resends::event_id);
    Ok(among.load(conn)?.into_iter().collect())
}

/// Forgets some of those of which neither delivery is kept any more. History is kept for at least so long.
pub fn drop_behind(conn: &mut PgConnection, kept: Duration, now: OffsetDateTime) -> Result<usize, DbError> {
    // As values, not joined: each is looked for in its own day.
    Ok(diesel::sql_query(
        "delete from resends where (project_id, id) in (select r.project_id, r.id from resends r where r.id < $1 \
         and (select d.id from deliveries d where d.project_id = r.project_id and d.id = r.delivery_id) is null \
         and (select d.id from deliveries d where d.project_id = r.project_id and d.id = r.of_delivery_id) is null \
         limit $2)",
    )
    .bind::<SqlUuid, _>(ids::lower_bound(now - kept))
    .bind::<BigInt, _>(PIECE)
    .execute(conn)?)
}
