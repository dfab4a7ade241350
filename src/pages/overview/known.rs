//! Failures that somebody knows of: marked with a note, and unmarked.
use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::FailureGroupId;
use crate::models::figures::{self, KnownError, Note, Range};
use crate::web::{Form, Htmx, Member, PageError, PageResult, RawForm, Support, page, session};

const GONE: &str = "There is no such failure group.";

/// POST /p/{project}/overview/failures/{group}/known with `note`; `range` is the one to go back to.
pub async fn mark(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    (htmx, session, path): (Htmx, Session, Path<(String, String)>),
    form: Form,
) -> PageResult {
    let id: FailureGroupId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, now, by) = (support.project.id, clock.now(), support.user.name.clone());
    let note = Note::new(form.0.text("note"));
    let marked = db.run(move |conn| match note {
        Ok(note) => figures::mark_known(conn, project, id, &note, (&by, now)).map(|()| None),
        Err(_) if !figures::exists(conn, project, id)? => Err(KnownError::Gone),
        Err(wrong) => Ok(Some(wrong)),
    });
    if let Some(wrong) = told(marked.await)? {
        session::say_refusal(&session, &wrong)?;
    }
    Ok(back(&support, htmx, &form.0))
}

/// POST /p/{project}/overview/failures/{group}/unknown: takes the mark away.
pub async fn unmark(
    support: Support,
    db: Data<Db>,
    (htmx, path): (Htmx, Path<(String, String)>),
    form: Form,
) -> PageResult {
    let id: FailureGroupId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let project = support.project.id;
    told(db.run(move |conn| figures::unmark_known(conn, project, id)).await)?;
    Ok(back(&support, htmx, &form.0))
}

fn told<T>(result: Result<T, KnownError>) -> Result<T, PageError> {
    result.map_err(|error| match error {
        KnownError::Gone => PageError::NotFound(GONE),
        KnownError::Db(error) => error.into(),
    })
}

fn back(member: &Member, htmx: Htmx, form: &RawForm) -> HttpResponse {
    let range = Range::of_word(form.text("range")).unwrap_or(Range::Day);
    page::go_to(htmx, &member.path(&format!("/overview?range={}#failing", range.as_str())))
}
