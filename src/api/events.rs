//! Events out: `GET /v1/events` and `GET /v1/events/{id}`.
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::events_out;
use super::key::EventsKey;
use super::lists::{Parameters, page};
use super::problem::Problem;
use super::shapes;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::EventId;
use crate::models::events::{self, Filter};
use crate::rules::catalogue;

/// `GET /v1/events?type=&since=&until=&q=&cursor=`.
pub async fn list(
    key: EventsKey,
    (db, clock): (Data<Db>, Data<Clock>),
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut given = Parameters::of(&request, &["type", "since", "until", "q"]);
    let mut filter = Filter {
        types: given.each("type", "an event type", |name| Some(name.to_owned())),
        since: given.moment("since"),
        until: given.moment("until"),
        before: given.cursor(),
        only: None,
    };
    let limit = given.limit();
    let q = given.text("q").map(str::to_owned);
    given.checked()?;
    let (project, now) = (key.0.project, clock.now());
    let rows = db
        .run(move |conn| -> Result<_, DbError> {
            if let Some(q) = q {
                match events::find_by_q(conn, project, &q)? {
                    Some(id) => filter.only = Some(id),
                    None => return Ok(Vec::new()),
                }
            }
            events::list(conn, project, &filter, limit + 1, now)
        })
        .await?;
    let cursor = |row: &events::Summary| row.id.with_prefix(catalogue::id_prefix(&row.event_type));
    Ok(HttpResponse::Ok().json(page(rows, limit, cursor, shapes::event_summary)))
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
