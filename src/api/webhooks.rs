//! Webhooks: `/v1/webhooks` and `/v1/webhooks/{id}`.
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use diesel::PgConnection;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::body;
use super::key::WebhooksKey;
use super::lists::{Parameters, page};
use super::problem::{FieldProblem, Problem};
use super::project::SETTINGS_BYTES_MAX;
use super::shapes;
use super::told::{self, Stored};
use super::webhook_fields::{cannot_be_set, draft, whole};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::dispatcher::probe::{self, Egress};
use crate::models::deliveries::{self, Slowed};
use crate::models::event_types;
use crate::models::projects;
use crate::models::webhooks::{
    self, CreateError, Draft, Ground, OVERLAP_HOURS, OVERLAP_HOURS_DEFAULT, Problem as Wrong, RotateError,
    Settings, UpdateError, Webhook,
};
use crate::rules::authentication::Hidden;
use crate::rules::body::iso_ms;
use crate::rules::catalogue::own::OwnNames;
use crate::rules::signing::Secret;
use crate::rules::target::AllowedHosts;

/// `GET /v1/webhooks`.
pub async fn list(key: WebhooksKey, db: Data<Db>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut given = Parameters::of(&request, &[]);
    let (before, limit) = (given.cursor::<WebhookId>(), given.limit());
    given.checked()?;
    let project = key.0.project;
    let load = db.run(move |conn| -> Result<_, DbError> {
        Ok((webhooks::list(conn, project)?, deliveries::slowed(conn, project)?))
    });
    let (mut rows, slowed) = load.await?;
    rows.reverse();
    rows.retain(|webhook| before.is_none_or(|before| webhook.id < before));
    let cursor = |webhook: &Webhook| webhook.id.to_string();
    let shape = |webhook: &Webhook| shapes::webhook(webhook, slowed.get(&webhook.id), &[]);
    Ok(HttpResponse::Ok().json(page(rows, limit, cursor, shape)))
}

/// `GET /v1/webhooks/{id}`.
pub async fn one(key: WebhooksKey, db: Data<Db>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let project = key.0.project;
    let webhook = find(&db, project, &id).await?;
    let slowed = db.run(move |conn| deliveries::slowed(conn, project)).await?;
    Ok(HttpResponse::Ok().json(shapes::webhook(&webhook, slowed.get(&webhook.id), &[])))
}

/// `POST /v1/webhooks`: 201 with the secret, this once.
pub async fn create(
    key: WebhooksKey,
    db: Data<Db>,
    clock: Data<Clock>,
    seal: Data<SealKey>,
    egress: Data<Egress>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let given = body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?;
    let (project, now) = (key.0.project, clock.now());
    let (hosts, own) = hosts_and_types(&db, project).await?;
    let ground = Ground { policy: &egress.policy, hosts: &hosts, own: &own, stored: None, is_new: true, now };
    let (settings, warnings) = checked(draft(&given, None)?, Settings::default(), &ground, &egress).await?;
    let generated = generated(&given, &settings);
    let created = db
        .transaction(move |conn| -> Result<_, CreateError> {
            let webhook = webhooks::create(conn, project, &settings, &seal, now)?;
            let secret = Secret::generate();
            webhooks::add_secret(conn, project, webhook.id, &secret, &seal, now)?;
            Ok((webhook, secret))
        })
        .await;
    match created {
        Ok((webhook, secret)) => {
            let mut value = shapes::webhook(&webhook, None, &warnings);
            value["secret"] = secret.as_text().into();
            shapes::tell(&mut value, generated);
            Ok(HttpResponse::Created().json(value))
        }
        Err(CreateError::NameTaken) => Err(name_taken()),
        Err(CreateError::TooMany) => Err(Problem::conflict(format!(
            "A project has at most {} webhooks. Delete one first.",
            webhooks::WEBHOOKS_MAX
        ))),
        Err(CreateError::Db(error)) => Err(error.into()),
    }
}

/// `PUT /v1/webhooks/{id}`: what is not named goes back to its default.
pub async fn replace(
    key: WebhooksKey,
    db: Data<Db>,
    clock: Data<Clock>,
    (egress, seal): (Data<Egress>, Data<SealKey>),
    wakeup: Data<Wakeup>,
    (id, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let given = body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?;
    let (base, place) = (|_: &Webhook| Settings::default(), (key.0.project, id.as_str()));
    save((&db, &clock, &egress, &wakeup), place, &given, base, seal).await
}

/// `PATCH /v1/webhooks/{id}`: merges.
pub async fn merge(
    key: WebhooksKey,
    db: Data<Db>,
    clock: Data<Clock>,
    (egress, seal): (Data<Egress>, Data<SealKey>),
    wakeup: Data<Wakeup>,
    (id, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let given = body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?;
    let (base, place) = (|existing: &Webhook| existing.settings.clone(), (key.0.project, id.as_str()));
    save((&db, &clock, &egress, &wakeup), place, &given, base, seal).await
}

/// `DELETE /v1/webhooks/{id}`: 204; what waited for it is cancelled.
pub async fn delete(
    key: WebhooksKey,
    db: Data<Db>,
    clock: Data<Clock>,
    wakeup: Data<Wakeup>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: WebhookId = id.parse().map_err(|_| Problem::not_found("webhook"))?;
    let (project, now) = (key.0.project, clock.now());
    let deleted = db.transaction(move |conn| deliveries::delete_webhook(conn, project, id, now)).await?;
    if !deleted {
        return Err(Problem::not_found("webhook"));
    }
    wakeup.wake();
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /v1/webhooks/{id}/secret/rotate` `{overlap_hours?}`: 200 with the new secret, this once.
///
/// A webhook whose key is ours (loyalty missions) gets a new key too; requests carry it once the overlap is over.
pub async fn rotate(
    key: WebhooksKey,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    (id, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, SETTINGS_BYTES_MAX).await?;
    let given = if body.is_empty() { Map::new() } else { body::object(&body)? };
    let (project, now) = (key.0.project, clock.now());
    let id = find(&db, project, &id).await?.id;
    let overlap = overlap(&given)?;
    let rotated = db.transaction(move |conn| webhooks::rotate(conn, project, id, overlap, &seal, now)).await;
    let rotated = rotated.map_err(not_rotated)?;
    let mut told = json!({
        "secret": rotated.secret.as_text(),
        "previous_valid_until": iso_ms(rotated.previous_valid_until),
    });
    if let Some(value) = rotated.key {
        told["authentication"] = json!({ "type": "api_key", "value": value });
    }
    Ok(HttpResponse::Ok().json(told))
}

/// `POST /v1/webhooks/{id}/secret/roll-back`: 204; the secret before the newest is for good again.
pub async fn roll_back(
    key: WebhooksKey,
    (db, clock): (Data<Db>, Data<Clock>),
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: WebhookId = id.parse().map_err(|_| Problem::not_found("webhook"))?;
    let (project, now) = (key.0.project, clock.now());
    let done = db.transaction(move |conn| webhooks::roll_back(conn, project, id, now)).await;
    done.map(|()| HttpResponse::NoContent().finish()).map_err(not_rotated)
}

/// `POST /v1/webhooks/{id}/secret/end-previous`: 204; only the newest secret signs from here on.
pub async fn end_previous(
    key: WebhooksKey,
    (db, clock): (Data<Db>, Data<Clock>),
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: WebhookId = id.parse().map_err(|_| Problem::not_found("webhook"))?;
    let (project, now) = (key.0.project, clock.now());
    let done = db.transaction(move |conn| webhooks::end_previous(conn, project, id, now)).await;
    done.map(|()| HttpResponse::NoContent().finish()).map_err(not_rotated)
}

fn overlap(given: &Map<String, Value>) -> Result<Duration, Problem> {
    let mut problems = Vec::new();
    let mut hours = OVERLAP_HOURS_DEFAULT;
    for (name, value) in given {
        match (name.as_str(), whole(value)) {
            ("overlap_hours", Some(given)) if OVERLAP_HOURS.contains(&given) => hours = given,
            ("overlap_hours", _) if value.is_null() => {}
            ("overlap_hours", _) => {
                problems
                    .push(FieldProblem::new("/overlap_hours", "This must be a whole number from 0 to 168."));
            }
            _ => {
                let message = format!("There is no \"{name}\" here. Known is overlap_hours.");
                problems.push(FieldProblem::new(format!("/{name}"), message));
            }
        }
    }
    if problems.is_empty() { Ok(Duration::hours(hours)) } else { Err(Problem::wrong(problems)) }
}

fn not_rotated(error: RotateError) -> Problem {
    match error {
        RotateError::Gone => Problem::not_found("webhook"),
        RotateError::TooMany => Problem::conflict("Four secrets sign already. End the older ones first."),
        RotateError::NoPrevious => Problem::conflict("No older secret signs any more."),
        RotateError::Db(error) => error.into(),
    }
}

pub(super) async fn find(db: &Db, project: ProjectId, id: &str) -> Result<Webhook, Problem> {
    let id: WebhookId = id.parse().map_err(|_| Problem::not_found("webhook"))?;
    let found = db.run(move |conn| webhooks::find(conn, project, id)).await?;
    found.ok_or_else(|| Problem::not_found("webhook"))
}

/// Settings for a new webhook that is not made: to be tried.
pub(super) async fn tried(
    db: &Db,
    project: ProjectId,
    given: &Map<String, Value>,
    egress: &Egress,
) -> Result<Settings, Problem> {
    let (hosts, own) = hosts_and_types(db, project).await?;
    let now = egress.clock.now();
    let ground = Ground { policy: &egress.policy, hosts: &hosts, own: &own, stored: None, is_new: true, now };
    Ok(checked(draft(given, None)?, Settings::default(), &ground, egress).await?.0)
}

/// Others may change a webhook while a change of it is checked: then it begins anew, so often.
const TRIES_MAX: usize = 5;

/// Saves what is given onto what `base` makes of the stored webhook.
async fn save(
    (db, clock, egress, wakeup): (&Db, &Clock, &Egress, &Wakeup),
    (project, id): (ProjectId, &str),
    given: &Map<String, Value>,
    base: fn(&Webhook) -> Settings,
    seal: Data<SealKey>,
) -> Result<HttpResponse, Problem> {
    for _ in 0..TRIES_MAX {
        let existing = find(db, project, id).await?;
        let (settings, warnings) = given_onto(&existing, given, base(&existing), (db, egress)).await?;
        let generated = generated(given, &settings);
        // Named by itself, it is meant: not what a window does.
        let pauses = given.get("active") == Some(&Value::Bool(false)) && !given.contains_key("maintenance");
        let (now, key) = (clock.now(), seal.clone());
        let saved = db.transaction(move |conn| saved(conn, &existing, &settings, pauses, (&key, now)));
        match saved.await {
            Ok(Some((webhook, slowed))) => {
                wakeup.wake();
                let mut value = shapes::webhook(&webhook, slowed.as_ref(), &warnings);
                shapes::tell(&mut value, generated);
                return Ok(HttpResponse::Ok().json(value));
            }
            Ok(None) => {}
            Err(UpdateError::NameTaken) => return Err(name_taken()),
            Err(UpdateError::Gone) => return Err(Problem::not_found("webhook")),
            Err(UpdateError::Db(error)) => return Err(error.into()),
        }
    }
    Err(Problem::conflict("Others change this webhook at the same time. Try again."))
}

/// Keeps the settings; none if the webhook is no longer what they were made of.
fn saved(
    conn: &mut PgConnection,
    before: &Webhook,
    settings: &Settings,
    pauses: bool,
    (key, now): (&SealKey, OffsetDateTime),
) -> Result<Option<(Webhook, Option<Slowed>)>, UpdateError> {
    let (project, id) = (before.project, before.id);
    // The project's row is the lock: nobody changes it between this look and the saving.
    projects::bump_settings_version(conn, project)?;
    let stored = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?;
    if stored.settings != before.settings || stored.off_since != before.off_since {
        return Ok(None);
    }
    let mut webhook = deliveries::save_webhook(conn, project, id, settings, key, now)?;
    if pauses && webhook.in_maintenance {
        webhook = deliveries::pause_webhook(conn, project, id, now)?;
    }
    Ok(Some((webhook, deliveries::slowed(conn, project)?.remove(&id))))
}

/// The settings that are asked for, with what is to be said of them.
async fn given_onto(
    existing: &Webhook,
    given: &Map<String, Value>,
    base: Settings,
    (db, egress): (&Db, &Egress),
) -> Result<(Settings, Vec<String>), Problem> {
    let active = given.get("active").and_then(Value::as_bool);
    let stored = Stored {
        webhook: existing,
        switches_on: active == Some(true),
        is_on_then: active.unwrap_or(base.active),
    };
    let (hosts, own) = hosts_and_types(db, existing.project).await?;
    let now = egress.clock.now();
    let kept = Some(&existing.settings);
    let ground =
        Ground { policy: &egress.policy, hosts: &hosts, own: &own, stored: kept, is_new: false, now };
    let (mut settings, warnings) = checked(draft(given, Some(&stored))?, base, &ground, egress).await?;
    if given.get("warnings").is_some_and(|value| !told::are_warnings(value, &warnings)) {
        return Err(Problem::wrong(vec![cannot_be_set("warnings")]));
    }
    // The same window once more ends none that has begun.
    if active.is_none() && existing.in_maintenance && settings.maintenance == existing.settings.maintenance {
        settings.active = false;
    }
    Ok((settings, warnings))
}

/// Checks the settings and what the address leads to.
async fn checked(
    draft: Draft,
    base: Settings,
    ground: &Ground<'_>,
    egress: &Egress,
) -> Result<(Settings, Vec<String>), Problem> {
    let settings = draft.onto(base, ground).map_err(wrong)?;
    let kept = ground.stored.filter(|_| !ground.is_new);
    let warnings = probe::judge(egress, &settings, kept).await.map_err(wrong)?;
    Ok((settings, warnings))
}

/// Hosts that the project sends to, and the event types of its own.
async fn hosts_and_types(db: &Db, project: ProjectId) -> Result<(AllowedHosts, OwnNames), Problem> {
    let load = db.run(move |conn| -> Result<_, DbError> {
        Ok((projects::find(conn, project)?, event_types::names(conn, project)?))
    });
    let (found, own) = load.await?;
    found.map(|project| (project.hosts(), own)).ok_or_else(|| Problem::not_found("project"))
}

/// A key that we made because none was named: told this once.
fn generated(given: &Map<String, Value>, settings: &Settings) -> Option<String> {
    let named = given.get("authentication").and_then(Value::as_object);
    let is_named =
        named.is_some_and(|named| ["token", "password", "value"].iter().any(|n| named.contains_key(*n)));
    let text = settings.authentication.value().and_then(Hidden::as_new)?;
    (!is_named).then(|| text.to_owned())
}

fn wrong(problems: Vec<Wrong>) -> Problem {
    let pointer = |field: &str| format!("/{}", field.replace('.', "/"));
    let field = |problem: Wrong| FieldProblem::new(pointer(problem.field), problem.message);
    Problem::wrong(problems.into_iter().map(field).collect())
}

pub(super) fn name_taken() -> Problem {
    Problem::conflict("Another webhook of this project has this name. Choose another.")
}
