//! Deliveries: `GET /v1/deliveries`, `GET /v1/deliveries/{id}`.
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use diesel::PgConnection;
use serde_json::json;

use super::key::DeliveriesKey;
use super::lists::{Parameters, page};
use super::notes;
use super::problem::Problem;
use super::{resending, shapes};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{DeliveryId, ProjectId};
use crate::models::deliveries::{
    self, AttemptCount, Delivery, FailureKind, Filter, Looked, Status, StatusClass,
};
use crate::models::{event_types, events, resends, webhooks};
use crate::rules::catalogue::words;

/// Attempts shown of one delivery; more than any schedule and a person's patience make.
const ATTEMPTS_MAX: i64 = 200;

/// What a list may be narrowed by.
pub(super) const KNOWN: [&str; 11] = [
    "status",
    "webhook_id",
    "event_type",
    "event_family",
    "response_status",
    "failure",
    "attempts",
    "test",
    "since",
    "until",
    "q",
];

/// `GET /v1/deliveries` with any of the parameters above. A page may be short, or empty, and have a next one: see
/// [`deliveries::look`].
pub async fn list(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut given = Parameters::of(&request, &KNOWN);
    let mut filter = Filter { before: given.cursor(), ..filter_of(&mut given) };
    let families = given.each("event_family", "an event family", family);
    let limit = given.limit();
    let means_nothing = given.q(|text| filter.search_for(text)) == Some(false);
    given.checked()?;
    let (project, now) = (key.0.project, clock.now());
    let (looked, names) = db
        .run(move |conn| -> Result<_, DbError> {
            let names = webhooks::names(conn, project)?;
            if means_nothing || !narrow(conn, project, &mut filter, &families)? {
                return Ok((Looked::default(), names));
            }
            Ok((deliveries::look(conn, project, &filter, limit + 1, now)?, names))
        })
        .await?;
    let url =
        |delivery: &Delivery| names.get(&delivery.webhook).map_or("", |named| named.target_url.as_str());
    let cursor = |row: &Delivery| row.id.to_string();
    let mut answer = page(looked.deliveries, limit, cursor, |row| shapes::delivery(row, url(row)));
    if let Some(id) = looked.stopped_at.filter(|_| answer["next_cursor"].is_null()) {
        answer["next_cursor"] = json!(id);
    }
    Ok(HttpResponse::Ok().json(answer))
}

/// The filter that a list's parameters, or the fields of a replay's filter, ask for; all but families, `q` and the page.
pub(super) fn filter_of(given: &mut Parameters) -> Filter {
    Filter {
        statuses: given.each("status", "a delivery status", Status::of_word),
        webhooks: given.each("webhook_id", "a webhook's id", |id| id.parse().ok()),
        types: given.each("event_type", "an event type", |name| Some(name.to_owned())),
        response_statuses: given.each("response_status", "a status such as 404 or 5xx", StatusClass::parse),
        failures: given.each("failure", "a kind of failure", FailureKind::of_word),
        attempts: given.one("attempts", "a number such as 3, 2- or 2-5", AttemptCount::parse),
        test: given.one("test", "true or false", |word| word.parse().ok()),
        since: given.moment("since"),
        until: given.moment("until"),
        ..Filter::default()
    }
}

/// Reads an event family.
pub(super) fn family(word: &str) -> Option<String> {
    words::family_words().contains(&word).then(|| word.to_owned())
}

/// Adds what families mean here; false if that is nothing.
pub(super) fn narrow(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &mut Filter,
    families: &[String],
) -> Result<bool, DbError> {
    if families.is_empty() {
        return Ok(true);
    }
    let own = event_types::names(conn, project)?;
    let narrowed = words::narrowed(std::mem::take(&mut filter.types), families, &own);
    Ok(narrowed.map(|types| filter.types = types).is_some())
}

/// `GET /v1/deliveries/{id}`: with every attempt and its notes.
pub async fn one(key: DeliveriesKey, db: Data<Db>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: DeliveryId = id.parse().map_err(|_| Problem::not_found("delivery"))?;
    let project = key.0.project;
    let found = db
        .run(move |conn| -> Result<_, DbError> {
            let Some(delivery) = deliveries::find(conn, project, id)? else { return Ok(None) };
            let attempts = deliveries::of_delivery(conn, project, id, ATTEMPTS_MAX)?;
            let event = events::find(conn, project, delivery.event)?;
            let webhook = webhooks::find_with_deleted(conn, project, delivery.webhook)?;
            let payload = event.as_ref().map(|event| &event.payload);
            let mut value = shapes::delivery_alone(&delivery, webhook.as_ref(), &attempts, payload);
            value["notes"] = deliveries::notes(conn, project, id)?.iter().map(notes::shape).collect();
            let told = resends::of_delivery(conn, project, &delivery)?;
            resending::tell(&mut value, &delivery.event_type, &told);
            Ok(Some(value))
        })
        .await?;
    match found {
        Some(value) => Ok(HttpResponse::Ok().json(value)),
        None => Err(Problem::not_found("delivery")),
    }
}
