//! Replays, which send many deliveries again: `/v1/replays`, `/v1/replays/{id}`, its items and its switches.
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use diesel::PgConnection;
use serde_json::json;
use time::OffsetDateTime;

use super::body;
use super::key::DeliveriesKey;
use super::lists::{Parameters, page};
use super::problem::{FieldProblem, Problem};
use super::project::SETTINGS_BYTES_MAX;
use super::replay_events;
use super::replay_fields::{self as fields, Source};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, ReplayId};
use crate::models::event_types;
use crate::models::replays::{self, Item, ItemState, Replay, SwitchError, Wanted};
use crate::rules::catalogue::words;

/// `POST /v1/replays`: 202 with the replay, which begins by itself; 200 with numbers if it is only to be counted.
pub async fn create(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, SETTINGS_BYTES_MAX).await?;
    let asked = fields::asked(&body::object(&body)?)?;
    let (project, now) = (key.0.project, clock.now());
    let (source, families) = (asked.source, asked.families);
    let wanted = db.run(move |conn| wanted(conn, project, source, &families, now)).await?;
    match wanted.map_err(|wrong| Problem::wrong(vec![wrong]))? {
        Wanted::Matching(filter) if asked.count_only => {
            let counted = db.run(move |conn| replays::count(conn, project, &filter, now)).await?;
            Ok(HttpResponse::Ok().json(fields::counted(&counted)))
        }
        Wanted::Events(events) if asked.count_only => {
            let counted = db.run(move |conn| replays::count_events(conn, project, &events)).await?;
            Ok(HttpResponse::Ok().json(replay_events::counted(&counted)))
        }
        wanted => {
            let create = move |conn: &mut PgConnection| -> Result<Replay, DbError> {
                replays::create(conn, project, wanted, asked.options, now)
            };
            Ok(HttpResponse::Accepted().json(fields::replay(&db.transaction(create).await?)))
        }
    }
}

/// What is to be sent, with what only the database knows; or what is wrong.
fn wanted(
    conn: &mut PgConnection,
    project: ProjectId,
    source: Source,
    families: &[String],
    now: OffsetDateTime,
) -> Result<Result<Wanted, FieldProblem>, DbError> {
    match source {
        Source::Events(asked) => {
            let events = replay_events::resolved(conn, project, asked, now)?;
            Ok(events.map(|events| Wanted::Events(Box::new(events))))
        }
        Source::Wanted(Wanted::Matching(mut filter)) if !families.is_empty() => {
            let own = event_types::names(conn, project)?;
            let Some(types) = words::narrowed(std::mem::take(&mut filter.types), families, &own) else {
                let message = "No type of `event_type` is in a family of `event_family`.";
                return Ok(Err(FieldProblem::new("/filter/event_family", message)));
            };
            filter.types = types;
            Ok(Ok(Wanted::Matching(filter)))
        }
        Source::Wanted(wanted) => Ok(Ok(wanted)),
    }
}

/// `GET /v1/replays?cursor=`: newest first.
pub async fn list(key: DeliveriesKey, db: Data<Db>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut given = Parameters::of(&request, &[]);
    let (before, limit) = (given.cursor(), given.limit());
    given.checked()?;
    let project = key.0.project;
    let rows = db.run(move |conn| replays::list(conn, project, before, limit + 1)).await?;
    Ok(HttpResponse::Ok().json(page(rows, limit, |row: &Replay| row.id.to_string(), fields::replay)))
}

/// `GET /v1/replays/{id}`.
pub async fn one(key: DeliveriesKey, db: Data<Db>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let replay = find(&db, key.0.project, &id).await?;
    Ok(HttpResponse::Ok().json(fields::replay(&replay)))
}

/// `GET /v1/replays/{id}/items?state=&cursor=`: what became of each delivery, newest event first.
pub async fn items(
    key: DeliveriesKey,
    db: Data<Db>,
    (request, id): (HttpRequest, Path<String>),
) -> Result<HttpResponse, Problem> {
    let mut given = Parameters::of(&request, &["state"]);
    let states = given.each("state", "a state of a delivery in a replay", ItemState::of_word);
    let (before, limit) = (given.cursor(), given.limit());
    given.checked()?;
    let project = key.0.project;
    let replay = find(&db, project, &id).await?.id;
    let state = states.first().copied();
    let load =
        move |conn: &mut PgConnection| replays::items(conn, (project, replay), state, before, limit + 1);
    let shape = |item: &Item| json!({ "delivery_id": item.delivery, "state": item.state.as_str() });
    let rows = db.run(load).await?;
    Ok(HttpResponse::Ok().json(page(rows, limit, |item: &Item| item.delivery.to_string(), shape)))
}

/// `POST /v1/replays/{id}/pause`: 200, and nothing more is handed over.
pub async fn pause(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    switch(&db, key.0.project, &id, clock.now(), replays::pause).await
}

/// `POST /v1/replays/{id}/resume`: 200, also after it stopped by itself.
pub async fn resume(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    switch(&db, key.0.project, &id, clock.now(), replays::resume).await
}

/// `POST /v1/replays/{id}/cancel`: 200, for good.
pub async fn cancel(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    switch(&db, key.0.project, &id, clock.now(), replays::cancel).await
}

type Switch = fn(&mut PgConnection, ProjectId, ReplayId, OffsetDateTime) -> Result<Replay, SwitchError>;

async fn switch(
    db: &Db,
    project: ProjectId,
    id: &str,
    now: OffsetDateTime,
    switch: Switch,
) -> Result<HttpResponse, Problem> {
    let id: ReplayId = id.parse().map_err(|_| Problem::not_found("replay"))?;
    match db.transaction(move |conn| switch(conn, project, id, now)).await {
        Ok(replay) => Ok(HttpResponse::Ok().json(fields::replay(&replay))),
        Err(SwitchError::Gone) => Err(Problem::not_found("replay")),
        Err(SwitchError::Db(error)) => Err(error.into()),
        Err(ended) => Err(Problem::conflict(ended.to_string())),
    }
}

async fn find(db: &Db, project: ProjectId, id: &str) -> Result<Replay, Problem> {
    let id: ReplayId = id.parse().map_err(|_| Problem::not_found("replay"))?;
    let found = db.run(move |conn| replays::find(conn, project, id)).await?;
    found.ok_or_else(|| Problem::not_found("replay"))
}
