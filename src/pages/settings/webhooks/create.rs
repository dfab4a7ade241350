//! A new webhook.
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use zeroize::Zeroizing;

use super::edit::{FILLED_FIRST, NAME_TAKEN, errors_of};
use super::filling::model_of;
use super::form::{self, Fields, Kept, PresetCard};
use super::once_shown::{self, OnceShown};
use super::preview::Shown;
use super::request::{Looking, RequestPreview, Samples};
use super::trying::Trying;
use super::types::{self, Group};
use super::{address, own_names, state};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::dispatcher::probe::Egress;
use crate::models::webhooks::{
    self, CopyError, CreateError, NAME_LENGTH_MAX, Settings, WEBHOOKS_MAX, Webhook,
};
use crate::rules::signing::Secret;
use crate::web::{
    Admin, FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, Query, Section, filters, page,
    session,
};

#[derive(Template)]
#[template(path = "settings/webhooks/new.html", blocks = ["filled"])]
pub(super) struct NewPage {
    frame: Frame,
    list_link: String,
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
    status: StatusCode,
}

impl NewPage {
    /// What was typed, and why it could not be saved. 422.
    fn refused(self, errors: FieldErrors) -> Self {
        Self { errors, status: StatusCode::UNPROCESSABLE_ENTITY, ..self }
    }

    /// What was typed, or the defaults. `model`: the settings that it copies.
    pub(super) fn typed(
        member: &Member,
        fields: Fields,
        model: Option<&Settings>,
        looking: Looking<'_>,
    ) -> Self {
        let list_link = member.path("/settings/webhooks");
        let kept = Kept::of(model);
        let request = RequestPreview::of(&fields, &kept, looking);
        Self {
            frame: member.frame("New webhook", Section::Webhooks).below("Webhooks", &list_link),
            fill_link: format!("{list_link}/new"),
            list_link,
            groups: types::groups(&fields.events, looking.own),
            chosen_words: state::subscribed_words(fields.all_events, fields.events.len()),
            trying: Trying::of(looking),
            request,
            kept,
            cards: form::cards(),
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

/// GET /p/{project}/settings/webhooks/new: empty, or with `from` all that another webhook has but its signing secret.
pub async fn new(admin: Admin, (db, clock): (Data<Db>, Data<Clock>), Query(raw): Query) -> PageResult {
    let model = model_of(&db, admin.project.id, &raw).await?;
    let fields = match &model {
        Some(model) => copied(&db, model).await?,
        None => Fields::of(&Settings::default()),
    };
    let own = own_names(&db, admin.project.id).await?;
    let samples = Samples::of(&db, admin.project.id, &fields, &own, None).await?;
    let looking =
        Looking { member: &admin, own: &own, samples: &samples, now: clock.now(), webhook: None, raw: None };
    NewPage::typed(&admin, fields, model.as_ref().map(|model| &model.settings), looking).answer()
}

/// The fields of a copy, under a name that is free.
async fn copied(db: &Db, model: &Webhook) -> Result<Fields, PageError> {
    let project = model.project;
    let taken = db.run(move |conn| webhooks::names(conn, project)).await?;
    let is_free = |name: &String| {
        !taken.values().any(|named| !named.is_deleted && named.name.to_lowercase() == name.to_lowercase())
    };
    let name = |number: usize| {
        let end = if number == 1 { " (copy)".to_owned() } else { format!(" (copy {number})") };
        let room = NAME_LENGTH_MAX - end.len();
        format!("{}{end}", model.settings.name.chars().take(room).collect::<String>())
    };
    let free = (1..).map(name).find(is_free).unwrap_or_default();
    Ok(Fields { name: free, from: model.id.to_string(), ..Fields::of(&model.settings) })
}

/// POST /p/{project}/settings/webhooks: goes on to the page that shows the secret.
pub async fn create(
    admin: Admin,
    (db, clock, seal, egress): (Data<Db>, Data<Clock>, Data<SealKey>, Data<Egress>),
    (session, htmx): (Session, Htmx),
    Form(raw): Form,
) -> PageResult {
    let fields = Fields::typed(&raw);
    let model = model_of(&db, admin.project.id, &raw).await?;
    let base =
        model.as_ref().map(|model| Settings { active: true, maintenance: None, ..model.settings.clone() });
    let own = own_names(&db, admin.project.id).await?;
    let samples = Samples::of(&db, admin.project.id, &fields, &own, Some(&raw)).await?;
    let (now, raw) = (clock.now(), Some(&raw));
    let looking = Looking { member: &admin, own: &own, samples: &samples, now, webhook: None, raw };
    let page = |fields| NewPage::typed(&admin, fields, base.as_ref(), looking);
    if fields.is_to_fill() {
        let filled = fields.filled(&Kept::of(base.as_ref()));
        return page(filled).refused(FieldErrors::one("", FILLED_FIRST)).answer();
    }
    let refused = |errors| page(fields.clone()).refused(errors).answer();
    let checked = match address::checked(&fields, base.as_ref(), (&admin.project, &own), &egress).await {
        Ok(checked) => checked,
        Err(problems) => return refused(errors_of(problems)),
    };
    let api_key = once_shown::generated(&fields, &checked.settings);
    let source = model.as_ref().map(|model| model.id);
    match created(&db, &clock, seal.clone(), (admin.project.id, source), checked.settings).await {
        Ok((webhook, secret)) => {
            let link = admin.path(&format!("/settings/webhooks/{}", webhook.id));
            let secret = Some(Zeroizing::new(secret.as_text().to_owned()));
            let place = OnceShown { secret, api_key }.kept_at(&session, &seal, &link)?;
            checked.warning.map_or(Ok(()), |warning| session::say_refusal(&session, &warning))?;
            Ok(page::go_to(htmx, &place))
        }
        Err(NotCreated::Because(error)) => refused(why_not(error)?),
        Err(NotCreated::Unreadable) => refused(FieldErrors::one("", UNREADABLE)),
    }
}

/// Said of a copy whose model's values cannot be had.
const UNREADABLE: &str =
    "A stored token, key or header of the webhook that this copies cannot be read any more: type them anew.";

/// Why a webhook was not created.
enum NotCreated {
    Because(CreateError),
    Unreadable,
}

impl<E: Into<CreateError>> From<E> for NotCreated {
    fn from(error: E) -> Self {
        Self::Because(error.into())
    }
}

/// For the person who wanted it.
fn why_not(error: CreateError) -> Result<FieldErrors, PageError> {
    match error {
        CreateError::NameTaken => Ok(FieldErrors::one("name", NAME_TAKEN)),
        CreateError::TooMany => {
            let text = format!("A project has at most {WEBHOOKS_MAX} webhooks. Delete one first.");
            Ok(FieldErrors::one("", &text))
        }
        CreateError::Db(error) => Err(error.into()),
    }
}

/// The webhook and its secret, kept together or not at all; with the stored values of the one that it copies.
async fn created(
    db: &Db,
    clock: &Clock,
    seal: Data<SealKey>,
    (project, source): (ProjectId, Option<WebhookId>),
    settings: Settings,
) -> Result<(Webhook, Secret), NotCreated> {
    let now = clock.now();
    db.transaction(move |conn| {
        let settings = match source {
            None => settings,
            Some(source) => webhooks::with_values_of(conn, project, source, settings, &seal).map_err(
                |error| match error {
                    CopyError::Unreadable => NotCreated::Unreadable,
                    CopyError::Db(error) => NotCreated::from(error),
                },
            )?,
        };
        let webhook = webhooks::create(conn, project, &settings, &seal, now)?;
        let secret = Secret::generate();
        webhooks::add_secret(conn, project, webhook.id, &secret, &seal, now)?;
        Ok((webhook, secret))
    })
    .await
}
