//! `/healthz`, `/readyz`, `/metrics`: for machines that look after the program.
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use diesel::RunQueryDsl;

use crate::base::db::{Db, DbError};

/// A database that takes longer does not work.
const READY_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// Whether the dispatcher looks at its queue.
#[derive(Clone)]
pub struct Works(pub Arc<dyn Fn() -> bool + Send + Sync>);

/// The metrics as text; none on the main address when they have a listener of their own.
#[derive(Clone)]
pub struct MetricsText(pub Option<Arc<dyn Fn() -> String + Send + Sync>>);

/// `GET /healthz`: the process lives.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `GET /readyz`: the database answers and the dispatcher works; else 503.
pub async fn readyz(db: Data<Db>, works: Data<Works>) -> HttpResponse {
    let asked = db.run(|conn| -> Result<(), DbError> {
        diesel::sql_query("select 1").execute(conn)?;
        Ok(())
    });
    let answers = tokio::time::timeout(READY_WITHIN, asked).await;
    match (answers, (works.0)()) {
        (Ok(Ok(())), true) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        (Err(_) | Ok(Err(_)), _) => not_ready("the database does not answer\n"),
        (Ok(Ok(())), false) => not_ready("the dispatcher does not work yet\n"),
    }
}

/// `GET /metrics` for whoever reaches it: on a listener of its own, or behind a check.
pub async fn metrics_for_all(text: Data<MetricsText>) -> HttpResponse {
    match &text.0 {
        Some(text) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text()),
        None => HttpResponse::NotFound().finish(),
    }
}

fn not_ready(why: &'static str) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header((header::RETRY_AFTER, 1))
        .content_type("text/plain; charset=utf-8")
        .body(why)
}
