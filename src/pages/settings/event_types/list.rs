//! The types of the project's own, with how many webhooks chose each.
use actix_web::web::Data;
use askama::Template;

use crate::base::db::{Db, DbError};
use crate::models::event_types;
use crate::models::webhooks;
use crate::web::{Admin, Frame, PageResult, Section, filters, page};

#[derive(Template)]
#[template(path = "settings/event_types/list.html")]
struct ListPage {
    frame: Frame,
    new_link: String,
    rows: Vec<Row>,
}

struct Row {
    link: String,
    name: String,
    description: String,
    chosen: String,
}

/// GET /p/{project}/settings/event-types.
pub async fn list(admin: Admin, db: Data<Db>) -> PageResult {
    let project = admin.project.id;
    let load = db.run(move |conn| -> Result<_, DbError> {
        Ok((event_types::names(conn, project)?, webhooks::list(conn, project)?))
    });
    let (own, webhooks) = load.await?;
    let base = admin.path("/settings/event-types");
    let row = |(name, description): (String, String)| {
        let takers = webhooks.iter().filter(|webhook| webhook.settings.takes(&name)).count();
        Row { link: format!("{base}/{name}"), chosen: takers_words(takers), name, description }
    };
    page::page(&ListPage {
        frame: admin.frame("Event types", Section::EventTypes),
        new_link: format!("{base}/new"),
        rows: own.0.into_iter().map(row).collect(),
    })
}

fn takers_words(takers: usize) -> String {
    match takers {
        0 => "No webhook".to_owned(),
        1 => "1 webhook".to_owned(),
        n => format!("{n} webhooks"),
    }
}
