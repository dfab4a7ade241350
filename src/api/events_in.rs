//! Events in: `POST /v1/events` and `POST /v1/events/batch`.
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Payload};
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::body::{self, Items, Members};
use super::key::EventsKey;
use super::problem::{ERRORS_MAX, FieldProblem, Problem};
use super::shapes;
use crate::base::clock::Clock;
use crate::ingest::{Ingest, Posted};
use crate::models::projects::keys::Key;
use crate::rules::body::{BodyErrorKind, EventSource, canonical};
use crate::rules::catalogue;

/// One event's body.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
/// A batch's body.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Events in a batch.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// Characters of an id of the caller's.
pub const ID_CHARS_MAX: usize = 128;
/// How far back `created_at` may lie.
pub const BACKDATE_MAX: Duration = Duration::days(30);
/// How far ahead: clocks differ.
const AHEAD_MAX: Duration = Duration::minutes(5);

const KNOWN: [&str; 6] = ["type", "data", "id", "entity_id", "group_id", "created_at"];

/// `POST /v1/events`: 202 once the event and its deliveries are on disk; 200 if this id was accepted before.
pub async fn post(
    key: EventsKey,
    ingest: Data<Ingest>,
    clock: Data<Clock>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, EVENT_BYTES_MAX).await?;
    let members: Members<'_> = body::parse(&body, body::NO_OBJECT)?;
    let posted = check(&members, &body, "", &key.0, clock.now()).map_err(Problem::wrong)?;
    let external_id = posted.external_id.clone();
    let accepted = ingest.accept(vec![posted]).await?;
    let Some(first) = accepted.first() else { return Err(Problem::internal(&"no answer for an event")) };
    let mut answer = if first.is_new { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    Ok(answer.json(shapes::accepted(first, external_id.as_deref())))
}

/// `POST /v1/events/batch`: all of up to 1,000 events, or none.
pub async fn post_batch(
    key: EventsKey,
    ingest: Data<Ingest>,
    clock: Data<Clock>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, BATCH_BYTES_MAX).await?;
    let items: Items<'_, BATCH_EVENTS_MAX> = body::parse(&body, "A batch is a JSON array of events.")?;
    let (items, total) = (items.kept, items.total);
    if items.is_empty() || total > BATCH_EVENTS_MAX {
        let message = format!("A batch is an array of 1 to {BATCH_EVENTS_MAX} events; this one has {total}.");
        return Err(Problem::wrong(vec![FieldProblem::new("", message)]));
    }
    let now = clock.now();
    let mut posted = Vec::with_capacity(items.len());
    let mut problems = Vec::new();
    for (n, item) in items.iter().enumerate() {
        match check_item(item, &body, n, &key.0, now) {
            Ok(event) => posted.push(event),
            Err(found) => problems.extend(found),
        }
        if problems.len() > ERRORS_MAX {
            break;
        }
    }
    if !problems.is_empty() {
        return Err(Problem::wrong(problems));
    }
    let external_ids: Vec<Option<String>> = posted.iter().map(|event| event.external_id.clone()).collect();
    let accepted = ingest.accept(posted).await?;
    Ok(HttpResponse::Accepted().json(shapes::accepted_batch(&accepted, &external_ids)))
}

fn check_item(
    item: &RawValue,
    body: &Bytes,
    n: usize,
    key: &Key,
    now: OffsetDateTime,
) -> Result<Posted, Vec<FieldProblem>> {
    let at = format!("/{n}");
    if item.get().len() > EVENT_BYTES_MAX {
        let message = format!("An event is at most {} KiB.", EVENT_BYTES_MAX / 1024);
        return Err(vec![FieldProblem::new(at, message)]);
    }
    match serde_json::from_str::<Members<'_>>(item.get()) {
        Ok(members) => check(&members, body, &at, key, now),
        Err(_) => Err(vec![FieldProblem::new(at, "An event must be a JSON object.")]),
    }
}

/// Turns an object into an event; all problems at once, with pointers under `at`.
fn check(
    members: &Members<'_>,
    body: &Bytes,
    at: &str,
    key: &Key,
    now: OffsetDateTime,
) -> Result<Posted, Vec<FieldProblem>> {
    let mut problems = members.unknown(&KNOWN, at);
    let mut text = |name: &str| match members.get(name).filter(|raw| raw.get() != "null") {
        None => None,
        Some(raw) => match id_text(raw) {
            Ok(text) => Some(text),
            Err(message) => {
                problems.push(FieldProblem::new(format!("{at}/{name}"), message));
                None
            }
        },
    };
    let (event_type, external_id, entity_id, group) =
        (text("type"), text("id"), text("entity_id"), text("group_id"));
    let created_at = text("created_at");
    let missing = members.get("type").is_none_or(|raw| raw.get() == "null");
    if missing {
        problems.push(FieldProblem::new(
            format!("{at}/type"),
            "Say which event type it is, such as redemption.succeeded.",
        ));
    }
    if let Some(name) = event_type.as_deref().filter(|name| catalogue::find(name).is_none()) {
        problems.push(FieldProblem::new(format!("{at}/type"), unknown_type(name)));
    }
    let created_at = created_at.and_then(|text| match moment(&text, now) {
        Ok(at) => Some(at),
        Err(message) => {
            problems.push(FieldProblem::new(format!("{at}/created_at"), message));
            None
        }
    });
    let data = match members.get("data") {
        None => Err("Give the event's data: a JSON object.".to_owned()),
        Some(raw) => canonical_data(raw, body),
    };
    let data = data.map_err(|message| problems.push(FieldProblem::new(format!("{at}/data"), message)));
    match (data, event_type) {
        (Ok(data), Some(event_type)) if problems.is_empty() => Ok(Posted {
            project: key.project,
            event_type,
            data,
            external_id,
            entity_id,
            group,
            created_at,
            source: source(key),
        }),
        _ => Err(problems),
    }
}

fn id_text(raw: &RawValue) -> Result<String, String> {
    let text: String = serde_json::from_str(raw.get()).map_err(|_| "This must be a string.".to_owned())?;
    let chars = text.chars().count();
    if chars == 0 || chars > ID_CHARS_MAX {
        return Err(format!("This has 1 to {ID_CHARS_MAX} characters."));
    }
    if text.chars().any(char::is_control) {
        return Err("This must not hold control characters.".to_owned());
    }
    Ok(text)
}

fn moment(text: &str, now: OffsetDateTime) -> Result<OffsetDateTime, String> {
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "This is a time as in 2026-01-31T12:00:00Z (RFC 3339).".to_owned())?;
    if at < now - BACKDATE_MAX || at > now + AHEAD_MAX {
        let days = BACKDATE_MAX.whole_days();
        return Err(format!("This lies at most {days} days back and not in the future."));
    }
    Ok(at)
}

/// Data that is a smaller part of its request's body than one of so many is copied.
const PART_MIN: usize = 2;

/// Compact, in the form that JavaScript prints; without a copy if it is that already and most of the body.
pub(super) fn canonical_data(raw: &RawValue, body: &Bytes) -> Result<Bytes, String> {
    match canonical(raw.get().as_bytes()) {
        // A small part of a large body would keep the whole of it in memory until it is sent.
        Ok(std::borrow::Cow::Borrowed(same)) if same.len() * PART_MIN < body.len() => {
            Ok(Bytes::copy_from_slice(same))
        }
        Ok(std::borrow::Cow::Borrowed(same)) => Ok(body.slice_ref(same)),
        Ok(std::borrow::Cow::Owned(rewritten)) => Ok(Bytes::from(rewritten)),
        Err(error) if error.kind == BodyErrorKind::NotAnObject => {
            Err("This must be a JSON object.".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn unknown_type(name: &str) -> String {
    let nearest = catalogue::nearest(name, 3);
    if nearest.is_empty() {
        return format!("There is no event type \"{name}\". GET /v1/event-types lists them.");
    }
    format!("There is no event type \"{name}\". Did you mean {}?", nearest.join(", "))
}

/// The envelope's `event_source` for what came with an API key.
pub(super) fn source(key: &Key) -> String {
    EventSource::Api { key_name: key.name.clone(), app_id: key.app_id.to_string() }.to_json()
}
