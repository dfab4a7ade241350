//! Pausing, resuming and cancelling a replay.
use actix_session::Session;
use actix_web::web::{Data, Path};
use diesel::PgConnection;
use time::OffsetDateTime;

use super::GONE;
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::{ProjectId, ReplayId};
use crate::models::replays::{self, Replay, SwitchError};
use crate::web::{Htmx, Member, PageError, PageResult, Support, page, session};

/// POST /p/{project}/replays/{replay}/pause.
pub async fn pause(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
) -> PageResult {
    switch(&support, &db, clock.now(), (htmx, &session, &path.1), replays::pause).await
}

/// POST /p/{project}/replays/{replay}/resume.
pub async fn resume(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
) -> PageResult {
    switch(&support, &db, clock.now(), (htmx, &session, &path.1), replays::resume).await
}

/// POST /p/{project}/replays/{replay}/cancel.
pub async fn cancel(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
) -> PageResult {
    switch(&support, &db, clock.now(), (htmx, &session, &path.1), replays::cancel).await
}

type Switch = fn(&mut PgConnection, ProjectId, ReplayId, OffsetDateTime) -> Result<Replay, SwitchError>;

/// Goes back to the replay's page, which says how it stands then.
async fn switch(
    member: &Member,
    db: &Db,
    now: OffsetDateTime,
    (htmx, session, id): (Htmx, &Session, &str),
    switch: Switch,
) -> PageResult {
    let id: ReplayId = id.parse().map_err(|_| PageError::NotFound(GONE))?;
    let project = member.project.id;
    match db.transaction(move |conn| switch(conn, project, id, now)).await {
        Ok(_) => {}
        Err(SwitchError::Gone) => return Err(PageError::NotFound(GONE)),
        Err(SwitchError::Db(error)) => return Err(error.into()),
        Err(ended) => session::say_refusal(session, &ended.to_string())?,
    }
    Ok(page::go_to(htmx, &member.path(&format!("/replays/{id}"))))
}
