//! Events in: `POST /v1/events` and `POST /v1/events/batch`.
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Payload};
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::body::{self, Items, Members};
use super::event_types::unknown_type;
use super::key::EventsKey;
use super::problem::{ERRORS_MAX, FieldProblem, Problem};
use super::shapes;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::ProjectId;
use crate::ingest::{AcceptError, Ingest, Posted};
use crate::models::event_types;
use crate::models::projects::keys::Key;
use crate::rules::body::{BodyErrorKind, EventSource, canonical};
use crate::rules::catalogue;
use crate::rules::catalogue::own::{OwnNames, is_own};

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
    (ingest, db): (Data<Ingest>, Data<Db>),
    clock: Data<Clock>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, EVENT_BYTES_MAX).await?;
    let members: Members<'_> = body::parse(&body, body::NO_OBJECT)?;
    let posted = match check(&members, &body, "", &key.0, clock.now()) {
        Ok(posted) => posted,
        Err(wrongs) => return Err(told(&db, key.0.project, wrongs).await),
    };
    let external_id = posted.external_id.clone();
    let accepted = match ingest.accept(vec![posted]).await {
        Err(AcceptError::UnknownTypes(unknown)) => {
            let wrongs = unknown.into_iter().map(|(_, name)| Wrong::unknown("", name));
            return Err(told(&db, key.0.project, wrongs.collect()).await);
        }
        accepted => accepted?,
    };
    let Some(first) = accepted.first() else { return Err(Problem::internal(&"no answer for an event")) };
    let mut answer = if first.is_new { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    Ok(answer.json(shapes::accepted(first, external_id.as_deref())))
}

/// `POST /v1/events/batch`: all of up to 1,000 events, or none.
pub async fn post_batch(
    key: EventsKey,
    (ingest, db): (Data<Ingest>, Data<Db>),
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
    let posted = match check_items(&items, &body, &key.0, clock.now()) {
        Ok(posted) => posted,
        Err(wrongs) => return Err(told(&db, key.0.project, wrongs).await),
    };
    let external_ids: Vec<Option<String>> = posted.iter().map(|event| event.external_id.clone()).collect();
    let accepted = match ingest.accept(posted).await {
        Err(AcceptError::UnknownTypes(unknown)) => {
            let wrongs = unknown.into_iter().map(|(n, name)| Wrong::unknown(&format!("/{n}"), name));
            return Err(told(&db, key.0.project, wrongs.take(ERRORS_MAX + 1).collect()).await);
        }
        accepted => accepted?,
    };
    Ok(HttpResponse::Accepted().json(shapes::accepted_batch(&accepted, &external_ids)))
}

/// What is wrong with an event.
enum Wrong {
    Field(FieldProblem),
    /// There is no type of this name: the nearest are told with it.
    UnknownType {
        pointer: String,
        name: String,
    },
}

impl Wrong {
    /// Of the event at the pointer `at`.
    fn unknown(at: &str, name: String) -> Self {
        Self::UnknownType { pointer: format!("{at}/type"), name }
    }
}

/// What is wrong, as the caller is told. Only for a type that is unknown the project's own are looked up.
async fn told(db: &Db, project: ProjectId, wrongs: Vec<Wrong>) -> Problem {
    let all = |wrongs: Vec<Wrong>, own: &OwnNames| {
        let told = |wrong| match wrong {
            Wrong::Field(problem) => problem,
            Wrong::UnknownType { pointer, name } => FieldProblem::new(pointer, unknown_type(&name, own)),
        };
        Problem::wrong(wrongs.into_iter().map(told).collect())
    };
    if !wrongs.iter().any(|wrong| matches!(wrong, Wrong::UnknownType { .. })) {
        return all(wrongs, &OwnNames::default());
    }
    // Comparing names takes a while when there are many, so it is done where it may.
    let run =
        db.run(move |conn| -> Result<_, DbError> { Ok(all(wrongs, &event_types::names(conn, project)?)) });
    run.await.unwrap_or_else(Problem::from)
}

/// All events of a batch, or what is wrong with them, as much of it as is told.
fn check_items(
    items: &[&RawValue],
    body: &Bytes,
    key: &Key,
    now: OffsetDateTime,
) -> Result<Vec<Posted>, Vec<Wrong>> {
    let mut posted = Vec::with_capacity(items.len());
    let mut wrongs = Vec::new();
    for (n, item) in items.iter().enumerate() {
        match check_item(item, body, n, key, now) {
            Ok(event) => posted.push(event),
            Err(found) => wrongs.extend(found),
        }
        if wrongs.len() > ERRORS_MAX {
            break;
        }
    }
    if wrongs.is_empty() { Ok(posted) } else { Err(wrongs) }
}

fn check_item(
    item: &RawValue,
    body: &Bytes,
    n: usize,
    key: &Key,
    now: OffsetDateTime,
) -> Result<Posted, Vec<Wrong>> {
    let at = format!("/{n}");
    if item.get().len() > EVENT_BYTES_MAX {
        let message = format!("An event is at most {} KiB.", EVENT_BYTES_MAX / 1024);
        return Err(vec![Wrong::Field(FieldProblem::new(at, message))]);
    }
    match serde_json::from_str::<Members<'_>>(item.get()) {
        Ok(members) => check(&members, body, &at, key, now),
        Err(_) => Err(vec![Wrong::Field(FieldProblem::new(at, "An event must be a JSON object."))]),
    }
}

/// Turns an object into an event; all problems at once, with pointers under `at`.
fn check(
    members: &Members<'_>,
    body: &Bytes,
    at: &str,
    key: &Key,
    now: OffsetDateTime,
) -> Result<Posted, Vec<Wrong>> {
    let mut problems: Vec<Wrong> = members.unknown(&KNOWN, at).into_iter().map(Wrong::Field).collect();
    let wrong =
        |name: &str, message: String| Wrong::Field(FieldProblem::new(format!("{at}/{name}"), message));
    let mut text = |name: &str| match members.get(name).filter(|raw| raw.get() != "null") {
        None => None,
        Some(raw) => match id_text(raw) {
            Ok(text) => Some(text),
            Err(message) => {
                problems.push(wrong(name, message));
                None
            }
        },
    };
    let (event_type, external_id, entity_id, group) =
        (text("type"), text("id"), text("entity_id"), text("group_id"));
    let created_at = text("created_at");
    let missing = members.get("type").is_none_or(|raw| raw.get() == "null");
    if missing {
        problems.push(wrong("type", "Say which event type it is, such as redemption.succeeded.".to_owned()));
    }
    // Whether the project has a type of its own is known to the transaction that writes the event.
    let is_unknown = |name: &&str| catalogue::find(name).is_none() && !is_own(name);
    if let Some(name) = event_type.as_deref().filter(is_unknown) {
        problems.push(Wrong::unknown(at, name.to_owned()));
    }
    let created_at = created_at.and_then(|text| match moment(&text, now) {
        Ok(at) => Some(at),
        Err(message) => {
            problems.push(wrong("created_at", message));
            None
        }
    });
    let data = match members.get("data") {
        None => Err("Give the event's data: a JSON object.".to_owned()),
        Some(raw) => canonical_data(raw, body),
    };
    let data = data.map_err(|message| problems.push(wrong("data", message)));
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

/// The envelope's `event_source` for what came with an API key.
pub(super) fn source(key: &Key) -> String {
    EventSource::Api { key_name: key.name.clone(), app_id: key.app_id.to_string() }.to_json()
}
