//! Deleting a type, after saying which webhooks chose it.
use actix_session::Session;
use actix_web::web::{Data, Path};
use askama::Template;

use super::{GONE, find};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::models::webhooks::{self, Webhook};
use crate::web::{Admin, Frame, Htmx, PageError, PageResult, Section, filters, page, session};

#[derive(Template)]
#[template(path = "settings/event_types/delete.html")]
struct DeletePage {
    frame: Frame,
    link: String,
    description: String,
    /// Those that chose it, with what they keep.
    takers: Vec<Taker>,
}

struct Taker {
    name: String,
    /// Types that it chose beside this one.
    others: usize,
}

/// GET /p/{project}/settings/event-types/{type}/delete.
pub async fn confirm(admin: Admin, db: Data<Db>, path: Path<(String, String)>) -> PageResult {
    let project = admin.project.id;
    let own = find(&db, project, &path.1).await?;
    let name = own.name.clone();
    let takers = db.run(move |conn| webhooks::that_chose(conn, project, &name)).await?;
    let list_link = admin.path("/settings/event-types");
    let link = format!("{list_link}/{}", own.name);
    let taker = |webhook: Webhook| Taker {
        others: webhook.settings.events.len().saturating_sub(1),
        name: webhook.settings.name,
    };
    page::page(&DeletePage {
        frame: admin
            .frame(&format!("Delete {}?", own.name), Section::EventTypes)
            .below("Event types", &list_link)
            .below(&own.name, &link),
        link,
        description: own.description,
        takers: takers.into_iter().map(taker).collect(),
    })
}

/// POST /p/{project}/settings/event-types/{type}/delete.
pub async fn delete(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    (session, htmx): (Session, Htmx),
    path: Path<(String, String)>,
) -> PageResult {
    let (project, now, name) = (admin.project.id, clock.now(), path.1.clone());
    let deleted = db.transaction(move |conn| webhooks::delete_type(conn, project, &name, now));
    if !deleted.await.map_err(db_error)? {
        return Err(PageError::NotFound(GONE));
    }
    session::say(&session, "The event type was deleted. Its events stay in the history.")?;
    Ok(page::go_to(htmx, &admin.path("/settings/event-types")))
}

fn db_error(error: DbError) -> PageError {
    error.into()
}
