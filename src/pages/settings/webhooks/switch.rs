//! Pausing and resuming a webhook.
use actix_session::Session;
use actix_web::web::{Data, Path};
use askama::Template;
use time::OffsetDateTime;

use super::{GONE, find};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::WebhookId;
use crate::models::deliveries::{self, HeldChoice, Missed};
use crate::models::projects;
use crate::models::webhooks::{self, UpdateError, Webhook, WhenPaused};
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
    /// Whether the project does not send to its host.
    is_elsewhere: bool,
    held: i64,
    /// What it missed before is still being sent.
    sends_missed: bool,
    missed: Option<MissedWords>,
}

/// What it missed, in words.
struct MissedWords {
    words: String,
    is_one: bool,
    first: OffsetDateTime,
    last: OffsetDateTime,
    is_disabled: bool,
}

impl MissedWords {
    fn of(missed: Missed, is_disabled: bool) -> Self {
        let words = match (missed.count, missed.is_more) {
            (n, true) => format!("More than {} events", grouped(n)),
            (n, _) => format!("{} events", grouped(n)),
        };
        let is_one = missed.count == 1 && !missed.is_more;
        Self { words, is_one, first: missed.first, last: missed.last, is_disabled }
    }
}

/// A number with its thousands apart.
fn grouped(n: i64) -> String {
    if n < 1_000 { n.to_string() } else { format!("{},{:03}", n / 1_000, n % 1_000) }
}

/// Asks what becomes of the events that come meanwhile.
#[derive(Template)]
#[template(path = "settings/webhooks/pause.html")]
struct PausePage {
    frame: Frame,
    pause_link: String,
    back_link: String,
    holds: bool,
}

/// GET /p/{project}/settings/webhooks/{id}/pause.
pub async fn confirm_pause(admin: Admin, db: Data<Db>, path: Path<(String, String)>) -> PageResult {
    let webhook = find(&db, admin.project.id, &path.1).await?;
    let list_link = admin.path("/settings/webhooks");
    page::page(&PausePage {
        frame: admin
            .frame(&format!("Pause {}?", webhook.settings.name), Section::Webhooks)
            .below("Webhooks", &list_link),
        pause_link: format!("{list_link}/{}/pause", webhook.id),
        back_link: list_link,
        holds: webhook.settings.when_paused == WhenPaused::Hold,
    })
}

/// POST /p/{project}/settings/webhooks/{id}/pause: `when_paused` is `drop` or `hold`, as it was if it is left out; `back` is
/// `webhook` on its own page.
pub async fn pause(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
    Form(raw): Form,
) -> PageResult {
    let (id, project, now) = (webhook_id(&path.1)?, admin.project.id, clock.now());
    let choice = match raw.text("when_paused") {
        "drop" => Some(WhenPaused::Drop),
        "hold" => Some(WhenPaused::Hold),
        _ => None,
    };
    let paused = db
        .transaction(move |conn| match choice {
            Some(choice) => deliveries::pause_webhook_with(conn, project, id, choice, now),
            None => deliveries::pause_webhook(conn, project, id, now),
        })
        .await;
    let webhook = paused.map_err(not_switched)?;
    let name = &webhook.settings.name;
    match webhook.disabled {
        None => session::say(&session, &format!("{name} is paused. {}", paused_words(&webhook)))?,
        Some(_) => session::say_refusal(&session, &format!("{name} was disabled meanwhile, and stays so."))?,
    }
    Ok(page::go_to(htmx, &back(&admin, id, &raw)))
}

/// GET /p/{project}/settings/webhooks/{id}/resume?back=.
pub async fn confirm_resume(
    admin: Admin,
    (db, clock, htmx): (Data<Db>, Data<Clock>, Htmx),
    path: Path<(String, String)>,
    Query(query): Query,
) -> PageResult {
    let webhook = find(&db, admin.project.id, &path.1).await?;
    if webhook.settings.active {
        return Ok(page::go_to(htmx, &admin.path(&format!("/settings/webhooks/{}", webhook.id))));
    }
    let (project, id) = (webhook.project, webhook.id);
    let (off_since, now) = (webhook.off_since, clock.now());
    let load = db.run(move |conn| {
        let held = deliveries::held_count(conn, project, id)?;
        let missed = off_since.map(|since| deliveries::missed(conn, project, id, since, now)).transpose()?;
        let sends_missed = deliveries::sending_missed(conn, project)?.contains(&id);
        Ok::<_, DbError>((held, missed.flatten(), sends_missed))
    });
    let (held, missed, sends_missed) = load.await?;
    let list_link = admin.path("/settings/webhooks");
    page::page(&ResumePage {
        frame: admin
            .frame(&format!("Resume {}?", webhook.settings.name), Section::Webhooks)
            .below("Webhooks", &list_link),
        resume_link: format!("{list_link}/{id}/resume"),
        back_link: back(&admin, id, &query),
        all_off: !admin.project.webhooks_enabled,
        is_elsewhere: webhooks::leads_elsewhere(&admin.project.hosts(), &webhook.settings.target_url),
        sends_missed,
        backs_to_webhook: query.text("back") == "webhook",
        held,
        missed: missed.map(|missed| MissedWords::of(missed, webhook.disabled.is_some())),
    })
}

/// POST /p/{project}/settings/webhooks/{id}/resume: `held` is `send` or `cancel`, `missed` `send` or `skip`, `back` as for
/// pause.
pub async fn resume(
    admin: Admin,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
    Form(raw): Form,
) -> PageResult {
    let (id, project, now) = (webhook_id(&path.1)?, admin.project.id, clock.now());
    let (held, sends_missed) = (held_choice(raw.text("held")), raw.text("missed") == "send");
    let resumed = db.transaction(move |conn| {
        let before = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?;
        if before.settings.active {
            return Ok(None);
        }
        let count = deliveries::held_count(conn, project, id)?;
        let webhook = match sends_missed {
            true => deliveries::resume_and_send_missed(conn, project, id, held, None, now)?,
            false => deliveries::resume_webhook(conn, project, id, held, now)?,
        };
        Ok::<_, UpdateError>(Some((webhook, count, projects::sends(conn, project)?)))
    });
    let Some((webhook, count, is_sent)) = resumed.await.map_err(not_switched)? else {
        session::say(&session, "It was active already.")?;
        return Ok(page::go_to(htmx, &back(&admin, id, &raw)));
    };
    wakeup.wake();
    let name = &webhook.settings.name;
    let missed = if sends_missed { " What it missed follows." } else { "" };
    let released = released_words(held, count, is_sent);
    session::say(&session, &format!("{name} {}{released}{missed}", on_words(is_sent)))?;
    Ok(page::go_to(htmx, &back(&admin, id, &raw)))
}

/// What becomes of what is and of what comes.
fn paused_words(webhook: &Webhook) -> &'static str {
    match webhook.holds_what_comes() {
        true => "What waits for it and what comes is held.",
        false => "What waits for it is held.",
    }
}

/// Where a button leads that says where it stands: to the webhook's own page, or to the list.
fn back(member: &Member, id: WebhookId, raw: &RawForm) -> String {
    let list = member.path("/settings/webhooks");
    if raw.text("back") == "webhook" { format!("{list}/{id}") } else { list }
}

/// The word of the choice for held deliveries; sending is the one that loses nothing.
pub(in crate::pages::settings) fn held_choice(word: &str) -> HeldChoice {
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
pub(in crate::pages::settings) fn released_words(choice: HeldChoice, count: i64, is_sent: bool) -> String {
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
