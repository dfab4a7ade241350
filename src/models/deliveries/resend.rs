//! Sending deliveries again: one by hand, or some of a replay.
use std::collections::{HashMap, HashSet};
use std::fmt;

use diesel::prelude::*;
use diesel::sql_types::{Array, Timestamptz, Uuid as SqlUuid};
use time::OffsetDateTime;

use super::in_memory::without_row;
use super::{Delivery, NewDelivery, Status, bodies, delivery_id, find, insert};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId, WebhookId};
use crate::base::schema::deliveries;
use crate::models::{events, projects, webhooks};

/// Why a delivery was not sent again.
#[derive(Debug)]
pub enum ResendError {
    /// There is no such delivery in the project.
    Gone,
    /// It waits or is being sent already.
    UnderWay,
    /// Its webhook was deleted: there is nowhere to send it.
    WebhookDeleted,
    /// Its webhook is paused or disabled: switch it on first.
    WebhookOff,
    /// All webhooks of the project are switched off: nothing would be sent.
    AllOff,
    /// Its event's data has had its time: there is nothing to send.
    Emptied,
    /// The database did not do it.
    Db(DbError),
}

impl fmt::Display for ResendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("There is no such delivery in this project."),
            Self::UnderWay => f.write_str("This delivery is waiting or being sent already."),
            Self::WebhookDeleted => f.write_str("Its webhook was deleted, so there is nowhere to send it."),
            Self::WebhookOff => f.write_str("Its webhook is paused or disabled. Resume the webhook first."),
            Self::AllOff => f.write_str("Webhooks of this project are switched off. Switch them on first."),
            Self::Emptied => {
                f.write_str("The body of this delivery is no longer kept, so it cannot be sent again.")
            }
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl From<DbError> for ResendError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for ResendError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Makes a delivery due now, with its retries counted afresh and the same `webhook-id`. Wake the dispatcher afterwards.
///
/// One that waits for a retry goes out now instead of later; one that is due or being sent is refused.
pub fn resend(
    conn: &mut PgConnection,
    project: ProjectId,
    id: DeliveryId,
    now: OffsetDateTime,
) -> Result<Delivery, ResendError> {
    let delivery = find(conn, project, id)?.ok_or(ResendError::Gone)?;
    can_be_called(conn, project, delivery.webhook)?;
    if !projects::sends(conn, project)? {
        return Err(ResendError::AllOff);
    }
    bodies::hold(conn, delivery.event)?;
    if !events::has_data(conn, project, delivery.event)? {
        return Err(ResendError::Emptied);
    }
    if make_due(conn, project, &[id], now)? == 0 {
        return Err(ResendError::UnderWay);
    }
    find(conn, project, id)?.ok_or(ResendError::Gone)
}

/// What is to be sent to a webhook because a person or a program chose so, whatever it subscribes to.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Chosen {
    pub event: EventId,
    pub event_type: String,
    /// It was a test, and stays one.
    pub test: bool,
    pub webhook: WebhookId,
}

/// Makes the delivery of an event to a webhook due now; one that there is already by the rules of [`resend`]. Neither
/// subscription nor filter is asked. Wake the dispatcher afterwards.
pub fn send_chosen(
    conn: &mut PgConnection,
    project: ProjectId,
    chosen: Chosen,
    now: OffsetDateTime,
) -> Result<Delivery, ResendError> {
    // Nobody turns a switch meanwhile.
    diesel::sql_query("select from projects where id = $1 for share")
        .bind::<SqlUuid, _>(project)
        .execute(conn)?;
    let id = delivery_id(chosen.event, chosen.webhook);
    if find(conn, project, id)?.is_some() {
        return resend(conn, project, id, now);
    }
    can_be_called(conn, project, chosen.webhook)?;
    if !projects::sends(conn, project)? {
        return Err(ResendError::AllOff);
    }
    bodies::hold(conn, chosen.event)?;
    if !events::has_data(conn, project, chosen.event)? {
        return Err(ResendError::Emptied);
    }
    let delivery = NewDelivery {
        project,
        id,
        event: chosen.event,
        webhook: chosen.webhook,
        event_type: chosen.event_type,
        status: Status::Due,
        due_at: Some(now),
        claimed_by: None,
    };
    insert(conn, &[delivery])?;
    if chosen.test {
        // The statement for many is on the hot path, where no test comes by: it knows nothing of them.
        diesel::update(deliveries::table.find((project, id))).set(deliveries::test.eq(true)).execute(conn)?;
    }
    find(conn, project, id)?.ok_or(ResendError::Gone)
}

/// What became of one of several that were to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resent {
    /// It is due now.
    Due,
    /// It is delivered, and such are left out.
    Delivered,
    /// Its webhook is paused or disabled.
    WebhookOff,
    /// Its webhook was deleted.
    WebhookDeleted,
    /// Its event's data, or all of it, has had its time.
    NotKept,
    /// It waits or is being sent already.
    UnderWay,
    /// There is one already, where one was to be made.
    Made,
    /// Somebody else has it at this moment: try again.
    Later,
}

/// Makes some deliveries due now by the rules of [`resend`], in the order given, and tells what became of each. None if
/// bodies of their days are being emptied: try again. Whether the project sends at all is the caller's to ask; wake the
/// dispatcher afterwards.
///
/// Waits for nobody, so that it can be called with a thousand.
pub fn resend_some(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: &[DeliveryId],
    skips_delivered: bool,
    now: OffsetDateTime,
) -> Result<Option<Vec<(DeliveryId, Resent)>>, DbError> {
    let named =
        deliveries::table.filter(deliveries::project_id.eq(project)).filter(deliveries::id.eq_any(ids));
    let columns = (deliveries::id, deliveries::event_id, deliveries::webhook_id, deliveries::status);
    let locked: Vec<(DeliveryId, EventId, WebhookId, i16)> =
        named.order(deliveries::id).select(columns).for_update().skip_locked().load(conn)?;
    let days = locked.iter().map(|(_, event, ..)| ids::time_of(event.0).date()).collect();
    if !bodies::try_hold(conn, &days)? {
        return Ok(None);
    }
    let kept = events::with_data(conn, project, locked.iter().map(|(_, event, ..)| *event).collect())?;
    let mut hindrances = HashMap::new();
    for webhook in locked.iter().map(|(_, _, webhook, _)| *webhook).collect::<HashSet<_>>() {
        let hindrance = match can_be_called(conn, project, webhook) {
            Ok(()) => None,
            Err(ResendError::WebhookOff) => Some(Resent::WebhookOff),
            Err(ResendError::Db(error)) => return Err(error),
            Err(_) => Some(Resent::WebhookDeleted),
        };
        hindrances.insert(webhook, hindrance);
    }
    let verdict = |(id, event, webhook, status): (DeliveryId, EventId, WebhookId, i16)| {
        let resent = match Status::of_number(status) {
            Status::Due | Status::Sending => Resent::UnderWay,
            Status::Delivered if skips_delivered => Resent::Delivered,
            _ => match hindrances.get(&webhook).copied().flatten() {
                Some(hindrance) => hindrance,
                None if kept.contains(&event) => Resent::Due,
                None => Resent::NotKept,
            },
        };
        (id, resent)
    };
    let mut verdicts: HashMap<DeliveryId, Resent> = locked.into_iter().map(verdict).collect();
    unlocked(conn, project, ids, &mut verdicts)?;
    let resent: Vec<(DeliveryId, Resent)> =
        ids.iter().filter_map(|id| verdicts.get(id).map(|verdict| (*id, *verdict))).collect();
    let due: Vec<DeliveryId> =
        resent.iter().filter(|(_, verdict)| *verdict == Resent::Due).map(|(id, _)| *id).collect();
    make_due(conn, project, &due, now)?;
    Ok(Some(resent))
}

/// The same of those that could not be locked: somebody has them, they have no row yet, or no more.
fn unlocked(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: &[DeliveryId],
    verdicts: &mut HashMap<DeliveryId, Resent>,
) -> Result<(), DbError> {
    let rest: Vec<DeliveryId> = ids.iter().filter(|id| !verdicts.contains_key(id)).copied().collect();
    if rest.is_empty() {
        return Ok(());
    }
    // Those without a row are looked for first: one that gets its row meanwhile is found there.
    let in_memory: HashSet<DeliveryId> =
        without_row(conn, project)?.into_iter().map(|delivery| delivery.id).collect();
    let there = statuses(conn, project, &rest)?;
    for id in rest {
        let verdict = match (there.contains_key(&id), in_memory.contains(&id)) {
            (true, _) => Resent::Later,
            (false, true) => Resent::UnderWay,
            (false, false) => Resent::NotKept,
        };
        verdicts.insert(id, verdict);
    }
    Ok(())
}

/// How some deliveries stand. One that is not named has no row yet, or no more.
pub fn statuses(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: &[DeliveryId],
) -> Result<HashMap<DeliveryId, Status>, DbError> {
    let named =
        deliveries::table.filter(deliveries::project_id.eq(project)).filter(deliveries::id.eq_any(ids));
    let rows: Vec<(DeliveryId, i16)> = named.select((deliveries::id, deliveries::status)).load(conn)?;
    Ok(rows.into_iter().map(|(id, status)| (id, Status::of_number(status))).collect())
}

pub(super) fn can_be_called(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
) -> Result<(), ResendError> {
    let webhook = webhooks::find(conn, project, webhook)?.ok_or(ResendError::WebhookDeleted)?;
    if webhook.settings.active { Ok(()) } else { Err(ResendError::WebhookOff) }
}

/// Due since now, each a little after the one before, so that they go out in this order. Those under way stay as they
/// are. Answers how many are due.
fn make_due(
    conn: &mut PgConnection,
    project: ProjectId,
    ids: &[DeliveryId],
    now: OffsetDateTime,
) -> Result<usize, DbError> {
    Ok(diesel::sql_query(
        "update deliveries d set status = 0, retries_used = 0, ended_at = null, \
         due_at = $3 - (cardinality($2) - n.place) * interval '1 microsecond' \
         from unnest($2) with ordinality n (id, place) \
         where d.project_id = $1 and d.id = n.id and d.id = any($2) and d.status not in (0, 1)",
    )
    .bind::<SqlUuid, _>(project)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Timestamptz, _>(now)
    .execute(conn)?)
}
