//! Past events to one webhook, as a replay is asked for them.
use diesel::PgConnection;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::lists::Parameters;
use super::problem::FieldProblem;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, WebhookId};
use crate::models::replays::{CountedEvents, PastEvents};
use crate::models::webhooks;
use crate::rules::body::iso_ms;

const KNOWN: [&str; 4] = ["webhook_id", "event_type", "since", "until"];

/// What is asked for, before it is known what the webhook takes.
#[derive(Clone, Debug)]
pub(super) struct AskedEvents {
    webhook: WebhookId,
    types: Vec<String>,
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
}

/// Reads `{webhook_id, event_type?, since?, until?}`.
pub(super) fn read(object: &Map<String, Value>, problems: &mut Vec<FieldProblem>) -> Option<AskedEvents> {
    let mut given = Parameters::of_object(object, &KNOWN);
    let webhook = given.one("webhook_id", "a webhook's id", |id| id.parse().ok());
    let is_missing = given.text("webhook_id").is_none();
    let types = given.each("event_type", "an event type", |name| Some(name.to_owned()));
    let (since, until) = (given.moment("since"), given.moment("until"));
    problems.extend(given.problems_below("/events"));
    if is_missing {
        problems.push(FieldProblem::new("/events/webhook_id", "Say which webhook is to get them."));
    }
    Some(AskedEvents { webhook: webhook?, types, since, until })
}

/// The same with what the webhook takes as it is set now, or what is wrong.
pub(super) fn resolved(
    conn: &mut PgConnection,
    project: ProjectId,
    asked: AskedEvents,
    now: OffsetDateTime,
) -> Result<Result<PastEvents, FieldProblem>, DbError> {
    let Some(webhook) = webhooks::find(conn, project, asked.webhook)? else {
        let message = "There is no such webhook in this project.";
        return Ok(Err(FieldProblem::new("/events/webhook_id", message)));
    };
    let wrong = |foreign: Vec<String>| {
        let message = format!("The webhook does not take {}.", foreign.join(", "));
        FieldProblem::new("/events/event_type", message)
    };
    Ok(PastEvents::of(&webhook, asked.types, (asked.since, asked.until), now).map_err(wrong))
}

/// As it was frozen when the replay was made.
pub(super) fn told(events: &PastEvents) -> Value {
    json!({
        "webhook_id": events.webhook,
        "event_type": events.types,
        "filter": events.filter,
        "since": events.since.map(iso_ms),
        "until": iso_ms(events.until),
    })
}

/// What there is to send at this moment.
pub(super) fn counted(counted: &CountedEvents) -> Value {
    json!({
        "matched": counted.matched,
        "matched_more": counted.is_more,
        "delivered": 0,
        "under_way": 0,
        "existing": counted.existing,
        "not_kept": counted.not_kept,
    })
}
