//! Deleting a webhook, after saying what goes with it.
use actix_session::Session;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::PgConnection;

use super::{GONE, find};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::WebhookId;
use crate::models::audit::{self, Action};
use crate::models::deliveries;
use crate::web::{Admin, Frame, Htmx, PageError, PageResult, Section, filters, page, session};

/// Names what is cancelled.
#[derive(Template)]
#[template(path = "settings/webhooks/delete.html")]
struct DeletePage {
    frame: Frame,
    delete_link: String,
    edit_link: String,
    target_url: String,
    cancelled: String,
}

/// GET /p/{project}/settings/webhooks/{id}/delete.
pub async fn confirm(admin: Admin, db: Data<Db>, path: Path<(String, String)>) -> PageResult {
    let webhook = find(&db, admin.project.id, &path.1).await?;
    let (project, id) = (webhook.project, webhook.id);
    let waiting = db.run(move |conn| deliveries::waiting(conn, project, vec![id])).await?;
    let waiting = waiting.get(&id).copied().unwrap_or_default();
    let list_link = admin.path("/settings/webhooks");
    page::page(&DeletePage {
        frame: admin
            .frame(&format!("Delete {}?", webhook.settings.name), Section::Webhooks)
            .below("Webhooks", &list_link),
        delete_link: format!("{list_link}/{id}/delete"),
        edit_link: format!("{list_link}/{id}"),
        target_url: webhook.settings.target_url,
        cancelled: cancelled_words(waiting.queued + waiting.held),
    })
}

/// POST /p/{project}/settings/webhooks/{id}/delete.
pub async fn delete(
    admin: Admin,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
) -> PageResult {
    let id: WebhookId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, now) = (admin.project.id, clock.now());
    let entry = admin.entry(Action::WebhookDeleted, id, "");
    let delete = move |conn: &mut PgConnection| {
        let was_there = deliveries::delete_webhook(conn, project, id, now)?;
        if was_there {
            audit::write(conn, &entry, now)?;
        }
        Ok(was_there)
    };
    let was_there = db.transaction(delete).await.map_err(db_error)?;
    if !was_there {
        return Err(PageError::NotFound(GONE));
    }
    wakeup.wake();
    session::say(&session, "The webhook was deleted. Its history stays.")?;
    Ok(page::go_to(htmx, &admin.path("/settings/webhooks")))
}

fn db_error(error: DbError) -> PageError {
    error.into()
}

fn cancelled_words(waiting: i64) -> String {
    match waiting {
        0 => "Nothing waits for it at the moment.".to_owned(),
        1 => "One delivery that waits for it is cancelled.".to_owned(),
        n => format!("{n} deliveries that wait for it are cancelled."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_how_many_are_cancelled() {
        assert!(cancelled_words(0).starts_with("Nothing"));
        assert!(cancelled_words(12).starts_with("12 deliveries"));
    }
}
