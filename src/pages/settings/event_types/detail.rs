//! One type of the project's own, told as the reference tells those of the catalogue.
use actix_web::web::{Data, Path};
use askama::Template;

use super::find;
use crate::base::db::Db;
use crate::models::webhooks::{self, Webhook};
use crate::pages::reference::about::{About, Piece, SECRET};
use crate::pages::reference::envelope;
use crate::rules::catalogue::own::FAMILY;
use crate::web::{Admin, Frame, PageError, PageResult, Section, WebSettings, filters, page};

#[derive(Template)]
#[template(path = "settings/event_types/detail.html")]
struct DetailPage {
    frame: Frame,
    link: String,
    name: String,
    description: String,
    about: About,
    has_schema: bool,
    envelope: &'static [Piece],
    secret: &'static str,
    post: String,
    takers: Vec<Taker>,
}

/// A webhook that takes the type.
struct Taker {
    link: String,
    name: String,
}

/// GET /p/{project}/settings/event-types/{type}.
pub async fn detail(
    admin: Admin,
    (db, settings): (Data<Db>, Data<WebSettings>),
    path: Path<(String, String)>,
) -> PageResult {
    let project = admin.project.id;
    let own = find(&db, project, &path.1).await?;
    let load = db.run(move |conn| -> Result<_, PageError> {
        let takers = webhooks::list(conn, project)?.into_iter().filter(|one| one.settings.takes(&own.name));
        let takers: Vec<Webhook> = takers.collect();
        Ok((About::of(&own.name, &own.sample, &own.fields()), takers, own))
    });
    let (about, takers, own) = load.await?;
    let taker = |webhook: Webhook| Taker {
        link: admin.path(&format!("/settings/webhooks/{}", webhook.id)),
        name: webhook.settings.name,
    };
    let list_link = admin.path("/settings/event-types");
    page::page(&DetailPage {
        frame: admin.frame(&own.name, Section::EventTypes).below("Event types", &list_link),
        link: format!("{list_link}/{}", own.name),
        post: About::post(&own.name, &own.sample, &settings.public_url),
        about,
        has_schema: own.typed_schema.is_some(),
        envelope: envelope(),
        secret: SECRET,
        takers: takers.into_iter().map(taker).collect(),
        name: own.name,
        description: own.description,
    })
}
