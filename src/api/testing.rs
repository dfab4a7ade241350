//! `POST /v1/webhooks/{id}/test`: one event to one webhook, and what its receiver said.
use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Path, Payload};
use serde_json::{Map, Value};

use super::body::{self, Members};
use super::event_types::unknown_type;
use super::events_in::{EVENT_BYTES_MAX, canonical_data, source};
use super::key::WebhooksKey;
use super::problem::{FieldProblem, Problem};
use super::{shapes, webhooks};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::WebhookId;
use crate::dispatcher::probe::{Egress, TESTS_A_MINUTE_MAX, Test, TestError, TestSender, Trial};
use crate::models::event_types::{self, TypeSample};
use crate::models::webhooks::{Webhook, draft, trial_of};
use crate::rules::body::canonical;

const KNOWN: [&str; 2] = ["type", "data"];

/// `POST /v1/webhooks/{id}/test` `{type?, data?}`: 200 with the attempt, whatever came of it.
///
/// Without a type it is the webhook's first, without data the type's sample. 429 after 20 a minute.
pub async fn send(
    key: WebhooksKey,
    db: Data<Db>,
    tests: Data<TestSender>,
    (id, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, EVENT_BYTES_MAX).await?;
    let members = if body.is_empty() { Members(Vec::new()) } else { body::parse(&body, body::NO_OBJECT)? };
    let webhook = webhooks::find(&db, key.0.project, &id).await?;
    let event_type = wanted_type(&db, &webhook, &members).await?;
    let (event_type, data) = wanted(&members, &body, event_type, &KNOWN)?;
    let test = Test {
        project: webhook.project,
        webhook: webhook.id,
        event_type: event_type.name,
        data,
        source: source(&key.0),
        trial: Trial::Stored,
    };
    sent(&tests, test).await
}

/// `POST /v1/webhooks/test` `{settings, type?, data?}`: the same with settings that are not saved, as `POST /v1/webhooks`
/// takes them. It is signed with a secret of the moment; the history calls the webhook "Not saved yet".
pub async fn send_unsaved(
    key: WebhooksKey,
    (db, clock): (Data<Db>, Data<Clock>),
    (tests, egress): (Data<TestSender>, Data<Egress>),
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, EVENT_BYTES_MAX).await?;
    let members: Members<'_> = body::parse(&body, body::NO_OBJECT)?;
    let (project, now) = (key.0.project, clock.now());
    let given = members.get("settings").map(|raw| serde_json::from_str::<Map<String, Value>>(raw.get()));
    let Some(Ok(given)) = given else {
        let message = "This must be an object: the settings as for a new webhook.";
        return Err(Problem::wrong(vec![FieldProblem::new("/settings", message)]));
    };
    let settings = webhooks::tried(&db, project, &given, &egress).await.map_err(|p| p.below("/settings"))?;
    let webhook = Webhook { settings, ..Webhook::unsaved(project, WebhookId::new(now), now) };
    let event_type = wanted_type(&db, &webhook, &members).await?;
    let known = [&KNOWN[..], &["settings"]].concat();
    let (event_type, data) = wanted(&members, &body, event_type, &known)?;
    let webhook_id = db.transaction(move |conn| draft(conn, project, now)).await?;
    let test = Test {
        project,
        webhook: webhook_id,
        event_type: event_type.name,
        data,
        source: source(&key.0),
        trial: Trial::Unsaved { settings: Box::new(webhook.settings), model: None },
    };
    sent(&tests, test).await
}

async fn sent(tests: &TestSender, test: Test) -> Result<HttpResponse, Problem> {
    match tests.send(test).await {
        Ok(tested) => Ok(HttpResponse::Ok().json(shapes::tested(&tested))),
        Err(TestError::Gone | TestError::SecretGone) => Err(Problem::not_found("webhook")),
        Err(TestError::Address) => {
            let message = "The webhook's address cannot be used. Change it.";
            Err(Problem::wrong(vec![FieldProblem::new("", message)]))
        }
        Err(TestError::Throttled(wait)) => Err(Problem::throttled(
            format!("A webhook is tested at most {TESTS_A_MINUTE_MAX} times a minute. Wait and try again."),
            wait,
        )),
        Err(TestError::Busy(wait)) => {
            let text = "Many tests are under way at the moment. Wait for them and try again.";
            Err(Problem::throttled(text.to_owned(), wait))
        }
        Err(TestError::Db(error)) => Err(error.into()),
    }
}

/// The type that is named, or the webhook's first; or what is wrong with it.
async fn wanted_type(
    db: &Db,
    webhook: &Webhook,
    members: &Members<'_>,
) -> Result<Result<TypeSample, String>, Problem> {
    let named = members.get("type").filter(|raw| raw.get() != "null");
    let name = match named.map(|raw| serde_json::from_str::<String>(raw.get())).transpose() {
        Ok(name) => name,
        Err(_) => return Ok(Err("This must be a string.".to_owned())),
    };
    let (project, settings) = (webhook.project, webhook.settings.clone());
    let found = db.run(move |conn| -> Result<_, DbError> {
        let Some(name) = name else { return Ok(Ok(trial_of(conn, project, &settings)?)) };
        match event_types::trial(conn, project, &name)? {
            Some(trial) => Ok(Ok(trial)),
            None => Ok(Err(unknown_type(&name, &event_types::names(conn, project)?))),
        }
    });
    Ok(found.await?)
}

/// The type and data of a test; all problems at once.
fn wanted(
    members: &Members<'_>,
    body: &Bytes,
    event_type: Result<TypeSample, String>,
    known: &[&str],
) -> Result<(TypeSample, Bytes), Problem> {
    let mut problems = members.unknown(known, "");
    let event_type = event_type.map_err(|message| problems.push(FieldProblem::new("/type", message)));
    let data = match (members.get("data").filter(|raw| raw.get() != "null"), &event_type) {
        (Some(raw), _) => canonical_data(raw, body),
        (None, Ok(event_type)) => sample(event_type),
        (None, Err(())) => Ok(Bytes::new()),
    };
    let data = data.map_err(|message| problems.push(FieldProblem::new("/data", message)));
    match (event_type, data) {
        (Ok(event_type), Ok(data)) if problems.is_empty() => Ok((event_type, data)),
        _ => Err(Problem::wrong(problems)),
    }
}

fn sample(event_type: &TypeSample) -> Result<Bytes, String> {
    let canonical = canonical(event_type.sample.as_bytes()).map_err(|error| error.to_string())?;
    Ok(Bytes::from(canonical.into_owned()))
}
