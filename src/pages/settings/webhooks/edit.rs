//! One webhook's settings: shown, changed, saved. The form for a new one is the same.
use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use time::OffsetDateTime;

use super::form::Fields;
use super::state::{self, State, Why};
use super::types::{self, Group};
use super::{GONE, address, find};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::ids::WebhookId;
use crate::dispatcher::probe::Egress;
use crate::models::deliveries::{self, HeldChoice};
use crate::models::projects;
use crate::models::webhooks::{self, Problem, Settings, UpdateError, Webhook};
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, Section, filters, page, session,
};

/// The form, for a new webhook or one that exists.
#[derive(Template)]
#[template(path = "settings/webhooks/edit.html")]
pub(super) struct EditPage {
    frame: Frame,
    list_link: String,
    save_link: String,
    stored: Option<Stored>,
    fields: Fields,
    errors: FieldErrors,
    groups: Vec<Group>,
    chosen_words: String,
    name_hint: &'static str,
    status: StatusCode,
}

/// What is true of a webhook that exists, whatever is typed.
struct Stored {
    state: State,
    disabled: Option<Why>,
    held: i64,
    history_link: String,
    delete_link: String,
}

impl EditPage {
    /// An empty form with the defaults.
    pub(super) fn new(member: &Member) -> Self {
        Self::build(member, None, Fields::of(&Settings::default()))
    }

    /// The form with what is saved.
    fn of(member: &Member, webhook: &Webhook, held: i64) -> Self {
        Self::build(member, Some((webhook, held)), Fields::of(&webhook.settings))
    }

    /// A new webhook that could not be saved: what was typed, and why. 422.
    pub(super) fn refused_new(member: &Member, fields: Fields, errors: FieldErrors) -> Self {
        Self { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..Self::build(member, None, fields) }
    }

    /// Changes that could not be saved: what was typed, and why. 422.
    fn refused(member: &Member, webhook: &Webhook, held: i64, fields: Fields, errors: FieldErrors) -> Self {
        let page = Self::build(member, Some((webhook, held)), fields);
        Self { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..page }
    }

    fn build(member: &Member, stored: Option<(&Webhook, i64)>, fields: Fields) -> Self {
        let list_link = member.path("/settings/webhooks");
        let title = stored.map_or("New webhook", |(webhook, _)| webhook.settings.name.as_str());
        let place = |webhook: &Webhook| member.path(&format!("/settings/webhooks/{}", webhook.id));
        Self {
            frame: member.frame(title, Section::Webhooks).below("Webhooks", &list_link),
            save_link: stored.map_or_else(|| list_link.clone(), |(webhook, _)| place(webhook)),
            list_link,
            name_hint: if stored.is_some() { "" } else { "Left empty, it is the target's host" },
            stored: stored.map(|(webhook, held)| Stored {
                state: State::of(webhook),
                disabled: state::why_disabled(webhook),
                held: if webhook.settings.active { 0 } else { held },
                history_link: member.path(&format!("/history?webhook_id={}", webhook.id)),
                delete_link: format!("{}/delete", place(webhook)),
            }),
            groups: types::groups(&fields.events),
            chosen_words: state::subscribed_words(fields.all_events, fields.events.len()),
            fields,
            errors: FieldErrors::none(),
            status: StatusCode::OK,
        }
    }

    pub(super) fn answer(&self) -> PageResult {
        page::page_with(self.status, self)
    }

    fn cancels_held(&self) -> bool {
        self.fields.held == HeldChoice::Cancel
    }
}

/// Problems as the form shows them.
pub(super) fn errors_of(problems: Vec<Problem>) -> FieldErrors {
    let mut errors = FieldErrors::none();
    problems.into_iter().for_each(|problem| errors.add(problem.field, problem.message));
    errors
}

/// GET /p/{project}/settings/webhooks/{id}.
pub async fn edit(admin: Admin, db: Data<Db>, path: Path<(String, String)>) -> PageResult {
    let (webhook, held) = found(&admin, &db, &path.1).await?;
    EditPage::of(&admin, &webhook, held).answer()
}

/// POST /p/{project}/settings/webhooks/{id}: saves the form.
pub async fn save(
    admin: Admin,
    (db, clock, egress, wakeup): (Data<Db>, Data<Clock>, Data<Egress>, Data<Wakeup>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
    Form(raw): Form,
) -> PageResult {
    let (webhook, held) = found(&admin, &db, &path.1).await?;
    let fields = Fields::typed(&raw);
    let checked = match address::checked(&fields, webhook.settings.clone(), &egress).await {
        Ok(checked) => checked,
        Err(problems) => {
            return EditPage::refused(&admin, &webhook, held, fields, errors_of(problems)).answer();
        }
    };
    let change = Change {
        id: webhook.id,
        settings: checked.settings,
        switches: fields.switches(),
        held: fields.held,
        now: clock.now(),
    };
    match change.made(&admin, &db).await {
        Ok(_) => {
            wakeup.wake();
            let saved = checked.warning.map_or("Saved.".to_owned(), |warning| format!("Saved. {warning}"));
            gone_to_saved(htmx, &session, &admin, webhook.id, &saved)
        }
        Err(UpdateError::NameTaken) => {
            let errors = FieldErrors::one("name", "Another webhook of this project has this name.");
            EditPage::refused(&admin, &webhook, held, fields, errors).answer()
        }
        Err(UpdateError::Gone) => Err(PageError::NotFound(GONE)),
        Err(UpdateError::Db(error)) => Err(error.into()),
    }
}

struct Change {
    id: WebhookId,
    settings: Settings,
    /// Whether `settings.active` is meant; if not, the webhook stays on or off as it is by now.
    switches: bool,
    held: HeldChoice,
    now: OffsetDateTime,
}

impl Change {
    /// Saves it, with what the buttons for pause and resume do if that switches the webhook off or on.
    async fn made(self, member: &Member, db: &Db) -> Result<Webhook, UpdateError> {
        let project = member.project.id;
        let Self { id, mut settings, switches, held, now } = self;
        db.transaction(move |conn| {
            if !switches {
                // The project's row is the lock: nobody switches the webhook between this look and the saving.
                projects::bump_settings_version(conn, project)?;
                let stored = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?;
                settings.active = stored.settings.active;
            } else if settings.active && held == HeldChoice::Cancel {
                // Saving sends what was held; whoever wants it cancelled says so first.
                deliveries::resume_webhook(conn, project, id, held, now)?;
            }
            deliveries::save_webhook(conn, project, id, &settings, now)
        })
        .await
    }
}

async fn found(member: &Member, db: &Db, id: &str) -> Result<(Webhook, i64), PageError> {
    let webhook = find(db, member.project.id, id).await?;
    let (project, id) = (webhook.project, webhook.id);
    let held = db.run(move |conn| deliveries::held_count(conn, project, id)).await?;
    Ok((webhook, held))
}

fn gone_to_saved(
    htmx: Htmx,
    session: &Session,
    member: &Member,
    id: WebhookId,
    notice: &str,
) -> Result<HttpResponse, PageError> {
    session::say(session, notice)?;
    Ok(page::go_to(htmx, &member.path(&format!("/settings/webhooks/{id}"))))
}
