//! Why an event went to some webhooks and not to others.
use std::collections::{HashMap, HashSet};

use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Delivery;
use super::history::same_millisecond;
use crate::base::db::DbError;
use crate::base::ids::{self, EventId, ProjectId, WebhookId};
use crate::models::events::{self, Event, Summary};
use crate::models::search;
use crate::models::webhooks::{self, Webhook};

/// Why a webhook got no delivery of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
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

    /// A sentence about the webhook.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Paused => "It was paused when the event arrived.",
            Self::Disabled => "It was disabled when the event arrived.",
            Self::Filter => {
                "A condition of its filter did not hold for the data of this event when it arrived."
            }
            Self::HostNotAllowed => {
                "Its host was not among those that this project sends to when the event arrived."
            }
            Self::NotSubscribed => "It does not take events of this type.",
            Self::CreatedLater => "It did not exist yet.",
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
    /// Since when it is paused or disabled, if it still is and was when the event arrived.
    #[serde(skip)]
    pub since: Option<OffsetDateTime>,
}

/// The webhooks that got no delivery of an event: those noted when it arrived, and those that exist now.
/// A test was meant for one webhook: it has none.
pub fn untold(conn: &mut PgConnection, event: &Event, made: &[Delivery]) -> Result<Vec<Untold>, DbError> {
    if event.test {
        return Ok(Vec::new());
    }
    let webhooks = webhooks::list(conn, event.payload.project)?;
    let made: HashSet<WebhookId> = made.iter().map(|delivery| delivery.webhook).collect();
    Ok(untold_of(event.payload.id, event.skipped.as_deref(), &made, &webhooks))
}

/// Of the events that made no delivery when they arrived, tests aside: who would have got one and why they did not.
/// None for one that was sent later after all.
pub fn silences(
    conn: &mut PgConnection,
    project: ProjectId,
    events: &[Summary],
) -> Result<HashMap<EventId, Option<Vec<Untold>>>, DbError> {
    let silent: Vec<&Summary> = events.iter().filter(|event| event.deliveries == 0 && !event.test).collect();
    if silent.is_empty() {
        return Ok(HashMap::new());
    }
    let told = told_later(conn, project, silent.iter().map(|event| event.id))?;
    let webhooks = webhooks::list(conn, project)?;
    let of = |event: &&Summary| {
        let untold = || untold_of(event.id, event.skipped.as_deref(), &HashSet::new(), &webhooks);
        (event.id, (!told.contains(&event.id)).then(untold))
    };
    Ok(silent.iter().map(of).collect())
}

/// A page of the events that reached nobody; `filter.reached` is set here. Those that were sent later after all are left
/// out, so that a page may be short and go on.
pub fn reached_nobody(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &events::Filter,
    limit: i64,
    now: OffsetDateTime,
) -> Result<events::Page, DbError> {
    let filter = events::Filter { reached: Some(false), ..filter.clone() };
    let mut page = search::list(conn, project, &filter, limit, now)?;
    let told = told_later(conn, project, page.events.iter().map(|event| event.id))?;
    if !told.is_empty() {
        let is_full = page.events.len() as u64 >= limit.unsigned_abs();
        let last = page.events.last().map(|event| event.id).filter(|_| is_full);
        page.stopped_at = page.stopped_at.or(last);
        page.events.retain(|event| !told.contains(&event.id));
    }
    Ok(page)
}

/// Those of some events that have a delivery.
fn told_later(
    conn: &mut PgConnection,
    project: ProjectId,
    events: impl Iterator<Item = EventId>,
) -> Result<HashSet<EventId>, DbError> {
    #[derive(QueryableByName)]
    struct Told {
        #[diesel(sql_type = SqlUuid)]
        event_id: EventId,
    }
    let (mut ids, mut from, mut below) = (Vec::new(), Vec::<Uuid>::new(), Vec::<Uuid>::new());
    for event in events {
        let (first, end) = same_millisecond(event);
        ids.push(event);
        from.push(first.0);
        below.push(end.0);
    }
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let asked = diesel::sql_query(
        "select w.event_id from unnest($2, $3, $4) w (event_id, first, below) cross join lateral \
         (select 1 from deliveries d where d.project_id = $1 and d.id >= w.first and d.id < w.below \
          and d.event_id = w.event_id limit 1) d",
    );
    let told: Vec<Told> = asked
        .bind::<SqlUuid, _>(project)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(from)
        .bind::<Array<SqlUuid>, _>(below)
        .load(conn)?;
    Ok(told.into_iter().map(|told| told.event_id).collect())
}

fn untold_of(
    event: EventId,
    skipped: Option<&str>,
    made: &HashSet<WebhookId>,
    webhooks: &[Webhook],
) -> Vec<Untold> {
    let mut untold: Vec<Untold> = skipped.map(noted).unwrap_or_default();
    // What was missed may have been sent later.
    untold.retain(|noted| !made.contains(&noted.webhook));
    // The id knows the time of arrival; `created_at` may be the caller's own.
    let arrived = ids::time_of(event.0);
    for noted in &mut untold {
        noted.since = webhooks.iter().find(|webhook| webhook.id == noted.webhook).and_then(|webhook| {
            let off_since = match noted.reason {
                Reason::Disabled => webhook.disabled.as_ref().map(|disabled| disabled.at),
                Reason::Paused => webhook.off_since.filter(|_| webhook.disabled.is_none()),
                _ => None,
            };
            off_since.filter(|since| *since <= arrived)
        });
    }
    let told: HashSet<WebhookId> = made.iter().copied().chain(untold.iter().map(|u| u.webhook)).collect();
    for webhook in webhooks.iter().filter(|webhook| !told.contains(&webhook.id)) {
        let later = ids::millis_of(webhook.id.0) > ids::millis_of(event.0);
        let reason = if later { Reason::CreatedLater } else { Reason::NotSubscribed };
        untold.push(Untold { webhook: webhook.id, reason, since: None });
    }
    untold
}

fn noted(json: &str) -> Vec<Untold> {
    serde_json::from_str(json).unwrap_or_default()
}

/// What keeps a held delivery back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldBy {
    /// Its webhook was disabled.
    Disabled,
    /// Its webhook's maintenance window.
    Maintenance,
    /// Its webhook is paused.
    Paused,
    /// All webhooks of the project are, or were, switched off.
    AllOff,
}

impl HeldBy {
    /// What holds deliveries to this webhook.
    pub fn of(webhook: Option<&Webhook>) -> Self {
        match webhook {
            Some(webhook) if webhook.disabled.is_some() => Self::Disabled,
            Some(webhook) if webhook.in_maintenance => Self::Maintenance,
            Some(webhook) if !webhook.settings.active => Self::Paused,
            _ => Self::AllOff,
        }
    }

    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Maintenance => "maintenance",
            Self::Paused => "paused",
            Self::AllOff => "all_off",
        }
    }

    /// Two sentences: what keeps it back, and what lets it go.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Disabled => {
                "Its webhook was disabled. Switching it on again offers to send or to cancel what was held."
            }
            Self::Maintenance => "Its webhook is in its maintenance window. It goes out when that ends.",
            Self::Paused => "Its webhook is paused. Resuming it offers to send or to cancel what was held.",
            Self::AllOff => "Webhooks of this project were switched off. It goes out once they are on again.",
        }
    }
}
