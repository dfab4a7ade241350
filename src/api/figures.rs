//! Figures: `GET /v1/figures`; failure groups that are known: `/v1/failure-groups/{id}/known`.
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::body;
use super::key::DeliveriesKey;
use super::lists::Parameters;
use super::problem::{FieldProblem, Problem};
use super::project::SETTINGS_BYTES_MAX;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::FailureGroupId;
use crate::models::figures::{self, Figures, Group, KnownError, Note, Range, Sums, Times};
use crate::rules::body::iso_ms;

/// `GET /v1/figures?range=`: the numbers of the overview.
pub async fn get(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut given = Parameters::of(&request, &["range"]);
    let range = given.one("range", "a range: 1h, 6h, 24h, 7d, 30d or 90d", Range::of_word);
    given.checked()?;
    let (project, range, now) = (key.0.project, range.unwrap_or(Range::Day), clock.now());
    let (figures, groups) = db
        .run(move |conn| -> Result<_, DbError> {
            let groups = figures::groups(conn, project, range, now)?;
            Ok((figures::load(conn, project, range, now)?, groups))
        })
        .await?;
    Ok(HttpResponse::Ok().json(told(&figures, &groups)))
}

/// `POST /v1/failure-groups/{id}/known` with `{note}`: 204.
pub async fn mark(
    key: DeliveriesKey,
    (db, clock): (Data<Db>, Data<Clock>),
    id: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::object(&body::read(payload, SETTINGS_BYTES_MAX).await?)?;
    let id: FailureGroupId = id.parse().map_err(|_| Problem::not_found("failure group"))?;
    let note = Note::new(body.get("note").and_then(Value::as_str).unwrap_or_default());
    let (project, now, by) = (key.0.project, clock.now(), key.0.name);
    let marked = db.run(move |conn| match note {
        Ok(note) => figures::mark_known(conn, project, id, &note, (&by, now)).map(|()| None),
        Err(_) if !figures::exists(conn, project, id)? => Err(KnownError::Gone),
        Err(wrong) => Ok(Some(wrong)),
    });
    match marked.await.map_err(problem)? {
        Some(wrong) => Err(Problem::wrong(vec![FieldProblem::new("/note", wrong)])),
        None => Ok(HttpResponse::NoContent().finish()),
    }
}

/// `DELETE /v1/failure-groups/{id}/known`: 204, also if it was not known.
pub async fn unmark(key: DeliveriesKey, db: Data<Db>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: FailureGroupId = id.parse().map_err(|_| Problem::not_found("failure group"))?;
    let project = key.0.project;
    db.run(move |conn| figures::unmark_known(conn, project, id)).await.map_err(problem)?;
    Ok(HttpResponse::NoContent().finish())
}

fn problem(error: KnownError) -> Problem {
    match error {
        KnownError::Gone => Problem::not_found("failure group"),
        KnownError::Db(error) => error.into(),
    }
}

fn told(figures: &Figures, groups: &[Group]) -> Value {
    let step = figures.range.grain().length();
    let point =
        |(n, point): (i32, &Sums)| json!({ "at": iso_ms(figures.begin + step * n), "figures": sums(point) });
    let webhook = |one: &figures::OfWebhook| json!({ "webhook_id": one.id, "figures": sums(&one.sums), "receivers_ms": times(&one.times) });
    json!({
        "object": "figures",
        "range": figures.range.as_str(),
        "begins_at": iso_ms(figures.begin),
        "step_s": figures.range.grain().seconds(),
        "counted_since": figures.counted_since.map(iso_ms),
        "figures": sums(&figures.sums),
        "before": sums(&figures.before),
        "receivers_ms": times(&figures.times),
        "points": (0..).zip(&figures.points).map(point).collect::<Vec<_>>(),
        "webhooks": figures.webhooks.iter().map(webhook).collect::<Vec<_>>(),
        "failure_groups": groups.iter().map(group).collect::<Vec<_>>(),
    })
}

fn sums(sums: &Sums) -> Value {
    json!({
        "delivered_first": sums.delivered_first,
        "delivered_later": sums.delivered_later,
        "failed": sums.failed,
        "attempts_taken": sums.attempts_taken,
        "attempts_failed": sums.attempts_failed,
        "success_percent": sums.success().map(|hundredths| hundredths as f64 / 100.0),
    })
}

/// To a tenth.
fn times(times: &Times) -> Value {
    let ms = |percent| times.percentile(percent).map(|us| (us / 100) as f64 / 10.0);
    json!({ "p50": ms(50), "p95": ms(95) })
}

fn group(group: &Group) -> Value {
    let known = group.known.as_ref();
    json!({
        "id": group.id,
        "webhook_id": group.webhook,
        "failure": group.kind.as_str(),
        "response_status": group.response_status,
        "host": group.host,
        "attempts": group.attempts,
        "given_up": group.failed,
        "first_seen_at": iso_ms(group.first_seen_at),
        "last_seen_at": iso_ms(group.last_seen_at),
        "last_delivery_id": group.last_delivery,
        "known": known.map(|known| json!({ "at": iso_ms(known.at), "by": known.by, "note": known.note })),
    })
}
