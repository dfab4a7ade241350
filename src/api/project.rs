//! The project of a key: `GET` and `PATCH /v1/project`.
use actix_web::HttpResponse;
use actix_web::web::{Data, Payload};
use serde_json::{Value, json};

use super::body;
use super::key::{AnyKey, WebhooksKey};
use super::problem::{FieldProblem, Problem};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::models::deliveries::{self, HeldChoice};
use crate::models::projects::{self, NameError, Project, ProjectName};
use crate::rules::target::AllowedHosts;

/// Bytes of a body that changes settings.
pub(super) const SETTINGS_BYTES_MAX: usize = 64 * 1024;

/// `GET /v1/project`.
pub async fn get(key: AnyKey, db: Data<Db>) -> Result<HttpResponse, Problem> {
    let project = key.0.project;
    match db.run(move |conn| projects::find(conn, project)).await? {
        Some(project) => Ok(HttpResponse::Ok().json(shape(&project))),
        None => Err(Problem::not_found("project")),
    }
}

fn shape(project: &Project) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "webhooks_enabled": project.webhooks_enabled,
        "allowed_hosts": project.allowed_hosts,
    })
}

/// `PATCH /v1/project`: merges `name`, `webhooks_enabled` and `allowed_hosts`.
pub async fn merge(
    key: WebhooksKey,
    db: Data<Db>,
    clock: Data<Clock>,
    wakeup: Data<Wakeup>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let given = body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?;
    let mut problems = Vec::new();
    let mut wrong = |name: &str, message: &str| problems.push(FieldProblem::new(format!("/{name}"), message));
    let (mut name, mut enabled, mut hosts, mut held) = (None, None, None, HeldChoice::Send);
    for (field, value) in &given {
        match (field.as_str(), value) {
            ("name", Value::String(text)) => match ProjectName::new(text) {
                Ok(checked) => name = Some(checked),
                Err(not_a_name) => wrong(field, &not_a_name.to_string()),
            },
            ("webhooks_enabled", Value::Bool(on)) => enabled = Some(*on),
            ("held", Value::String(word)) if word == "send" => {}
            ("held", Value::String(word)) if word == "cancel" => held = HeldChoice::Cancel,
            ("held", _) => wrong(field, "This must be send or cancel."),
            ("allowed_hosts", Value::Array(entries)) => {
                let entries: Option<Vec<&str>> = entries.iter().map(Value::as_str).collect();
                match entries.map(|entries| AllowedHosts::parse(&entries)) {
                    Some(Ok(checked)) => hosts = Some(checked),
                    Some(Err(why)) => wrong(field, &why),
                    None => wrong(field, "This must be an array of strings."),
                }
            }
            ("allowed_hosts", _) => wrong(field, "This must be an array of strings."),
            ("name", _) => wrong(field, "This must be a string."),
            ("webhooks_enabled", _) => wrong(field, "This must be true or false."),
            _ => wrong(
                field,
                "There is no such setting. Known are name, webhooks_enabled, held, allowed_hosts.",
            ),
        }
    }
    if !problems.is_empty() {
        return Err(Problem::wrong(problems));
    }
    let (id, now) = (key.0.project, clock.now());
    let changed = db
        .transaction(move |conn| -> Result<_, NameError> {
            if let Some(name) = &name {
                projects::rename(conn, id, name)?;
            }
            if let Some(hosts) = &hosts {
                projects::set_allowed_hosts(conn, id, hosts)?;
            }
            match enabled {
                Some(true) => deliveries::enable_webhooks(conn, id, held, now)?,
                Some(false) => projects::disable_webhooks(conn, id)?,
                None => {}
            }
            Ok(projects::find(conn, id)?)
        })
        .await;
    match changed {
        Ok(Some(project)) => {
            wakeup.wake();
            Ok(HttpResponse::Ok().json(shape(&project)))
        }
        Ok(None) | Err(NameError::Gone) => Err(Problem::not_found("project")),
        Err(NameError::NameTaken) => Err(Problem::conflict("Another project has this name. Choose another.")),
        Err(NameError::Db(error)) => Err(error.into()),
    }
}
