//! Sending a delivery again with changes.
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::rows::{self, By, Resend};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, EventId, ProjectId, ResendId, WebhookId};
use crate::models::deliveries::{self, Chosen, Delivery, ResendError};
use crate::models::events::{self, NewEvent, Payload};
use crate::models::{projects, webhooks};
use crate::rules::name::has_unseen;

/// Why somebody sends something again with changes, in their words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

/// The text is no reason: shorter than 5 characters, longer than 500, or with what cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonFault;

impl fmt::Display for ReasonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Say why, in {} to {} characters.", Reason::CHARS_MIN, Reason::CHARS_MAX)
    }
}

impl std::error::Error for ReasonFault {}

impl Reason {
    /// The shortest, in characters.
    pub const CHARS_MIN: usize = 5;
    /// The longest.
    pub const CHARS_MAX: usize = 500;

    /// Reads one; several blanks and lines become one blank.
    pub fn read(text: &str) -> Result<Self, ReasonFault> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_long_enough = (Self::CHARS_MIN..=Self::CHARS_MAX).contains(&text.chars().count());
        if is_long_enough && !has_unseen(&text) { Ok(Self(text)) } else { Err(ReasonFault) }
    }
}

/// What is to be other than it was.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Another of the project's webhooks; none for the delivery's own.
    pub webhook: Option<WebhookId>,
    /// Other data for the event: a canonical JSON object within the limits of every event. None, or the same: as it was.
    pub data: Option<Bytes>,
    /// Why.
    pub reason: Reason,
}

/// Why a delivery was not sent again with changes. Nothing was written.
#[derive(Debug)]
pub enum SendError {
    /// The project has no such webhook to send to.
    NoWebhook,
    /// The webhook's host is not among those that the project sends to.
    Elsewhere,
    /// What is refused of every delivery.
    Refused(ResendError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWebhook => f.write_str("There is no such webhook in this project."),
            Self::Elsewhere => {
                f.write_str("The webhook's host is not among those that this project sends to.")
            }
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl From<ResendError> for SendError {
    fn from(error: ResendError) -> Self {
        Self::Refused(error)
    }
}

impl From<DbError> for SendError {
    fn from(error: DbError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<diesel::result::Error> for SendError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Refused(error.into())
    }
}

/// Sends a delivery again with changes and remembers it; call it in a transaction. Wake the dispatcher afterwards.
///
/// The same data are the same event: its delivery to the chosen webhook is made, or sent again if there is one. Other
/// data are an event of its own, alike but for its id and data, with just this delivery: no other webhook gets it,
/// whatever it subscribes to. What the chosen webhook subscribes to and filters is not asked.
pub fn send(
    conn: &mut PgConnection,
    project: ProjectId,
    of: DeliveryId,
    changes: Changes,
    by: By,
    now: OffsetDateTime,
) -> Result<(Delivery, Resend), SendError> {
    let delivery = deliveries::find(conn, project, of)?.ok_or(ResendError::Gone)?;
    let webhook = changes.webhook.unwrap_or(delivery.webhook);
    check(conn, project, webhook, changes.webhook.is_some())?;
    let event = events::find(conn, project, delivery.event)?.ok_or(ResendError::Emptied)?;
    let other_data = changes.data.filter(|data| *data != event.payload.data);
    let is_edited = other_data.is_some();
    let chosen = Chosen {
        event: match other_data {
            Some(data) => write_copy(conn, event.payload, data, event.test, now)?,
            None => delivery.event,
        },
        event_type: delivery.event_type,
        test: event.test,
        webhook,
    };
    let sent = deliveries::send_chosen(conn, project, chosen, now)?;
    let resend = Resend {
        id: ResendId::new(now),
        delivery: sent.id,
        event: sent.event,
        webhook,
        of_delivery: of,
        of_event: delivery.event,
        is_edited,
        reason: changes.reason.0,
        by,
        at: now,
    };
    rows::insert(conn, project, &resend)?;
    Ok((sent, resend))
}

/// Whether there may be a delivery to the webhook at all. Whether it is on is asked where it is made.
fn check(
    conn: &mut PgConnection,
    project: ProjectId,
    webhook: WebhookId,
    is_named: bool,
) -> Result<(), SendError> {
    let Some(webhook) = webhooks::find(conn, project, webhook)? else {
        return Err(if is_named { SendError::NoWebhook } else { ResendError::WebhookDeleted.into() });
    };
    let project = projects::find(conn, project)?.ok_or(ResendError::Gone)?;
    match webhooks::leads_elsewhere(&project.hosts(), &webhook.settings.target_url) {
        true => Err(SendError::Elsewhere),
        false => Ok(()),
    }
}

/// Writes an event like another one, with other data.
fn write_copy(
    conn: &mut PgConnection,
    original: Payload,
    data: Bytes,
    is_test: bool,
    now: OffsetDateTime,
) -> Result<EventId, DbError> {
    let payload = Arc::new(Payload { id: EventId::new(now), data, ..original });
    let id = payload.id;
    match is_test {
        true => events::insert_test(conn, &payload)?,
        false => {
            let event = NewEvent { payload, external_id: None, skipped: None, deliveries: 1 };
            events::insert(conn, &[event])?;
        }
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_and_is_no_essay() {
        assert_eq!(Reason::read("  wrong\r\n  amount "), Ok(Reason("wrong amount".to_owned())));
        for wrong in ["", "oops", "a\u{0}bcdef", &"x".repeat(501)] {
            assert_eq!(Reason::read(wrong), Err(ReasonFault), "{wrong:?}");
        }
        assert!(Reason::read(&"é".repeat(500)).is_ok());
    }
}
