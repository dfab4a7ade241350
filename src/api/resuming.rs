//! What a webhook missed while it was off, and switching it on again: `/v1/webhooks/{id}/missed` and `…/resume`.
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::key::WebhooksKey;
use super::lists::Parameters;
use super::problem::{FieldProblem, Problem};
use super::project::SETTINGS_BYTES_MAX;
use super::{body, shapes, webhooks};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::models::deliveries::{self, HeldChoice};
use crate::models::webhooks::UpdateError;
use crate::rules::body::iso_ms;

const KNOWN: [&str; 3] = ["held", "missed", "since"];

/// `GET /v1/webhooks/{id}/missed?since=`: how many events came while it was off and made no delivery for it, and what is
/// held. Without `since` from when it went off on.
pub async fn missed(
    key: WebhooksKey,
    (db, clock): (Data<Db>, Data<Clock>),
    (request, id): (HttpRequest, Path<String>),
) -> Result<HttpResponse, Problem> {
    let mut given = Parameters::of(&request, &["since"]);
    let since = given.moment("since");
    given.limit();
    given.checked()?;
    let (webhook, now) = (webhooks::find(&db, key.0.project, &id).await?, clock.now());
    let since = since.or(webhook.off_since);
    let (project, id) = (webhook.project, webhook.id);
    let load = db.run(move |conn| -> Result<_, DbError> {
        let missed = match since {
            Some(since) => deliveries::missed(conn, project, id, since, now)?,
            None => None,
        };
        Ok((missed, deliveries::held_count(conn, project, id)?))
    });
    let (missed, held) = load.await?;
    Ok(HttpResponse::Ok().json(json!({
        "held": held,
        "missed": missed.map_or(0, |missed| missed.count),
        "missed_more": missed.is_some_and(|missed| missed.is_more),
        "missed_first_at": missed.map(|missed| iso_ms(missed.first)),
        "missed_last_at": missed.map(|missed| iso_ms(missed.last)),
        "off_since": webhook.off_since.map(iso_ms),
    })))
}

/// What is asked for; what is not named loses nothing that was kept, and sends nothing that was not.
struct Wanted {
    held: HeldChoice,
    missed: bool,
    since: Option<OffsetDateTime>,
}

/// `POST /v1/webhooks/{id}/resume` `{held?, missed?, since?}`: 200 with the webhook, which is on.
pub async fn resume(
    key: WebhooksKey,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    (id, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, SETTINGS_BYTES_MAX).await?;
    let given = if body.is_empty() { Map::new() } else { body::object(&body)? };
    let webhook = webhooks::find(&db, key.0.project, &id).await?;
    let (wanted, now) = (wanted(&given)?, clock.now());
    let resumed = db.transaction(move |conn| -> Result<_, UpdateError> {
        let (project, id, held) = (webhook.project, webhook.id, wanted.held);
        let webhook = match wanted.missed {
            true => deliveries::resume_and_send_missed(conn, project, id, held, wanted.since, now)?,
            false => deliveries::resume_webhook(conn, project, id, held, now)?,
        };
        Ok(webhook)
    });
    match resumed.await {
        Ok(webhook) => {
            wakeup.wake();
            Ok(HttpResponse::Ok().json(shapes::webhook(&webhook, None, &[])))
        }
        Err(UpdateError::Gone) => Err(Problem::not_found("webhook")),
        Err(UpdateError::NameTaken) => Err(webhooks::name_taken()),
        Err(UpdateError::Db(error)) => Err(error.into()),
    }
}

fn wanted(given: &Map<String, Value>) -> Result<Wanted, Problem> {
    let mut problems = Vec::new();
    for name in given.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
        let message = format!("There is no field \"{name}\". Known are {}.", KNOWN.join(", "));
        problems.push(FieldProblem::new(format!("/{name}"), message));
    }
    let mut choice = |name: &str, words: [&str; 2]| match given.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(word)) if words.contains(&word.as_str()) => Some(word == words[1]),
        Some(_) => {
            let message = format!("This is \"{}\" or \"{}\".", words[0], words[1]);
            problems.push(FieldProblem::new(format!("/{name}"), message));
            None
        }
    };
    let cancels = choice("held", ["send", "cancel"]).unwrap_or(false);
    let missed = choice("missed", ["skip", "send"]).unwrap_or(false);
    let since = given.get("since").filter(|value| !value.is_null()).map(|value| {
        let read = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        read.and_then(|at| at.checked_to_offset(UtcOffset::UTC))
    });
    if since == Some(None) {
        problems.push(FieldProblem::new("/since", "Write the moment like 2026-01-31T12:00:00Z."));
    }
    let held = if cancels { HeldChoice::Cancel } else { HeldChoice::Send };
    match problems.is_empty() {
        true => Ok(Wanted { held, missed, since: since.flatten() }),
        false => Err(Problem::wrong(problems)),
    }
}
