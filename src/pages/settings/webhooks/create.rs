//! A new webhook, and its secret, shown this once.
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::address;
use super::edit::{EditPage, errors_of};
use super::form::Fields;
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::ProjectId;
use crate::base::seal::SealKey;
use crate::dispatcher::probe::Egress;
use crate::models::webhooks::{self, CreateError, Settings, WEBHOOKS_MAX, Webhook};
use crate::rules::signing::Secret;
use crate::web::{Admin, FieldErrors, Form, Frame, Member, PageResult, Section, filters, page};

const NODE: &str = r#"import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
// Throws if it is not ours.
const event = webhook.verify(rawBody, request.headers);"#;
const PYTHON: &str = r#"import os
from standardwebhooks.webhooks import Webhook

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
# Raises if it is not ours.
event = webhook.verify(raw_body, request.headers)"#;

/// The only page that ever shows a signing secret.
#[derive(Template)]
#[template(path = "settings/webhooks/created.html")]
struct CreatedPage {
    frame: Frame,
    list_link: String,
    edit_link: String,
    secret: String,
    warning: String,
}

impl CreatedPage {
    fn of(member: &Member, webhook: &Webhook, secret: &Secret, warning: Option<String>) -> Self {
        let list_link = member.path("/settings/webhooks");
        let title = format!("{} was created", webhook.settings.name);
        Self {
            frame: member.frame(&title, Section::Webhooks).below("Webhooks", &list_link),
            edit_link: format!("{list_link}/{}", webhook.id),
            list_link,
            secret: secret.as_text().to_owned(),
            warning: warning.unwrap_or_default(),
        }
    }
}

/// GET /p/{project}/settings/webhooks/new.
pub async fn new(admin: Admin) -> PageResult {
    EditPage::new(&admin).answer()
}

/// POST /p/{project}/settings/webhooks: the answer is the page with the secret, so that it is in no history.
pub async fn create(
    admin: Admin,
    (db, clock, seal, egress): (Data<Db>, Data<Clock>, Data<SealKey>, Data<Egress>),
    Form(raw): Form,
) -> PageResult {
    let fields = Fields::typed(&raw);
    let checked = match address::checked(&fields, Settings::default(), &egress).await {
        Ok(checked) => checked,
        Err(problems) => return EditPage::refused_new(&admin, fields, errors_of(problems)).answer(),
    };
    let settings = checked.settings;
    match created(&db, &clock, seal, admin.project.id, settings).await {
        Ok((webhook, secret)) => {
            page::page_with(StatusCode::CREATED, &CreatedPage::of(&admin, &webhook, &secret, checked.warning))
        }
        Err(CreateError::NameTaken) => {
            let errors = FieldErrors::one("name", "Another webhook of this project has this name.");
            EditPage::refused_new(&admin, fields, errors).answer()
        }
        Err(CreateError::TooMany) => {
            let text = format!("A project has at most {WEBHOOKS_MAX} webhooks. Delete one first.");
            EditPage::refused_new(&admin, fields, FieldErrors::one("", &text)).answer()
        }
        Err(CreateError::Db(error)) => Err(error.into()),
    }
}

/// The webhook and its secret, kept together or not at all.
async fn created(
    db: &Db,
    clock: &Clock,
    seal: Data<SealKey>,
    project: ProjectId,
    settings: Settings,
) -> Result<(Webhook, Secret), CreateError> {
    let now = clock.now();
    db.transaction(move |conn| {
        let webhook = webhooks::create(conn, project, &settings, now)?;
        let secret = Secret::generate();
        webhooks::add_secret(conn, project, webhook.id, &secret, &seal, now)?;
        Ok((webhook, secret))
    })
    .await
}
