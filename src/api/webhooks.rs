//! Webhooks: `/v1/webhooks` and `/v1/webhooks/{id}`.
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value};

use super::body;
use super::key::WebhooksKey;
use super::lists::{Parameters, page};
use super::problem::{FieldProblem, Problem};
use super::project::SETTINGS_BYTES_MAX;
use super::shapes;
use super::told::{self, Stored, Told};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::dispatcher::probe::{self, Egress, Judgement};
use crate::models::webhooks::{self, CreateError, Draft, Problem as Wrong, Settings, UpdateError, Webhook};
use crate::models::{deliveries, event_types};
use crate::rules::signing::Secret;
use crate::rules::target::parse_target;

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
    let draft = draft(&body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?, None)?;
    let (project, now) = (key.0.project, clock.now());
    let (settings, warnings) = checked(draft, Settings::default(), &egress, (&db, project)).await?;
    let created = db
        .transaction(move |conn| -> Result<_, CreateError> {
            let webhook = webhooks::create(conn, project, &settings, now)?;
            let secret = Secret::generate();
            webhooks::add_secret(conn, project, webhook.id, &secret, &seal, now)?;
            Ok((webhook, secret))
        })
        .await;
    match created {
        Ok((webhook, secret)) => {
            let mut value = shapes::webhook(&webhook, None, &warnings);
            value["secret"] = secret.as_text().into();
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
    egress: Data<Egress>,
    wakeup: Data<Wakeup>,
    (id, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let given = body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?;
    let existing = find(&db, key.0.project, &id).await?;
    save(existing, &given, Settings::default(), (&db, &clock, &egress, &wakeup)).await
}

/// `PATCH /v1/webhooks/{id}`: merges.
pub async fn merge(
    key: WebhooksKey,
    db: Data<Db>,
    clock: Data<Clock>,
    egress: Data<Egress>,
    wakeup: Data<Wakeup>,
    (id, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let given = body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?;
    let existing = find(&db, key.0.project, &id).await?;
    let base = existing.settings.clone();
    save(existing, &given, base, (&db, &clock, &egress, &wakeup)).await
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

pub(super) async fn find(db: &Db, project: ProjectId, id: &str) -> Result<Webhook, Problem> {
    let id: WebhookId = id.parse().map_err(|_| Problem::not_found("webhook"))?;
    let found = db.run(move |conn| webhooks::find(conn, project, id)).await?;
    found.ok_or_else(|| Problem::not_found("webhook"))
}

async fn save(
    existing: Webhook,
    given: &Map<String, Value>,
    base: Settings,
    (db, clock, egress, wakeup): (&Db, &Clock, &Egress, &Wakeup),
) -> Result<HttpResponse, Problem> {
    let active = given.get("active").and_then(Value::as_bool);
    let stored = Stored {
        webhook: &existing,
        switches_on: active == Some(true),
        is_on_then: active.unwrap_or(base.active),
    };
    let (settings, warnings) =
        checked(draft(given, Some(&stored))?, base, egress, (db, existing.project)).await?;
    if given.get("warnings").is_some_and(|value| !told::are_warnings(value, &warnings)) {
        return Err(Problem::wrong(vec![cannot_be_set("warnings")]));
    }
    let now = clock.now();
    let saved = db
        .transaction(move |conn| -> Result<_, UpdateError> {
            let webhook = deliveries::save_webhook(conn, existing.project, existing.id, &settings, now)?;
            let slowed = deliveries::slowed(conn, existing.project)?.remove(&existing.id);
            Ok((webhook, slowed))
        })
        .await;
    match saved {
        Ok((webhook, slowed)) => {
            wakeup.wake();
            Ok(HttpResponse::Ok().json(shapes::webhook(&webhook, slowed.as_ref(), &warnings)))
        }
        Err(UpdateError::NameTaken) => Err(name_taken()),
        Err(UpdateError::Gone) => Err(Problem::not_found("webhook")),
        Err(UpdateError::Db(error)) => Err(error.into()),
    }
}

/// Checks the settings and what the address leads to.
async fn checked(
    draft: Draft,
    base: Settings,
    egress: &Egress,
    (db, project): (&Db, ProjectId),
) -> Result<(Settings, Vec<String>), Problem> {
    let own = db.run(move |conn| event_types::names(conn, project)).await?;
    let settings = draft.onto(base, &egress.policy, &own).map_err(wrong)?;
    let target = parse_target(&settings.target_url, &egress.policy)
        .map_err(|error| wrong(vec![Wrong::new("target_url", error.to_string())]))?;
    match probe::judge(egress, &target).await {
        Judgement::Fine => Ok((settings, Vec::new())),
        Judgement::Warning(text) => Ok((settings, vec![text])),
        Judgement::Refused(why) => Err(wrong(vec![Wrong::new("target_url", why)])),
    }
}

fn wrong(problems: Vec<Wrong>) -> Problem {
    let field = |problem: Wrong| FieldProblem::new(format!("/{}", problem.field), problem.message);
    Problem::wrong(problems.into_iter().map(field).collect())
}

fn name_taken() -> Problem {
    Problem::conflict("Another webhook of this project has this name. Choose another.")
}

fn cannot_be_set(name: &str) -> FieldProblem {
    let message = format!("\"{name}\" cannot be set. Leave it out, or send it as it was answered.");
    FieldProblem::new(format!("/{name}"), message)
}

/// Reads the fields' types; unknown fields are wrong, as are those that cannot be set and say anything new.
fn draft(given: &Map<String, Value>, stored: Option<&Stored<'_>>) -> Result<Draft, Problem> {
    let mut reader = Reader { given, problems: Vec::new() };
    let draft = Draft {
        name: reader.text("name"),
        description: reader.text("description"),
        target_url: reader.text("target_url"),
        active: reader.flag("active"),
        all_events: reader.flag("all_events"),
        events: reader.texts("events"),
        body: reader.text("body"),
        version: reader.text("version"),
        timeout_ms: reader.number("timeout_ms"),
        retries: given.get("retries").filter(|value| !value.is_null()).cloned(),
        success: reader.text("success"),
        when_used_up: reader.text("when_used_up"),
        rate_per_s: reader.number_or_none("rate_per_s"),
    };
    reader.refuse_unknown(stored);
    if reader.problems.is_empty() { Ok(draft) } else { Err(Problem::wrong(reader.problems)) }
}

const FIELDS: [&str; 13] = [
    "name",
    "description",
    "target_url",
    "active",
    "all_events",
    "events",
    "body",
    "version",
    "timeout_ms",
    "retries",
    "success",
    "when_used_up",
    "rate_per_s",
];

struct Reader<'a> {
    given: &'a Map<String, Value>,
    problems: Vec<FieldProblem>,
}

impl Reader<'_> {
    fn read<T>(&mut self, name: &str, what: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.given.get(name).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.problems.push(FieldProblem::new(format!("/{name}"), format!("This must be {what}.")));
        }
        read
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let text = self.read(name, "a string", |value| value.as_str().map(str::to_owned))?;
        if text.contains('\0') {
            self.problems
                .push(FieldProblem::new(format!("/{name}"), "This must not hold the character U+0000."));
        }
        Some(text)
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "true or false", Value::as_bool)
    }

    fn number(&mut self, name: &str) -> Option<i64> {
        self.read(name, "a whole number", whole)
    }

    /// Here `null` says something: that there is none.
    fn number_or_none(&mut self, name: &str) -> Option<Option<i64>> {
        match self.given.get(name)? {
            Value::Null => Some(None),
            _ => self.number(name).map(Some),
        }
    }

    fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.read(name, "an array of strings", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    /// But for what an answer holds beside the settings, as long as it says nothing new: so that it can be sent back.
    fn refuse_unknown(&mut self, stored: Option<&Stored<'_>>) {
        for (name, value) in self.given.iter().filter(|(name, _)| !FIELDS.contains(&name.as_str())) {
            match told::told(name, value, stored) {
                Told::Nothing => {}
                Told::Otherwise => self.problems.push(cannot_be_set(name)),
                Told::Unknown => {
                    let known = FIELDS.join(", ");
                    let message = format!("There is no setting \"{name}\" here. Known are {known}.");
                    self.problems.push(FieldProblem::new(format!("/{name}"), message));
                }
            }
        }
    }
}

/// As JSON has it, 5000.0 is a whole number too. One too large for that is refused by its limit.
fn whole(value: &Value) -> Option<i64> {
    let of_float = || value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64);
    value.as_i64().or_else(of_float)
}
