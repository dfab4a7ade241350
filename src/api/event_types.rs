//! The catalogue and the project's own types: `/v1/event-types` and `/v1/event-types/{type}`.
use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Payload};
use serde_json::value::RawValue;

use super::body::{self, Members};
use super::key::{AnyKey, WebhooksKey};
use super::problem::{FieldProblem, Problem};
use super::shapes;
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::models::event_types::{self, CreateError, OWN_TYPES_MAX};
use crate::models::webhooks;
use crate::rules::catalogue;
use crate::rules::catalogue::own::{JSON_BYTES_MAX, OwnNames, OwnType, is_own};

/// The body of a type: sample and schema, and room for the rest.
const TYPE_BYTES_MAX: usize = 2 * JSON_BYTES_MAX + 64 * 1024;
const KNOWN: [&str; 7] = ["type", "description", "sample", "schema", "families", "group", "documented"];

/// `GET /v1/event-types`: all types in one answer, those of the catalogue first.
pub async fn list(key: AnyKey, db: Data<Db>) -> Result<HttpResponse, Problem> {
    let project = key.0.project;
    let own = db.run(move |conn| event_types::list(conn, project).map(|own| as_json(&own))).await?;
    let comma = if own.is_empty() { "" } else { "," };
    let body = format!(r#"{{"data":[{}{comma}{own}],"next_cursor":null}}"#, of_the_catalogue());
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

/// The items of the catalogue with commas between, made once: they are the same for everyone.
fn of_the_catalogue() -> &'static str {
    static ITEMS: OnceLock<String> = OnceLock::new();
    ITEMS.get_or_init(|| items(catalogue::all().iter().map(shapes::event_type)))
}

fn as_json(own: &[OwnType]) -> String {
    items(own.iter().map(shapes::own_type))
}

fn items<'a>(types: impl Iterator<Item = shapes::EventTypeShape<'a>>) -> String {
    types.filter_map(|one| serde_json::to_string(&one).ok()).collect::<Vec<_>>().join(",")
}

/// `GET /v1/event-types/{type}`.
pub async fn one(key: AnyKey, db: Data<Db>, name: Path<String>) -> Result<HttpResponse, Problem> {
    if let Some(found) = catalogue::find(&name) {
        return Ok(HttpResponse::Ok().json(shapes::event_type(found)));
    }
    let project = key.0.project;
    match db.run(move |conn| event_types::find(conn, project, &name)).await? {
        Some(own) => Ok(HttpResponse::Ok().json(shapes::own_type(&own))),
        None => Err(Problem::not_found("event type")),
    }
}

/// `POST /v1/event-types`: 201. Events of the type are accepted from then on.
pub async fn create(
    key: WebhooksKey,
    (db, clock): (Data<Db>, Data<Clock>),
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, TYPE_BYTES_MAX).await?;
    let own = checked(&body::parse(&body, body::NO_OBJECT)?, None)?;
    let (project, now, made) = (key.0.project, clock.now(), own.clone());
    match db.transaction(move |conn| event_types::create(conn, project, &made, now)).await {
        Ok(()) => Ok(HttpResponse::Created().json(shapes::own_type(&own))),
        Err(CreateError::NameTaken) => {
            Err(Problem::conflict(format!("This project has an event type \"{}\" already.", own.name)))
        }
        Err(CreateError::TooMany) => Err(Problem::conflict(format!(
            "A project has at most {OWN_TYPES_MAX} event types of its own. Delete one first."
        ))),
        Err(CreateError::Db(error)) => Err(error.into()),
    }
}

/// `PUT /v1/event-types/{type}`: what is not named is empty then.
pub async fn replace(
    key: WebhooksKey,
    (db, clock): (Data<Db>, Data<Clock>),
    (name, payload): (Path<String>, Payload),
) -> Result<HttpResponse, Problem> {
    let body = body::read(payload, TYPE_BYTES_MAX).await?;
    let members: Members<'_> = body::parse(&body, body::NO_OBJECT)?;
    refuse_fixed(&name)?;
    let (project, now) = (key.0.project, clock.now());
    let asked = name.clone();
    if db.run(move |conn| event_types::find(conn, project, &asked)).await?.is_none() {
        return Err(Problem::not_found("event type"));
    }
    let own = checked(&members, Some(&name))?;
    let saved = own.clone();
    match db.transaction(move |conn| event_types::replace(conn, project, &saved, now)).await? {
        true => Ok(HttpResponse::Ok().json(shapes::own_type(&own))),
        false => Err(Problem::not_found("event type")),
    }
}

/// `DELETE /v1/event-types/{type}`: 204. Webhooks that chose it keep their other types; its events stay.
pub async fn delete(
    key: WebhooksKey,
    (db, clock): (Data<Db>, Data<Clock>),
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    refuse_fixed(&name)?;
    let (project, now) = (key.0.project, clock.now());
    match db.transaction(move |conn| webhooks::delete_type(conn, project, &name, now)).await? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Problem::not_found("event type")),
    }
}

/// The types of the catalogue stay as they are.
fn refuse_fixed(name: &str) -> Result<(), Problem> {
    match catalogue::find(name) {
        Some(_) => Err(Problem::conflict(
            "Types of the catalogue cannot be changed, only those that begin with `custom.`.",
        )),
        None => Ok(()),
    }
}

/// Reads a type; `named` is the one that the path names. An answer may be sent back as it is.
fn checked(members: &Members<'_>, named: Option<&str>) -> Result<OwnType, Problem> {
    let mut problems = members.unknown(&KNOWN, "");
    let given = |name: &str| members.get(name).filter(|raw| raw.get() != "null");
    let mut text = |name: &str| match given(name).map(|raw| serde_json::from_str::<String>(raw.get())) {
        None => String::new(),
        Some(Ok(text)) => text,
        Some(Err(_)) => {
            problems.push(FieldProblem::new(format!("/{name}"), "This must be a string."));
            String::new()
        }
    };
    let (name, description) = (text("type"), text("description"));
    let name = match named {
        Some(named) if name.is_empty() || name == named => named,
        Some(_) => {
            problems.push(FieldProblem::new("/type", "The name of a type cannot be changed. Make another."));
            ""
        }
        None => &name,
    };
    problems.extend(["families", "group", "documented"].into_iter().filter_map(|field| {
        let is_so = given(field).is_none_or(|raw| says_what_is_so(field, raw));
        (!is_so).then(|| FieldProblem::new(format!("/{field}"), "This cannot be set. Leave it out."))
    }));
    let json = |name| given(name).map_or("", RawValue::get);
    match OwnType::checked(name, &description, json("sample"), json("schema")) {
        Ok(own) if problems.is_empty() => Ok(own),
        Ok(_) => Err(Problem::wrong(problems)),
        Err(wrongs) => {
            let pointer = |field| if field == "name" { "/type".to_owned() } else { format!("/{field}") };
            let is_new = |problems: &[FieldProblem], at: &str| problems.iter().all(|one| one.pointer != at);
            for wrong in wrongs {
                let at = pointer(wrong.field);
                if is_new(&problems, &at) {
                    problems.push(FieldProblem::new(at, wrong.message));
                }
            }
            Err(Problem::wrong(problems))
        }
    }
}

fn says_what_is_so(field: &str, raw: &RawValue) -> bool {
    let value: serde_json::Value = serde_json::from_str(raw.get()).unwrap_or_default();
    match field {
        "families" => value == serde_json::json!([catalogue::own::FAMILY]),
        "group" => value == catalogue::own::FAMILY,
        _ => value == true,
    }
}

/// What to tell of a type that the project does not know.
pub(super) fn unknown_type(name: &str, own: &OwnNames) -> String {
    let nearest = own.nearest(name, 3);
    let how = if is_own(name) { " POST /v1/event-types adds one." } else { "" };
    if nearest.is_empty() {
        return format!("There is no event type \"{name}\". GET /v1/event-types lists them.{how}");
    }
    format!("There is no event type \"{name}\". Did you mean {}?{how}", nearest.join(", "))
}
