//! The catalogue: `GET /v1/event-types` and `GET /v1/event-types/{type}`.
use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use serde::Serialize;

use super::key::AnyKey;
use super::problem::Problem;
use super::shapes;
use crate::rules::catalogue;

#[derive(Serialize)]
struct AllTypes {
    data: Vec<shapes::EventTypeShape>,
    next_cursor: Option<String>,
}

/// All types in one answer, built once: it is the same for everyone.
pub async fn list(_: AnyKey) -> HttpResponse {
    static ALL: OnceLock<Bytes> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let types: Vec<_> = catalogue::all().iter().map(shapes::event_type).collect();
        Bytes::from(serde_json::to_vec(&AllTypes { data: types, next_cursor: None }).unwrap_or_default())
    });
    HttpResponse::Ok().content_type("application/json").body(all.clone())
}

/// One type.
pub async fn one(_: AnyKey, name: Path<String>) -> Result<HttpResponse, Problem> {
    match catalogue::find(&name) {
        Some(found) => Ok(HttpResponse::Ok().json(shapes::event_type(found))),
        None => Err(Problem::not_found("event type")),
    }
}
