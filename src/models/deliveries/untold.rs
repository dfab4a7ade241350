//! Why an event went to some webhooks and not to others.
use std::collections::HashSet;

use diesel::PgConnection;
use serde::Deserialize;

use super::Delivery;
use crate::base::db::DbError;
use crate::base::ids::WebhookId;
use crate::models::events::Event;
use crate::models::webhooks;

/// Why a webhook got no delivery of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It was paused when the event arrived.
    Paused,
    /// It had been disabled when the event arrived.
    Disabled,
    /// Its filter did not take the event's data when the event arrived.
    Filter,
    /// Its host was not among those that the project sends to when the event arrived.
    HostNotAllowed,
    /// It does not subscribe to the type (or did not when the event arrived).
    NotSubscribed,
    /// It was created after the event arrived.
    CreatedLater,
}

impl Reason {
    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Filter => "filter",
            Self::HostNotAllowed => "host_not_allowed",
            Self::NotSubscribed => "not_subscribed",
            Self::CreatedLater => "created_later",
        }
    }
}

/// A webhook that got nothing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Untold {
    /// Which.
    #[serde(rename = "webhook_id")]
    pub webhook: WebhookId,
    /// Why.
    pub reason: Reason,
}

/// The webhooks that got no delivery of an event: those noted when it arrived, and those that exist now.
/// A test was meant for one webhook: it has none.
pub fn untold(conn: &mut PgConnection, event: &Event, made: &[Delivery]) -> Result<Vec<Untold>, DbError> {
    if event.test {
        return Ok(Vec::new());
    }
    let mut untold: Vec<Untold> = event.skipped.as_deref().map(noted).unwrap_or_default();
    // What was missed may have been sent later.
    untold.retain(|noted| made.iter().all(|delivery| delivery.webhook != noted.webhook));
    let told: HashSet<WebhookId> =
        made.iter().map(|delivery| delivery.webhook).chain(untold.iter().map(|u| u.webhook)).collect();
    // The id knows the time of arrival; `created_at` may be the caller's own.
    let arrived = crate::base::ids::millis_of(event.payload.id.0);
    for webhook in webhooks::list(conn, event.payload.project)? {
        if told.contains(&webhook.id) {
            continue;
        }
        let later = crate::base::ids::millis_of(webhook.id.0) > arrived;
        let reason = if later { Reason::CreatedLater } else { Reason::NotSubscribed };
        untold.push(Untold { webhook: webhook.id, reason });
    }
    Ok(untold)
}

fn noted(json: &str) -> Vec<Untold> {
    serde_json::from_str(json).unwrap_or_default()
}
