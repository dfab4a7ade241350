//! `/p/{project}/history/{delivery}/resend-with-changes`: a delivery again, to another webhook or with edited data.
use std::collections::HashMap;

use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use diesel::PgConnection;
use url::form_urlencoded;

use super::detail::GONE;
use super::difference::Differences;
use super::json;
use super::typed::checked;
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::models::deliveries::{self, Delivery, ResendError};
use crate::models::events::{self, Event};
use crate::models::resends::{self, By, Changes, Reason, SendError};
use crate::models::webhooks::{self, Named, Webhook};
use crate::rules::body::BodyFormat;
use crate::web::{
    FieldErrors, Form, Frame, Htmx, Member, PageError, PageResult, RawForm, Section, Support, filters, page,
    session,
};

/// The most bytes of data that an event may have, in canonical form.
const DATA_BYTES_MAX: usize = 256 * 1024;
/// Data that take more than this in a form are left to the API: with what is added, a form takes no more than 512 KiB.
const ENCODED_BYTES_MAX: usize = 400 * 1024;
/// What is said to who sends data all the same.
const REVEAL_FIRST: &str = "Reveal personal data to edit.";

#[derive(Template)]
#[template(path = "history/changes.html")]
struct ChangesPage {
    frame: Frame,
    link: String,
    check_link: String,
    back_link: String,
    event_type: String,
    id: String,
    /// Why there is no field for the data.
    no_data: &'static str,
    /// Where who sees personal data masked reveals them first. What is masked must not get into a form: it would be sent.
    reveal_link: Option<String>,
    data: String,
    choices: Vec<WebhookChoice>,
    reason: String,
    errors: FieldErrors,
    /// What was asked to be compared.
    compared: Option<ComparedPart>,
}

/// A webhook that may be chosen.
struct WebhookChoice {
    id: String,
    /// Its name, what it gets, and what hinders.
    label: String,
    is_hindered: bool,
    is_chosen: bool,
}

/// What the data differ in from those that were sent.
#[derive(Template)]
#[template(path = "history/compared_part.html")]
struct ComparedPart {
    wrong: Option<String>,
    is_same: bool,
    differences: Differences,
}

struct Found {
    delivery: Delivery,
    event: Option<Event>,
    webhooks: Vec<Webhook>,
    names: HashMap<WebhookId, Named>,
}

impl Found {
    fn load(conn: &mut PgConnection, project: ProjectId, id: DeliveryId) -> Result<Option<Self>, DbError> {
        let Some(delivery) = deliveries::find(conn, project, id)? else { return Ok(None) };
        Ok(Some(Self {
            event: events::find(conn, project, delivery.event)?,
            webhooks: webhooks::list(conn, project)?,
            names: webhooks::names(conn, project)?,
            delivery,
        }))
    }

    /// The event's data, while they are kept.
    fn data(&self) -> Option<&Bytes> {
        self.event.as_ref().map(|event| &event.payload.data).filter(|data| !data.is_empty())
    }
}

/// What was typed: none of it yet, where the form is opened.
struct Typed {
    webhook: Option<WebhookId>,
    /// None if there was no field for it.
    data: Option<String>,
    reason: String,
}

impl Typed {
    fn of(raw: &RawForm) -> Self {
        Self {
            webhook: raw.text("webhook").parse().ok(),
            data: raw.get("data").map(|data| data.replace("\r\n", "\n")),
            reason: raw.text("reason").to_owned(),
        }
    }

    /// What is to be sent; what is wrong, field by field.
    fn changes(&self, is_masked: bool) -> Result<Changes, FieldErrors> {
        let mut errors = FieldErrors::none();
        if self.webhook.is_none() {
            errors.add("webhook", "Choose a webhook.");
        }
        let data = match &self.data {
            Some(_) if is_masked => Err(REVEAL_FIRST.to_owned()),
            Some(typed) => checked(typed).map(Some),
            None => Ok(None),
        };
        let data = data.and_then(|data| match data {
            Some(data) if data.len() > DATA_BYTES_MAX => Err("An event has at most 256 KiB.".to_owned()),
            data => Ok(data),
        });
        let data = data.map_err(|message| errors.add("data", message));
        let reason = Reason::read(&self.reason).map_err(|fault| errors.add("reason", fault.to_string()));
        match (data, reason) {
            (Ok(data), Ok(reason)) if errors.is_empty() => {
                Ok(Changes { webhook: self.webhook, data, reason })
            }
            _ => Err(errors),
        }
    }
}

impl ChangesPage {
    fn of(member: &Member, found: &Found, typed: Option<&Typed>, errors: FieldErrors) -> Self {
        let delivery = &found.delivery;
        let back_link = member.path(&format!("/history/{}", delivery.id));
        let name = found.names.get(&delivery.webhook).map(|named| named.name.as_str()).unwrap_or_default();
        let laid_out = found.data().map(|data| laid_out(data)).unwrap_or_default();
        let is_masked = member.sight.is_masked();
        let link = format!("{back_link}/resend-with-changes");
        let next: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("next", &link).finish();
        let no_data = match found.data() {
            None => "The body is no longer kept.",
            Some(_) if is_masked => "The data can be sent to another webhook as they are.",
            Some(_) if encoded_len(&laid_out) > ENCODED_BYTES_MAX => {
                "These data are too large to edit here. POST /v1/deliveries/{id}/resend takes them."
            }
            Some(_) => "",
        };
        let chosen = typed.map_or(Some(delivery.webhook), |typed| typed.webhook);
        Self {
            frame: member
                .frame("Resend with changes", Section::History)
                .below("History", &member.path("/history"))
                .below(&format!("{} to {name}", delivery.event_type), &back_link),
            reveal_link: (is_masked && found.data().is_some())
                .then(|| member.path(&format!("/reveal?{next}"))),
            link,
            check_link: format!("{back_link}/resend-with-changes/check"),
            event_type: delivery.event_type.clone(),
            id: delivery.id.to_string(),
            data: match is_masked {
                true => String::new(),
                false => typed.and_then(|typed| typed.data.clone()).unwrap_or(laid_out),
            },
            no_data,
            choices: choices(member, found, chosen),
            reason: typed.map(|typed| typed.reason.clone()).unwrap_or_default(),
            errors,
            compared: None,
            back_link,
        }
    }

    /// Whether one of the choices is chosen: else the form asks for one.
    fn is_chosen(&self) -> bool {
        self.choices.iter().any(|choice| choice.is_chosen)
    }
}

/// The delivery's own webhook first, then the others that exist.
fn choices(member: &Member, found: &Found, chosen: Option<WebhookId>) -> Vec<WebhookChoice> {
    let own = found.delivery.webhook;
    let (mut sorted, others): (Vec<&Webhook>, Vec<&Webhook>) =
        found.webhooks.iter().partition(|webhook| webhook.id == own);
    sorted.extend(others);
    let hosts = member.project.hosts();
    let choice = |webhook: &Webhook| {
        let settings = &webhook.settings;
        let hindrance = match &webhook.disabled {
            _ if webhooks::leads_elsewhere(&hosts, &settings.target_url) => Some("host not allowed"),
            Some(_) => Some("disabled"),
            None if !settings.active => Some("paused"),
            None => None,
        };
        let format = if settings.body == BodyFormat::Flat { "flat body" } else { "envelope" };
        let whose = if webhook.id == own { "its own, " } else { "" };
        WebhookChoice {
            id: webhook.id.to_string(),
            label: format!("{} ({whose}{})", settings.name, hindrance.unwrap_or(format)),
            is_hindered: hindrance.is_some(),
            is_chosen: hindrance.is_none() && Some(webhook.id) == chosen,
        }
    };
    sorted.into_iter().map(choice).collect()
}

/// The data over lines. They are canonical: what is typed is compared with them in that form.
fn laid_out(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    match json::pretty(&text) {
        Some(pieces) => pieces.into_iter().map(|piece| piece.text).collect(),
        None => text.into_owned(),
    }
}

/// How many bytes a text takes in a form: a line ends with two characters there.
fn encoded_len(text: &str) -> usize {
    form_urlencoded::byte_serialize(text.as_bytes()).map(str::len).sum::<usize>()
        + 3 * text.matches('\n').count()
}

fn compared(found: &Found, typed: &str) -> ComparedPart {
    let sent = found.data().cloned().unwrap_or_default();
    let (wrong, data) = match checked(typed) {
        Ok(data) => (None, data),
        Err(message) => (Some(message), Bytes::new()),
    };
    let differences =
        if wrong.is_none() { Differences::between(&sent, &data) } else { Differences::default() };
    ComparedPart { wrong, is_same: data == sent, differences }
}

async fn find(db: &Db, clock: &Clock, member: &Member, id: &str) -> Result<Found, PageError> {
    let id: DeliveryId = id.parse().map_err(|_| PageError::NotFound(GONE))?;
    let project = member.project.id;
    let found = db.run(move |conn| Found::load(conn, project, id)).await?.ok_or(PageError::NotFound(GONE))?;
    member.saw(db, clock, id.to_string()).await?;
    Ok(found)
}

/// GET: the form.
pub async fn change(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    path: Path<(String, String)>,
) -> PageResult {
    let found = find(&db, &clock, &support, &path.1).await?;
    page::page(&ChangesPage::of(&support, &found, None, FieldErrors::none()))
}

/// POST: sends it and goes to what was sent. With `compare`, only shows what would differ.
pub async fn send_changed(
    support: Support,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
    Form(raw): Form,
) -> PageResult {
    let found = find(&db, &clock, &support, &path.1).await?;
    let typed = Typed::of(&raw);
    let refused = |errors| {
        let view = ChangesPage::of(&support, &found, Some(&typed), errors);
        page::page_with(StatusCode::UNPROCESSABLE_ENTITY, &view)
    };
    if raw.is_checked("compare") && !support.sight.is_masked() {
        let view = ChangesPage::of(&support, &found, Some(&typed), FieldErrors::none());
        let compared = typed.data.as_deref().map(|typed| compared(&found, typed));
        return page::page(&ChangesPage { compared, ..view });
    }
    let changes = match typed.changes(support.sight.is_masked()) {
        Ok(changes) => changes,
        Err(errors) => return refused(errors),
    };
    let by = By::Person { id: support.user.id, name: support.user.name.clone() };
    let (project, id, now) = (support.project.id, found.delivery.id, clock.now());
    match db.transaction(move |conn| resends::send(conn, project, id, changes, by, now)).await {
        Ok((delivery, _)) => {
            wakeup.wake();
            session::say(&session, "It is sent. The original stays as it was.")?;
            Ok(page::go_to(htmx, &support.path(&format!("/history/{}", delivery.id))))
        }
        Err(error) => refused(why_not(error)?),
    }
}

fn why_not(error: SendError) -> Result<FieldErrors, PageError> {
    match error {
        SendError::Refused(ResendError::Db(error)) => Err(error.into()),
        SendError::Refused(ResendError::Gone) => Err(PageError::NotFound(GONE)),
        SendError::Refused(error) => Ok(FieldErrors::one("", &error.to_string())),
        error => Ok(FieldErrors::one("webhook", &error.to_string())),
    }
}

/// POST …/check: what is wrong with `data` and where, or what differs, while it is typed.
pub async fn check_changes(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    path: Path<(String, String)>,
    Form(raw): Form,
) -> PageResult {
    if support.sight.is_masked() {
        let wrong = Some(REVEAL_FIRST.to_owned());
        return page::page(&ComparedPart { wrong, is_same: false, differences: Differences::default() });
    }
    let found = find(&db, &clock, &support, &path.1).await?;
    page::page(&compared(&found, &raw.text("data").replace("\r\n", "\n")))
}
