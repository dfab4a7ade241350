//! Notes on a delivery: what its page shows of them, and the forms that write and delete them.
use actix_session::Session;
use actix_web::web::{Data, Path};
use time::OffsetDateTime;

use super::detail::GONE;
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::{DeliveryId, NoteId};
use crate::models::deliveries::{self, Note, NoteError};
use crate::models::projects::members::Role;
use crate::rules::masks::Veil;
use crate::web::{Form, Htmx, Member, PageError, PageResult, Support, page, session};

/// A note, ready to print.
pub(super) struct NoteLine {
    pub(super) id: String,
    pub(super) author: String,
    pub(super) text: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) may_delete: bool,
}

impl NoteLine {
    pub(super) fn of(member: &Member, note: &Note, veil: &Veil) -> Self {
        let is_own = note.user_id == Some(member.user.id) && member.role >= Role::Support;
        Self {
            id: note.id.to_string(),
            author: note.author.clone(),
            text: veil.text(&note.text).into_owned(),
            created_at: note.created_at(),
            may_delete: is_own || member.role == Role::Admin,
        }
    }
}

/// POST /p/{project}/history/{delivery}/notes.
pub async fn add(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
    Form(form): Form,
) -> PageResult {
    let id: DeliveryId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, now, text) = (support.project.id, clock.now(), form.text("text").to_owned());
    let (user, name) = (support.user.id, support.user.name.clone());
    let added = db
        .transaction(move |conn| deliveries::add_note(conn, (project, id), (Some(user), &name), &text, now))
        .await;
    match added {
        Ok(_) => session::say(&session, "The note is added. Everybody in this project can read it.")?,
        Err(NoteError::Gone) => return Err(PageError::NotFound(GONE)),
        Err(NoteError::Db(error)) => return Err(error.into()),
        Err(refused) => session::say_refusal(&session, &refused.to_string())?,
    }
    Ok(page::go_to(htmx, &support.path(&format!("/history/{id}#notes"))))
}

/// POST /p/{project}/history/{delivery}/notes/delete: one's own; an admin any.
pub async fn delete(
    support: Support,
    db: Data<Db>,
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
    Form(form): Form,
) -> PageResult {
    let id: DeliveryId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let project = support.project.id;
    let own = (support.role < Role::Admin).then_some(support.user.id);
    let note = form.text("note").parse::<NoteId>().ok();
    let delete = db.run(move |conn| {
        if deliveries::find(conn, project, id)?.is_none() {
            return Err(PageError::NotFound(GONE));
        }
        let Some(note) = note else { return Ok(false) };
        Ok(deliveries::delete_note(conn, (project, id), note, own)?)
    });
    if delete.await? {
        session::say(&session, "The note is deleted.")?;
    } else {
        session::say_refusal(&session, "There is no such note of yours any more.")?;
    }
    Ok(page::go_to(htmx, &support.path(&format!("/history/{id}#notes"))))
}
