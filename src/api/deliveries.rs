//! Deliveries: `GET /v1/deliveries`, `GET /v1/deliveries/{id}`, `POST …/resend`.
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::key::DeliveriesKey;
use super::lists::{Parameters, page};
use super::problem::Problem;
use super::shapes;
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::DeliveryId;
use crate::models::deliveries::{self, Delivery, Filter, ResendError, Status, StatusClass};
use crate::models::{events, webhooks};

/// Attempts shown of one delivery; more than any schedule and a person's patience make.
const ATTEMPTS_MAX: i64 = 200;

/// `GET /v1/deliveries?status=&webhook_id=&event_type=&response_status=&since=&until=&q=&cursor=`.
pub async fn list(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let known = ["status", "webhook_id", "event_type", "response_status", "since", "until", "q"];
    let mut given = Parameters::of(&request, &known);
    let mut filter = Filter { before: given.cursor(), ..filter_of(&mut given) };
    let limit = given.limit();
    let q = given.text("q").map(str::to_owned);
    given.checked()?;
    let (project, now) = (key.0.project, clock.now());
    let (rows, names) = db
        .run(move |conn| -> Result<_, DbError> {
            let names = webhooks::names(conn, project)?;
            if let Some(q) = q {
                match q.parse::<DeliveryId>() {
                    Ok(id) => filter.delivery = Some(id),
                    Err(_) => match events::find_by_q(conn, project, &q)? {
                        Some(event) => filter.event = Some(event),
                        None => return Ok((Vec::new(), names)),
                    },
                }
            }
            Ok((deliveries::list(conn, project, &filter, limit + 1, now)?, names))
        })
        .await?;
    let url =
        |delivery: &Delivery| names.get(&delivery.webhook).map_or("", |named| named.target_url.as_str());
    let cursor = |row: &Delivery| row.id.to_string();
    Ok(HttpResponse::Ok().json(page(rows, limit, cursor, |row| shapes::delivery(row, url(row)))))
}

/// The filter that a list's parameters, or the fields of a replay's filter, ask for; all but `q` and the page.
pub(super) fn filter_of(given: &mut Parameters) -> Filter {
    Filter {
        statuses: given.each("status", "a delivery status", Status::of_word),
        webhooks: given.each("webhook_id", "a webhook's id", |id| id.parse().ok()),
        types: given.each("event_type", "an event type", |name| Some(name.to_owned())),
        response_statuses: given.each("response_status", "a status such as 404 or 5xx", StatusClass::parse),
        since: given.moment("since"),
        until: given.moment("until"),
        ..Filter::default()
    }
}

/// `GET /v1/deliveries/{id}`: with every attempt.
pub async fn one(key: DeliveriesKey, db: Data<Db>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: DeliveryId = id.parse().map_err(|_| Problem::not_found("delivery"))?;
    let project = key.0.project;
    let found = db
        .run(move |conn| -> Result<_, DbError> {
            let Some(delivery) = deliveries::find(conn, project, id)? else { return Ok(None) };
            let attempts = deliveries::of_delivery(conn, project, id, ATTEMPTS_MAX)?;
            let event = events::find(conn, project, delivery.event)?;
            let webhook = webhooks::find_with_deleted(conn, project, delivery.webhook)?;
            let url = webhook.map(|webhook| webhook.settings.target_url).unwrap_or_default();
            let payload = event.as_ref().map(|event| &event.payload);
            Ok(Some(shapes::delivery_alone(&delivery, &url, &attempts, payload)))
        })
        .await?;
    match found {
        Some(value) => Ok(HttpResponse::Ok().json(value)),
        None => Err(Problem::not_found("delivery")),
    }
}

/// `POST /v1/deliveries/{id}/resend`: 202, due now.
pub async fn resend(
    key: DeliveriesKey,
    db: Data<Db>,
    clock: Data<Clock>,
    wakeup: Data<Wakeup>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: DeliveryId = id.parse().map_err(|_| Problem::not_found("delivery"))?;
    let (project, now) = (key.0.project, clock.now());
    let resent = db
        .transaction(move |conn| -> Result<_, ResendError> {
            let delivery = deliveries::resend(conn, project, id, now)?;
            let webhook = webhooks::find(conn, project, delivery.webhook)?;
            let url = webhook.map(|webhook| webhook.settings.target_url).unwrap_or_default();
            Ok(shapes::delivery(&delivery, &url))
        })
        .await;
    match resent {
        Ok(value) => {
            wakeup.wake();
            Ok(HttpResponse::Accepted().json(value))
        }
        Err(ResendError::Db(error)) => Err(error.into()),
        Err(ResendError::Gone) => Err(Problem::not_found("delivery")),
        Err(refused) => Err(Problem::conflict(refused.to_string())),
    }
}
