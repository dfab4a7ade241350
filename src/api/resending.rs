//! `POST /v1/deliveries/{id}/resend`: as it was, or to another webhook, or with other data.
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path, Payload};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::body::{self, Members};
use super::events_in::{EVENT_BYTES_MAX, canonical_data};
use super::key::DeliveriesKey;
use super::problem::{FieldProblem, Problem};
use super::shapes;
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::ids::{DeliveryId, WebhookId};
use crate::models::deliveries::{self, Delivery, ResendError};
use crate::models::projects::keys::Key;
use crate::models::resends::{self, By, Changes, Reason, Resend, SendError, Told};
use crate::models::webhooks;
use crate::rules::body::iso_ms;
use crate::rules::catalogue;

const KNOWN: [&str; 3] = ["webhook_id", "data", "reason"];

/// `POST /v1/deliveries/{id}/resend` `{webhook_id?, data?, reason}`: 202, due now. Without a body, or with an empty
/// object, it is sent again as it was.
pub async fn resend(
    key: DeliveriesKey,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    (id, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let id: DeliveryId = id.parse().map_err(|_| Problem::not_found("delivery"))?;
    let body = body::read(payload, EVENT_BYTES_MAX).await?;
    let members = if body.is_empty() { Members(Vec::new()) } else { body::parse(&body, body::NO_OBJECT)? };
    let (project, now) = (key.0.project, clock.now());
    let changes = match members.0.is_empty() {
        true => None,
        false => {
            let found = db.run(move |conn| deliveries::find(conn, project, id)).await?;
            found.ok_or_else(|| Problem::not_found("delivery"))?;
            Some(changes(&members, &body)?)
        }
    };
    let resent = db.transaction(move |conn| -> Result<_, SendError> {
        let (delivery, resend) = match changes {
            None => (deliveries::resend(conn, project, id, now)?, None),
            Some(changes) => {
                let (delivery, resend) = resends::send(conn, project, id, changes, by(&key.0), now)?;
                (delivery, Some(resend))
            }
        };
        Ok(shape(conn, &key.0, &delivery, resend.as_ref())?)
    });
    match resent.await {
        Ok(value) => {
            wakeup.wake();
            Ok(HttpResponse::Accepted().json(value))
        }
        Err(error) => Err(why_not(error)),
    }
}

fn by(key: &Key) -> By {
    By::Key { id: key.id, name: key.name.clone() }
}

fn shape(
    conn: &mut PgConnection,
    key: &Key,
    delivery: &Delivery,
    resend: Option<&Resend>,
) -> Result<Value, ResendError> {
    let webhook = webhooks::find(conn, key.project, delivery.webhook)?;
    let url = webhook.map(|webhook| webhook.settings.target_url).unwrap_or_default();
    let mut value = shapes::delivery(delivery, &url);
    if let Some(resend) = resend {
        value["resent_from"] = from(&delivery.event_type, resend);
    }
    Ok(value)
}

fn why_not(error: SendError) -> Problem {
    match error {
        SendError::Refused(ResendError::Db(error)) => error.into(),
        SendError::Refused(ResendError::Gone) => Problem::not_found("delivery"),
        SendError::Refused(refused) => Problem::conflict(refused.to_string()),
        chosen => Problem::wrong(vec![FieldProblem::new("/webhook_id", chosen.to_string())]),
    }
}

/// What is to be other than it was.
fn changes(members: &Members<'_>, body: &Bytes) -> Result<Changes, Problem> {
    let given = |name: &str| members.get(name).filter(|raw| raw.get() != "null");
    let mut problems = members.unknown(&KNOWN, "");
    let reason = given("reason").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let reason = Reason::read(&reason.unwrap_or_default())
        .map_err(|fault| problems.push(FieldProblem::new("/reason", fault.to_string())));
    let webhook = given("webhook_id").map(|raw| serde_json::from_str::<WebhookId>(raw.get()));
    let webhook = webhook
        .transpose()
        .map_err(|_| problems.push(FieldProblem::new("/webhook_id", SendError::NoWebhook.to_string())));
    let data = given("data").map(|raw| canonical_data(raw, body)).transpose();
    let data = data.map_err(|message| problems.push(FieldProblem::new("/data", message)));
    match (reason, webhook, data) {
        (Ok(reason), Ok(webhook), Ok(data)) if problems.is_empty() => Ok(Changes { webhook, data, reason }),
        _ => Err(Problem::wrong(problems)),
    }
}

/// Adds `resent_from` and `resends` to a delivery or an event.
pub(super) fn tell(value: &mut Value, event_type: &str, told: &Told) {
    value["resent_from"] = told.from.as_ref().map_or(Value::Null, |resend| from(event_type, resend));
    value["resends"] = told.resends.iter().map(|resend| made(event_type, resend)).collect();
}

/// What something was made from.
pub(super) fn from(event_type: &str, resend: &Resend) -> Value {
    let mut value = about(resend);
    value["delivery_id"] = json!(resend.of_delivery);
    value["event_id"] = resend.of_event.with_prefix(catalogue::id_prefix(event_type)).into();
    value
}

/// What was made of something.
pub(super) fn made(event_type: &str, resend: &Resend) -> Value {
    let mut value = about(resend);
    value["delivery_id"] = json!(resend.delivery);
    value["event_id"] = resend.event.with_prefix(catalogue::id_prefix(event_type)).into();
    value["webhook_id"] = json!(resend.webhook);
    value
}

fn about(resend: &Resend) -> Value {
    let by = match &resend.by {
        By::Person { id, name } => json!({ "type": "person", "id": id, "name": name }),
        By::Key { id, name } => json!({ "type": "key", "id": id, "name": name }),
    };
    json!({ "edited": resend.is_edited, "reason": resend.reason, "by": by, "at": iso_ms(resend.at) })
}
