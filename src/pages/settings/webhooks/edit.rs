//! One webhook: its settings as a form, and beside it how it stands and fares.
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use time::OffsetDateTime;

use super::form::Fields;
use super::preview::Shown;
use super::stored::{Found, Stored};
use super::types::{self, Group};
use super::{GONE, address, state};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::dispatcher::probe::Egress;
use crate::models::deliveries;
use crate::models::projects;
use crate::models::webhooks::{self, Problem, Settings, UpdateError, Webhook};
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, Section, filters, page, session,
};

#[derive(Template)]
#[template(path = "settings/webhooks/edit.html")]
pub(super) struct EditPage {
    frame: Frame,
    stored: Stored,
    fields: Fields,
    errors: FieldErrors,
    groups: Vec<Group>,
    chosen_words: String,
    preview: Option<Shown>,
    preview_link: String,
    status: StatusCode,
}

impl EditPage {
    /// The form with what is saved.
    fn of(member: &Member, found: &Found) -> Self {
        Self::build(member, found, Fields::of(&found.webhook.settings))
    }

    /// Changes that could not be saved: what was typed, and why. 422.
    fn refused(member: &Member, found: &Found, fields: Fields, errors: FieldErrors) -> Self {
        let page = Self::build(member, found, fields);
        Self { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..page }
    }

    /// What was typed, and what it would have sent.
    pub(super) fn previewed(
        member: &Member,
        found: &Found,
        fields: Fields,
        preview: Shown,
        status: StatusCode,
    ) -> Self {
        Self { preview: Some(preview), status, ..Self::build(member, found, fields) }
    }

    fn build(member: &Member, found: &Found, fields: Fields) -> Self {
        Self {
            frame: member
                .frame(&found.webhook.settings.name, Section::Webhooks)
                .below("Webhooks", &member.path("/settings/webhooks")),
            stored: Stored::of(member, found),
            groups: types::groups(&fields.events, &found.own),
            chosen_words: state::subscribed_words(fields.all_events, fields.events.len()),
            fields,
            errors: FieldErrors::none(),
            preview: None,
            preview_link: member.path("/settings/webhooks/preview"),
            status: StatusCode::OK,
        }
    }

    /// Nobody is led anywhere in a form that is filled in.
    fn begins_at_events(&self) -> bool {
        false
    }

    pub(super) fn answer(&self) -> PageResult {
        page::page_with(self.status, self)
    }
}

/// Problems as the form shows them.
pub(super) fn errors_of(problems: Vec<Problem>) -> FieldErrors {
    let mut errors = FieldErrors::none();
    problems.into_iter().for_each(|problem| errors.add(problem.field, problem.message));
    errors
}

/// GET /p/{project}/settings/webhooks/{id}.
pub async fn edit(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    path: Path<(String, String)>,
) -> PageResult {
    let found = Found::by_path(&admin, &db, &clock, seal, &path.1).await?;
    EditPage::of(&admin, &found).answer()
}

/// POST /p/{project}/settings/webhooks/{id}: saves the form.
pub async fn save(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    (egress, wakeup, htmx): (Data<Egress>, Data<Wakeup>, Htmx),
    (session, path): (Session, Path<(String, String)>),
    Form(raw): Form,
) -> PageResult {
    let found = Found::by_path(&admin, &db, &clock, seal.clone(), &path.1).await?;
    let fields = Fields::typed(&raw);
    let ground = (&admin.project, &found.own);
    let checked = match address::checked(&fields, Some(&found.webhook.settings), ground, &egress).await {
        Ok(checked) => checked,
        Err(problems) => return EditPage::refused(&admin, &found, fields, errors_of(problems)).answer(),
    };
    let id = found.webhook.id;
    match saved(&db, (admin.project.id, id), checked.settings, seal, clock.now()).await {
        Ok(_) => {
            wakeup.wake();
            let notice = checked.warning.map_or("Saved.".to_owned(), |warning| format!("Saved. {warning}"));
            session::say(&session, &notice)?;
            Ok(page::go_to(htmx, &admin.path(&format!("/settings/webhooks/{id}"))))
        }
        Err(UpdateError::NameTaken) => {
            let errors = FieldErrors::one("name", "Another webhook of this project has this name.");
            EditPage::refused(&admin, &found, fields, errors).answer()
        }
        Err(UpdateError::Gone) => Err(PageError::NotFound(GONE)),
        Err(UpdateError::Db(error)) => Err(error.into()),
    }
}

/// Keeps the settings. Whether the webhook is on is not among them: it stays as it is by now, whoever paused or resumed
/// it since the form was opened.
async fn saved(
    db: &Db,
    (project, id): (ProjectId, WebhookId),
    mut settings: Settings,
    seal: Data<SealKey>,
    now: OffsetDateTime,
) -> Result<Webhook, UpdateError> {
    db.transaction(move |conn| {
        // The project's row is the lock: nobody switches the webhook between this look and the saving.
        projects::bump_settings_version(conn, project)?;
        let stored = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?;
        settings.active = stored.settings.active;
        deliveries::save_webhook(conn, project, id, &settings, &seal, now)
    })
    .await
}
