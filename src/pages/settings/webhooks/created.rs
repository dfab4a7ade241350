//! The only page that ever shows a signing secret, or an API key that was made here.
use actix_web::HttpRequest;
use actix_web::web::{Data, Path};
use askama::Template;

use super::find;
use super::once_shown::OnceShown;
use crate::base::db::Db;
use crate::base::seal::SealKey;
use crate::models::webhooks::Webhook;
use crate::web::{Admin, Frame, Htmx, Member, PageResult, Section, filters, once, page};

const NODE: &str = r#"import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
// Throws if it is not ours.
const event = webhook.verify(rawBody, request.headers);"#;
const PYTHON: &str = r#"import os
from standardwebhooks.webhooks import Webhook

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
# Raises if it is not ours.
event = webhook.verify(raw_body, request.headers)"#;

#[derive(Template)]
#[template(path = "settings/webhooks/created.html")]
struct CreatedPage {
    frame: Frame,
    list_link: String,
    link: String,
    shown: OnceShown,
    key_header: String,
}

impl CreatedPage {
    fn of(member: &Member, webhook: &Webhook, shown: OnceShown) -> Self {
        let list_link = member.path("/settings/webhooks");
        let verb = if shown.secret.is_some() { "created" } else { "saved" };
        let title = format!("{} was {verb}", webhook.settings.name);
        Self {
            frame: member.frame(&title, Section::Webhooks).below("Webhooks", &list_link),
            link: format!("{list_link}/{}", webhook.id),
            list_link,
            shown,
            key_header: webhook.settings.authentication.name().to_owned(),
        }
    }
}

/// GET /p/{project}/settings/webhooks/{id}/created: the secrets that were just made. Once they were seen, the
/// webhook's own page.
pub async fn created(
    admin: Admin,
    (db, seal): (Data<Db>, Data<SealKey>),
    (htmx, request): (Htmx, HttpRequest),
    path: Path<(String, String)>,
) -> PageResult {
    let webhook = find(&db, admin.project.id, &path.1).await?;
    let link = admin.path(&format!("/settings/webhooks/{}", webhook.id));
    match once::take(&request, &seal, &format!("{link}/created")) {
        Some(kept) => page::page(&CreatedPage::of(&admin, &webhook, OnceShown::of_text(&kept))),
        None => Ok(page::go_to(htmx, &link)),
    }
}
