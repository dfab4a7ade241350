//! One webhook: its settings as a form, and beside it how it stands and fares.
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use time::OffsetDateTime;

use super::form::{self, Fields, Kept, PresetCard};
use super::once_shown::{self, OnceShown};
use super::preview::Shown;
use super::request::{Looking, RequestPreview, Samples};
use super::stored::{Found, Stored};
use super::trying::Trying;
use super::types::{self, Group};
use super::{GONE, address, state};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::seal::SealKey;
use crate::dispatcher::probe::Egress;
use crate::models::deliveries;
use crate::models::projects;
use crate::models::webhooks::{self, Problem, Settings, UpdateError, Webhook};
use crate::pages::history::span;
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, RawForm, Section, filters, page,
    session,
};

#[derive(Template)]
#[template(path = "settings/webhooks/edit.html", blocks = ["filled"])]
pub(super) struct EditPage {
    frame: Frame,
    stored: Stored,
    fields: Fields,
    kept: Kept,
    cards: Vec<PresetCard>,
    fill_link: String,
    request: RequestPreview,
    trying: Trying,
    errors: FieldErrors,
    groups: Vec<Group>,
    chosen_words: String,
    /// What it would have sent of the last events, once somebody asked.
    preview: Option<Shown>,
    preview_link: String,
    /// The form holds what is not saved.
    is_typed: bool,
    /// What is stored while it is looked at: see [`Fields::mark`].
    seen: String,
    status: StatusCode,
}

impl EditPage {
    /// The form with what is saved.
    async fn of(member: &Member, db: &Db, found: &Found, now: OffsetDateTime) -> Result<Self, PageError> {
        let fields = Fields::of(&found.webhook.settings);
        let samples = Samples::of(db, member.project.id, &fields, &found.own, None).await?;
        let looking = found.looked_at_by(member, &samples, now, None);
        Ok(Self { is_typed: false, ..Self::typed(member, found, fields, looking) })
    }

    /// The same with a maintenance window that could not be set, as it was typed. 422.
    pub(super) async fn with_window(
        member: &Member,
        db: &Db,
        found: &Found,
        now: OffsetDateTime,
        raw: &RawForm,
        why: &str,
    ) -> PageResult {
        let page = Self::of(member, db, found, now).await?;
        let typed = |name: &str| span::as_field(Some(raw.text(name))).value;
        let stored = Stored { window_from: typed("from"), window_until: typed("until"), ..page.stored };
        let errors = FieldErrors::one("maintenance", why);
        Self { stored, errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..page }.answer()
    }

    /// Changes that could not be saved: what was typed, and why. 422.
    fn refused(self, errors: FieldErrors) -> Self {
        Self { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..self }
    }

    /// Without a script a preset may be chosen that nobody has seen the settings of: they are shown first.
    fn not_filled(member: &Member, found: &Found, fields: Fields, looking: Looking<'_>) -> Self {
        let fields = fields.filled(&Kept::of(Some(&found.webhook.settings)));
        Self::typed(member, found, fields, looking).refused(FieldErrors::one("", FILLED_FIRST))
    }

    /// What was typed, unsaved.
    pub(super) fn typed(member: &Member, found: &Found, fields: Fields, looking: Looking<'_>) -> Self {
        let kept = Kept::of(Some(&found.webhook.settings));
        let request = RequestPreview::of(&fields, &kept, looking);
        Self {
            trying: Trying::of(looking),
            request,
            kept,
            cards: form::cards(),
            fill_link: member.path("/settings/webhooks/new"),
            is_typed: true,
            seen: Fields::of(&found.webhook.settings).mark(),
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

    fn answer(&self) -> PageResult {
        page::page_with(self.status, self)
    }

    /// With what it would have sent of the last events.
    pub(super) fn with_preview(self, preview: Option<(Shown, StatusCode)>) -> Self {
        match preview {
            Some((shown, status)) => Self { preview: Some(shown), status, ..self },
            None => self,
        }
    }

    /// The page, or for htmx what a preset fills in.
    pub(super) fn answer_filled(&self, htmx: Htmx) -> PageResult {
        page::page_or_block(htmx, self.status, self, &self.as_filled())
    }
}

/// Said of a webhook that somebody else saved while its form was open.
const CHANGED: &str = "Somebody changed this webhook since you opened it, and nothing of yours was saved yet. Open it in \
    another tab to see what is stored; saving here puts what you see below in its place.";
/// Said of a name.
pub(super) const NAME_TAKEN: &str = "Another webhook of this project has this name.";
/// Said of a form whose preset was chosen without a script.
pub(super) const FILLED_FIRST: &str =
    "The preset filled in what it says below. Nothing was saved yet: look it over, then save.";

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
    EditPage::of(&admin, &db, &found, clock.now()).await?.answer()
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
    let samples = Samples::of(&db, admin.project.id, &fields, &found.own, Some(&raw)).await?;
    let looking = found.looked_at_by(&admin, &samples, clock.now(), Some(&raw));
    if fields.is_to_fill() {
        return EditPage::not_filled(&admin, &found, fields, looking).answer();
    }
    let refused = |errors| EditPage::typed(&admin, &found, fields.clone(), looking).refused(errors).answer();
    let stored = &found.webhook.settings;
    let checked = match address::checked(&fields, Some(stored), (&admin.project, &found.own), &egress).await {
        Ok(checked) => checked,
        Err(problems) => return refused(errors_of(problems)),
    };
    if raw.text("seen") != Fields::of(stored).mark() {
        return refused(FieldErrors::one("", CHANGED));
    }
    let link = admin.path(&format!("/settings/webhooks/{}", found.webhook.id));
    let shown = OnceShown { secret: None, api_key: once_shown::generated(&fields, &checked.settings) };
    match saved(&db, &found.webhook, checked.settings, seal.clone(), clock.now()).await {
        Ok(None) => refused(FieldErrors::one("", CHANGED)),
        Ok(Some(_)) => {
            wakeup.wake();
            let notice = checked.warning.map_or("Saved.".to_owned(), |warning| format!("Saved. {warning}"));
            session::say(&session, &notice)?;
            Ok(page::go_to(htmx, &shown.kept_at(&session, &seal, &link)?))
        }
        Err(error) => refused(why_not_saved(error)?),
    }
}

/// For the person who wanted it.
fn why_not_saved(error: UpdateError) -> Result<FieldErrors, PageError> {
    match error {
        UpdateError::NameTaken => Ok(FieldErrors::one("name", NAME_TAKEN)),
        UpdateError::Gone => Err(PageError::NotFound(GONE)),
        UpdateError::Db(error) => Err(error.into()),
    }
}

/// Keeps the settings; none if others have been saved since `before` was read. What the form does not hold stays as it is
/// by now, whoever paused or resumed the webhook since it was opened, or gave it a maintenance window.
async fn saved(
    db: &Db,
    before: &Webhook,
    mut settings: Settings,
    seal: Data<SealKey>,
    now: OffsetDateTime,
) -> Result<Option<Webhook>, UpdateError> {
    let (project, id, mark) = (before.project, before.id, Fields::of(&before.settings).mark());
    db.transaction(move |conn| {
        // The project's row is the lock: nobody switches the webhook between this look and the saving.
        projects::bump_settings_version(conn, project)?;
        let stored = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?.settings;
        if Fields::of(&stored).mark() != mark {
            return Ok(None);
        }
        settings.active = stored.active;
        settings.maintenance = stored.maintenance;
        settings.when_paused = stored.when_paused;
        deliveries::save_webhook(conn, project, id, &settings, &seal, now).map(Some)
    })
    .await
}
