//! Events out: `GET /v1/events` and `GET /v1/events/{id}`.
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use serde_json::json;

use super::deliveries::family;
use super::events_out;
use super::key::EventsKey;
use super::lists::{Parameters, page};
use super::problem::Problem;
use super::shapes;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::EventId;
use crate::models::events::{self, Filter, Page};
use crate::models::{deliveries, event_types, search};
use crate::rules::catalogue::{self, words};

/// What a list may be narrowed by.
const KNOWN: [&str; 7] = ["type", "event_family", "test", "reached", "since", "until", "q"];

/// `GET /v1/events` with any of the parameters above. A page may be short, or empty, and have a next one: see
/// [`search::list`].
pub async fn list(
    key: EventsKey,
    (db, clock): (Data<Db>, Data<Clock>),
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut given = Parameters::of(&request, &KNOWN);
    let mut filter = Filter {
        types: given.each("type", "an event type", |name| Some(name.to_owned())),
        test: given.one("test", "true or false", |word| word.parse().ok()),
        reached: given.one("reached", "somebody or nobody", reached),
        since: given.moment("since"),
        until: given.moment("until"),
        before: given.cursor(),
        ..Filter::default()
    };
    let families = given.each("event_family", "an event family", family);
    let limit = given.limit();
    given.q(|text| filter.search_for(text));
    given.checked()?;
    let (project, now) = (key.0.project, clock.now());
    let found = db
        .run(move |conn| -> Result<_, DbError> {
            let own = event_types::names(conn, project)?;
            let Some(types) = words::narrowed(std::mem::take(&mut filter.types), &families, &own) else {
                return Ok(Page::default());
            };
            filter.types = types;
            match filter.reached {
                Some(false) => deliveries::reached_nobody(conn, project, &filter, limit + 1, now),
                _ => search::list(conn, project, &filter, limit + 1, now),
            }
        })
        .await?;
    let cursor = |row: &events::Summary| row.id.with_prefix(catalogue::id_prefix(&row.event_type));
    let mut answer = page(found.events, limit, cursor, shapes::event_summary);
    if let Some(id) = found.stopped_at.filter(|_| answer["next_cursor"].is_null()) {
        answer["next_cursor"] = json!(id.with_prefix("ev_"));
    }
    Ok(HttpResponse::Ok().json(answer))
}

fn reached(word: &str) -> Option<bool> {
    match word {
        "somebody" => Some(true),
        "nobody" => Some(false),
        _ => None,
    }
}

/// `GET /v1/events/{id}`.
pub async fn one(key: EventsKey, db: Data<Db>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: EventId = id.parse().map_err(|_| Problem::not_found("event"))?;
    let project = key.0.project;
    let found = db.run(move |conn| events_out::load(conn, project, id)).await?;
    match found {
        Some(value) => Ok(HttpResponse::Ok().json(value)),
        None => Err(Problem::not_found("event")),
    }
}
