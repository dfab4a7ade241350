//! `/p/{project}/reveal`: shows support the personal data of a project for a quarter of an hour, for a reason.
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::models::projects::Role;
use crate::models::projects::reveals::{self, REASON_CHARS};
use crate::rules::name::has_unseen;
use crate::web::page::own_path;
use crate::web::{
    FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, Query, RawForm, Section, Support, filters,
    page, session,
};

#[derive(Template)]
#[template(path = "reveal.html")]
struct RevealPage {
    frame: Frame,
    link: String,
    /// Where one goes afterwards.
    next: String,
    reason: String,
    minutes: i64,
    errors: FieldErrors,
}

impl RevealPage {
    fn of(member: &Member, form: &RawForm, errors: FieldErrors) -> Self {
        let history = member.path("/history");
        Self {
            frame: member.frame("Reveal personal data", Section::History).below("History", &history),
            link: member.path("/reveal"),
            next: next(member, form),
            reason: form.text("reason").to_owned(),
            minutes: reveals::LASTS.whole_minutes(),
            errors,
        }
    }
}

/// A page of this project; its history for anything else.
fn next(member: &Member, form: &RawForm) -> String {
    let of_project = member.path("/");
    let wanted = own_path(form.text("next")).filter(|path| path.starts_with(&of_project));
    wanted.map_or_else(|| member.path("/history"), str::to_owned)
}

/// GET /p/{project}/reveal?next=.
pub async fn ask(support: Support, query: Query, htmx: Htmx) -> PageResult {
    if !support.sight.is_masked() {
        return Ok(page::go_to(htmx, &next(&support, &query.0)));
    }
    page::page(&RevealPage::of(&support, &query.0, FieldErrors::none()))
}

/// POST /p/{project}/reveal: begins one and goes back to where it was asked for.
pub async fn begin(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    (session, htmx): (Session, Htmx),
    Form(form): Form,
) -> PageResult {
    let reason = match checked(form.text("reason")) {
        Ok(reason) => reason,
        Err(message) => {
            let view = RevealPage::of(&support, &form, FieldErrors::one("reason", &message));
            return page::page_with(StatusCode::UNPROCESSABLE_ENTITY, &view);
        }
    };
    // Admins see everything as it is.
    if support.role < Role::Admin {
        let (project, user, now) = (support.project.id, support.user.id, clock.now());
        let begun = db.transaction(move |conn| reveals::begin(conn, project, user, &reason, now));
        begun.await.map_err(db_error)?;
        session::say(&session, "Personal data is shown to you. What you open is in the audit log.")?;
    }
    Ok(page::go_to(htmx, &next(&support, &form)))
}

/// POST /p/{project}/reveal/end: masks everything again.
pub async fn end(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    (session, htmx): (Session, Htmx),
    Form(form): Form,
) -> PageResult {
    let (project, user, now) = (support.project.id, support.user.id, clock.now());
    db.transaction(move |conn| reveals::end(conn, project, user, now)).await.map_err(db_error)?;
    session::say(&session, "Personal data is masked again.")?;
    Ok(page::go_to(htmx, &next(&support, &form)))
}

fn checked(typed: &str) -> Result<String, String> {
    let reason = typed.trim().replace("\r\n", "\n");
    let (min, max) = REASON_CHARS;
    match reason.chars().count() {
        0 => Err("Say why you need to see it.".to_owned()),
        count if count < min => Err(format!("Say it in at least {min} characters.")),
        count if count > max => Err(format!("At most {max} characters; this is {count}.")),
        _ if has_unseen(&reason.replace('\n', " ")) => {
            Err("There are characters in it that cannot be seen.".to_owned())
        }
        _ => Ok(reason),
    }
}

fn db_error(error: DbError) -> PageError {
    error.into()
}
