//! Pausing and resuming a webhook.
use actix_session::Session;
use actix_web::web::{Data, Path};
use askama::Template;

use super::{GONE, find};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::ids::WebhookId;
use crate::models::deliveries::{self, HeldChoice};
use crate::models::projects;
use crate::models::webhooks::UpdateError;
use crate::web::{
    Admin, Form, Frame, Htmx, Member, PageError, PageResult, Query, RawForm, Section, filters, page, session,
};

/// Asks what to do with held deliveries.
#[derive(Template)]
#[template(path = "settings/webhooks/resume.html")]
struct ResumePage {
    frame: Frame,
    resume_link: String,
    back_link: String,
    backs_to_webhook: bool,
    /// Whether the project sends nothing at all.
    all_off: bool,
    held: i64,
}

/// POST /p/{project}/settings/webhooks/{id}/pause: `back` is `webhook` on its own page.
pub async fn pause(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
    Form(raw): Form,
) -> PageResult {
    let (id, project, now) = (webhook_id(&path.1)?, admin.project.id, clock.now());
    let paused = db.transaction(move |conn| deliveries::pause_webhook(conn, project, id, now)).await;
    let webhook = paused.map_err(not_switched)?;
    session::say(&session, &format!("{} is paused. What waits for it is held.", webhook.settings.name))?;
    Ok(page::go_to(htmx, &back(&admin, id, &raw)))
}

/// GET /p/{project}/settings/webhooks/{id}/resume?back=.
pub async fn confirm_resume(
    admin: Admin,
    db: Data<Db>,
    path: Path<(String, String)>,
    Query(query): Query,
) -> PageResult {
    let webhook = find(&db, admin.project.id, &path.1).await?;
    let (project, id) = (webhook.project, webhook.id);
    let held = db.run(move |conn| deliveries::held_count(conn, project, id)).await?;
    let list_link = admin.path("/settings/webhooks");
    page::page(&ResumePage {
        frame: admin
            .frame(&format!("Resume {}?", webhook.settings.name), Section::Webhooks)
            .below("Webhooks", &list_link),
        resume_link: format!("{list_link}/{id}/resume"),
        back_link: back(&admin, id, &query),
        all_off: !admin.project.webhooks_enabled,
        backs_to_webhook: query.text("back") == "webhook",
        held,
    })
}

/// POST /p/{project}/settings/webhooks/{id}/resume: `held` is `send` or `cancel`, `back` as for pause.
pub async fn resume(
    admin: Admin,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
    Form(raw): Form,
) -> PageResult {
    let (id, project, now) = (webhook_id(&path.1)?, admin.project.id, clock.now());
    let held = held_choice(raw.text("held"));
    let resumed = db.transaction(move |conn| {
        let count = deliveries::held_count(conn, project, id)?;
        let webhook = deliveries::resume_webhook(conn, project, id, held, now)?;
        Ok::<_, UpdateError>((webhook, count, projects::sends(conn, project)?))
    });
    let (webhook, count, is_sent) = resumed.await.map_err(not_switched)?;
    wakeup.wake();
    let name = &webhook.settings.name;
    session::say(&session, &format!("{name} {}{}", on_words(is_sent), released_words(held, count, is_sent)))?;
    Ok(page::go_to(htmx, &back(&admin, id, &raw)))
}

/// Where a button leads that says where it stands: to the webhook's own page, or to the list.
fn back(member: &Member, id: WebhookId, raw: &RawForm) -> String {
    let list = member.path("/settings/webhooks");
    if raw.text("back") == "webhook" { format!("{list}/{id}") } else { list }
}

/// The word of the choice for held deliveries; sending is the one that loses nothing.
fn held_choice(word: &str) -> HeldChoice {
    if word == "cancel" { HeldChoice::Cancel } else { HeldChoice::Send }
}

/// How a webhook stands that was resumed: `is_sent` is false while the project sends nothing.
fn on_words(is_sent: bool) -> &'static str {
    if is_sent {
        return "gets events again.";
    }
    "is active again, but webhooks of this project are switched off: nothing is sent until they are on again."
}

/// What became of so many deliveries that were held, if any.
fn released_words(choice: HeldChoice, count: i64, is_sent: bool) -> String {
    match (choice, count) {
        (_, 0) => String::new(),
        (HeldChoice::Send, 1) if !is_sent => " The delivery that was held stays held until then.".to_owned(),
        (HeldChoice::Send, n) if !is_sent => {
            format!(" The {n} deliveries that were held stay held until then.")
        }
        (HeldChoice::Send, 1) => " The delivery that was held goes out now.".to_owned(),
        (HeldChoice::Send, n) => format!(" The {n} deliveries that were held go out now."),
        (HeldChoice::Cancel, 1) => " The delivery that was held is cancelled.".to_owned(),
        (HeldChoice::Cancel, n) => format!(" The {n} deliveries that were held are cancelled."),
    }
}

fn webhook_id(text: &str) -> Result<WebhookId, PageError> {
    text.parse().map_err(|_| PageError::NotFound(GONE))
}

fn not_switched(error: UpdateError) -> PageError {
    match error {
        UpdateError::Gone => PageError::NotFound(GONE),
        UpdateError::NameTaken => PageError::Internal("switching a webhook met its name".to_owned()),
        UpdateError::Db(error) => error.into(),
    }
}
