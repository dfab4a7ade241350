//! Forms about views: save, rename, update, delete, hide and show.
use actix_web::web::Data;

use super::bar::{read, whose};
use super::builtin;
use super::manage::{self, Refused, Saving};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::ViewId;
use crate::models::saved_views::{self, List, SaveError};
use crate::web::session::{self, Session};
use crate::web::{Form, Htmx, Member, PageResult, RawForm, Viewer, page};

/// The list that a form is about.
fn list_of(form: &RawForm) -> List {
    List::of_word(form.text("list"))
}

fn manage_link(member: &Member, list: List) -> String {
    member.path(&format!("/views?list={}", list.as_str()))
}

/// POST /p/{project}/views: keeps filters under a name, and shows them under it.
pub async fn create(
    viewer: Viewer,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    session: Session,
    Form(form): Form,
) -> PageResult {
    let (list, now) = (list_of(&form), clock.now());
    let filters = read(&viewer, list, form.text("query"));
    let (whose, name) = (whose(&viewer, list), form.text("name").to_owned());
    let (typed, query) = (name.clone(), filters.query());
    let saved = db.transaction(move |conn| saved_views::create(conn, whose, &name, &query, now)).await;
    match saved {
        Ok(id) => {
            session::say(&session, &format!("Saved as “{}”.", typed.trim()))?;
            Ok(page::go_to(htmx, &filters.with("saved", &id.to_string())))
        }
        Err(SaveError::Db(error)) => Err(error.into()),
        Err(refused) => {
            let error = refused.to_string();
            let saving = Saving { name: typed, query: filters.query(), error };
            manage::answer(&viewer, &db, list, Some(Refused::Saving(saving))).await
        }
    }
}

/// POST /p/{project}/views/rename.
pub async fn rename(
    viewer: Viewer,
    db: Data<Db>,
    htmx: Htmx,
    session: Session,
    Form(form): Form,
) -> PageResult {
    let (list, typed) = (list_of(&form), form.text("name").to_owned());
    let Ok(id) = form.text("view").parse::<ViewId>() else { return gone(&viewer, htmx, &session, list) };
    let (whose, name) = (whose(&viewer, list), typed.clone());
    match db.transaction(move |conn| saved_views::rename(conn, whose, id, &name)).await {
        Ok(()) => {
            session::say(&session, &format!("It is called “{}” now.", typed.trim()))?;
            Ok(page::go_to(htmx, &manage_link(&viewer, list)))
        }
        Err(SaveError::Db(error)) => Err(error.into()),
        Err(SaveError::Gone) => gone(&viewer, htmx, &session, list),
        Err(refused) => {
            let renaming = Refused::Renaming { id: id.to_string(), typed, error: refused.to_string() };
            manage::answer(&viewer, &db, list, Some(renaming)).await
        }
    }
}

/// POST /p/{project}/views/update: gives a view the filters that are set now.
pub async fn update(
    viewer: Viewer,
    db: Data<Db>,
    htmx: Htmx,
    session: Session,
    Form(form): Form,
) -> PageResult {
    let list = list_of(&form);
    let Ok(id) = form.text("view").parse::<ViewId>() else { return gone(&viewer, htmx, &session, list) };
    let filters = read(&viewer, list, form.text("query"));
    let (whose, query) = (whose(&viewer, list), filters.query());
    match db.transaction(move |conn| saved_views::replace(conn, whose, id, &query)).await {
        Ok(name) => {
            session::say(&session, &format!("“{name}” has these filters now."))?;
            Ok(page::go_to(htmx, &filters.with("saved", &id.to_string())))
        }
        Err(SaveError::Db(error)) => Err(error.into()),
        Err(SaveError::Gone) => gone(&viewer, htmx, &session, list),
        Err(refused) => {
            session::say_refusal(&session, &refused.to_string())?;
            Ok(page::go_to(htmx, &filters.with("saved", &id.to_string())))
        }
    }
}

/// POST /p/{project}/views/delete.
pub async fn delete(
    viewer: Viewer,
    db: Data<Db>,
    htmx: Htmx,
    session: Session,
    Form(form): Form,
) -> PageResult {
    let list = list_of(&form);
    let Ok(id) = form.text("view").parse::<ViewId>() else { return gone(&viewer, htmx, &session, list) };
    let whose = whose(&viewer, list);
    match db.run(move |conn| saved_views::delete(conn, whose, id)).await? {
        Some(view) => session::say(&session, &format!("“{}” is deleted.", view.name))?,
        None => return gone(&viewer, htmx, &session, list),
    }
    Ok(page::go_to(htmx, &manage_link(&viewer, list)))
}

/// POST /p/{project}/views/show: shows a view that everybody has, or without `shown` hides it.
pub async fn show_or_hide(
    viewer: Viewer,
    db: Data<Db>,
    htmx: Htmx,
    session: Session,
    Form(form): Form,
) -> PageResult {
    let (list, hidden) = (list_of(&form), !form.is_checked("shown"));
    let Some(view) = builtin::of_list(list).iter().find(|view| view.word == form.text("word")) else {
        return gone(&viewer, htmx, &session, list);
    };
    let whose = whose(&viewer, list);
    db.run(move |conn| saved_views::set_hidden(conn, whose, view.word, hidden)).await?;
    let what = if hidden { "is hidden" } else { "is shown again" };
    session::say(&session, &format!("“{}” {what}.", view.name))?;
    Ok(page::go_to(htmx, &manage_link(&viewer, list)))
}

fn gone(member: &Member, htmx: Htmx, session: &Session, list: List) -> PageResult {
    session::say_refusal(session, &SaveError::Gone.to_string())?;
    Ok(page::go_to(htmx, &manage_link(member, list)))
}
