//! Notes on a delivery: `/v1/deliveries/{id}/notes` and `…/{note}`.
use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Payload};
use serde_json::{Value, json};

use super::body;
use super::key::DeliveriesKey;
use super::problem::{FieldProblem, Problem};
use super::project::SETTINGS_BYTES_MAX;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{DeliveryId, NoteId};
use crate::models::deliveries::{self, Note, NoteError};
use crate::rules::body::iso_ms;

/// `{id, author, text, created_at}`.
pub(super) fn shape(note: &Note) -> Value {
    json!({ "id": note.id, "author": note.author, "text": note.text, "created_at": iso_ms(note.created_at()) })
}

fn delivery_id(id: &str) -> Result<DeliveryId, Problem> {
    id.parse().map_err(|_| Problem::not_found("delivery"))
}

/// `GET /v1/deliveries/{id}/notes`: all of them, oldest first.
pub async fn list(key: DeliveriesKey, db: Data<Db>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (project, id) = (key.0.project, delivery_id(&id)?);
    let load = db.run(move |conn| -> Result<_, DbError> {
        let is_there = deliveries::find(conn, project, id)?.is_some();
        is_there.then(|| deliveries::notes(conn, project, id)).transpose()
    });
    let notes = load.await?.ok_or_else(|| Problem::not_found("delivery"))?;
    let data: Vec<Value> = notes.iter().map(shape).collect();
    Ok(HttpResponse::Ok().json(json!({ "data": data, "next_cursor": null })))
}

/// `POST /v1/deliveries/{id}/notes` `{text}`: 201, signed with the key's name.
pub async fn add(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    id: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?;
    let (project, id, now) = (key.0.project, delivery_id(&id)?, clock.now());
    let is_there = db.run(move |conn| deliveries::find(conn, project, id)).await?.is_some();
    if !is_there {
        return Err(Problem::not_found("delivery"));
    }
    let unknown = body.keys().filter(|name| *name != "text");
    let unknown =
        unknown.map(|name| FieldProblem::new(format!("/{name}"), "There is no such field. Known is text."));
    let mut wrong: Vec<FieldProblem> = unknown.collect();
    let text = body.get("text").and_then(Value::as_str).map(str::to_owned);
    if text.is_none() {
        wrong.push(FieldProblem::new("/text", NoteError::Text.to_string()));
    }
    let (Some(text), true) = (text, wrong.is_empty()) else { return Err(Problem::wrong(wrong)) };
    let name = format!("API key {}", key.0.name);
    let add =
        db.transaction(move |conn| deliveries::add_note(conn, (project, id), (None, &name), &text, now));
    match add.await {
        Ok(note) => Ok(HttpResponse::Created().json(shape(&note))),
        Err(NoteError::Db(error)) => Err(error.into()),
        Err(NoteError::Gone) => Err(Problem::not_found("delivery")),
        Err(refused) => Err(Problem::wrong(vec![FieldProblem::new("/text", refused.to_string())])),
    }
}

/// `DELETE /v1/deliveries/{id}/notes/{note}`: 204, whoever wrote it.
pub async fn delete(
    key: DeliveriesKey,
    db: Data<Db>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (project, id) = (key.0.project, delivery_id(&path.0)?);
    let note: NoteId = path.1.parse().map_err(|_| Problem::not_found("note"))?;
    if db.run(move |conn| deliveries::delete_note(conn, (project, id), note, None)).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::not_found("note"))
    }
}
