//! A new webhook.
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::edit::errors_of;
use super::form::Fields;
use super::preview::Shown;
use super::types::{self, Group};
use super::{address, own_names, state};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::ProjectId;
use crate::base::seal::SealKey;
use crate::dispatcher::probe::Egress;
use crate::models::webhooks::{self, CreateError, Settings, WEBHOOKS_MAX, Webhook};
use crate::rules::catalogue::own::OwnNames;
use crate::rules::signing::Secret;
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageResult, Section, filters, once, page, session,
};

/// Fields below "More settings": it is open when one of them is refused.
const MORE: [&str; 9] = [
    "name",
    "description",
    "body",
    "success",
    "timeout_ms",
    "rate_per_s",
    "waits",
    "retries",
    "when_used_up",
];

#[derive(Template)]
#[template(path = "settings/webhooks/new.html")]
pub(super) struct NewPage {
    frame: Frame,
    list_link: String,
    fields: Fields,
    errors: FieldErrors,
    groups: Vec<Group>,
    chosen_words: String,
    preview: Option<Shown>,
    preview_link: String,
    status: StatusCode,
}

impl NewPage {
    /// An empty form with the defaults.
    fn of(member: &Member, own: &OwnNames) -> Self {
        Self::build(member, own, Fields::of(&Settings::default()))
    }

    /// What was typed, and why it could not be saved. 422.
    fn refused(member: &Member, own: &OwnNames, fields: Fields, errors: FieldErrors) -> Self {
        Self { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..Self::build(member, own, fields) }
    }

    /// What was typed, and what it would have sent.
    pub(super) fn previewed(
        member: &Member,
        own: &OwnNames,
        fields: Fields,
        preview: Shown,
        status: StatusCode,
    ) -> Self {
        Self { preview: Some(preview), status, ..Self::build(member, own, fields) }
    }

    fn build(member: &Member, own: &OwnNames, fields: Fields) -> Self {
        let list_link = member.path("/settings/webhooks");
        Self {
            frame: member.frame("New webhook", Section::Webhooks).below("Webhooks", &list_link),
            list_link,
            groups: types::groups(&fields.events, own),
            chosen_words: state::subscribed_words(fields.all_events, fields.events.len()),
            fields,
            errors: FieldErrors::none(),
            preview: None,
            preview_link: member.path("/settings/webhooks/preview"),
            status: StatusCode::OK,
        }
    }

    /// Whether one begins to type at the target: not if that is right and something else was refused.
    fn begins_at_target(&self) -> bool {
        self.errors.is_empty() || self.errors.get("target_url").is_some()
    }

    /// Whether one goes on with the events, which were refused.
    fn begins_at_events(&self) -> bool {
        !self.begins_at_target() && self.errors.get("events").is_some()
    }

    fn has_more_errors(&self) -> bool {
        MORE.iter().any(|field| self.errors.get(field).is_some())
    }

    pub(super) fn answer(&self) -> PageResult {
        page::page_with(self.status, self)
    }
}

/// GET /p/{project}/settings/webhooks/new.
pub async fn new(admin: Admin, db: Data<Db>) -> PageResult {
    let own = own_names(&db, admin.project.id).await?;
    NewPage::of(&admin, &own).answer()
}

/// POST /p/{project}/settings/webhooks: goes on to the page that shows the secret.
pub async fn create(
    admin: Admin,
    (db, clock, seal, egress): (Data<Db>, Data<Clock>, Data<SealKey>, Data<Egress>),
    (session, htmx): (Session, Htmx),
    Form(raw): Form,
) -> PageResult {
    let fields = Fields::typed(&raw);
    let own = own_names(&db, admin.project.id).await?;
    let checked = match address::checked(&fields, None, (&admin.project, &own), &egress).await {
        Ok(checked) => checked,
        Err(problems) => return NewPage::refused(&admin, &own, fields, errors_of(problems)).answer(),
    };
    match created(&db, &clock, seal.clone(), admin.project.id, checked.settings).await {
        Ok((webhook, secret)) => {
            let place = admin.path(&format!("/settings/webhooks/{}/created", webhook.id));
            once::keep(&session, &seal, &place, secret.as_text())?;
            checked.warning.map_or(Ok(()), |warning| session::say_refusal(&session, &warning))?;
            Ok(page::go_to(htmx, &place))
        }
        Err(CreateError::NameTaken) => {
            let errors = FieldErrors::one("name", "Another webhook of this project has this name.");
            NewPage::refused(&admin, &own, fields, errors).answer()
        }
        Err(CreateError::TooMany) => {
            let text = format!("A project has at most {WEBHOOKS_MAX} webhooks. Delete one first.");
            NewPage::refused(&admin, &own, fields, FieldErrors::one("", &text)).answer()
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
        let webhook = webhooks::create(conn, project, &settings, &seal, now)?;
        let secret = Secret::generate();
        webhooks::add_secret(conn, project, webhook.id, &secret, &seal, now)?;
        Ok((webhook, secret))
    })
    .await
}
