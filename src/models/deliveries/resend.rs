//! Sending a delivery again by hand.
use std::fmt;

use diesel::prelude::*;
use time::OffsetDateTime;

use super::{Delivery, Status, bodies, find};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId};
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
    let webhook = webhooks::find(conn, project, delivery.webhook)?.ok_or(ResendError::WebhookDeleted)?;
    if !webhook.settings.active {
        return Err(ResendError::WebhookOff);
    }
    if !projects::sends(conn, project)? {
        return Err(ResendError::AllOff);
    }
    bodies::hold(conn, delivery.event)?;
    if !events::has_data(conn, project, delivery.event)? {
        return Err(ResendError::Emptied);
    }
    let busy = [Status::Due.number(), Status::Sending.number()];
    let changed =
        diesel::update(deliveries::table.find((project, id)).filter(deliveries::status.ne_all(busy)))
            .set((
                deliveries::status.eq(Status::Due.number()),
                deliveries::due_at.eq(now),
                deliveries::retries_used.eq(0),
                deliveries::ended_at.eq(None::<OffsetDateTime>),
            ))
            .execute(conn)?;
    if changed == 0 {
        return Err(ResendError::UnderWay);
    }
    find(conn, project, id)?.ok_or(ResendError::Gone)
}
