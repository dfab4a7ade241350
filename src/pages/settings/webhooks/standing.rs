//! Since when and how a webhook is off, and its maintenance window.
use actix_session::Session;
use actix_web::web::{Data, Path};
use time::OffsetDateTime;

use super::GONE;
use super::edit::EditPage;
use super::stored::Found;
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::ids::WebhookId;
use crate::base::seal::SealKey;
use crate::models::deliveries;
use crate::models::projects;
use crate::models::webhooks::{self, Maintenance, UpdateError, Webhook};
use crate::pages::history::span;
use crate::web::{Admin, Form, Htmx, PageError, PageResult, RawForm, page, session};

/// How it is off, or would be.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Standing {
    pub off_since: Option<OffsetDateTime>,
    /// What comes now is held.
    pub holds: bool,
    /// What comes while it is paused is held.
    pub would_hold: bool,
    pub in_maintenance: bool,
    pub maintenance: Option<Maintenance>,
}

impl Standing {
    /// Of a webhook.
    pub fn of(webhook: &Webhook) -> Self {
        Self {
            off_since: webhook.off_since,
            holds: webhook.holds_what_comes(),
            would_hold: webhook.settings.when_paused == webhooks::WhenPaused::Hold,
            in_maintenance: webhook.in_maintenance,
            maintenance: webhook.settings.maintenance,
        }
    }
}

/// One end of a window as a browser's field holds it, in UTC.
pub fn as_field(at: Option<OffsetDateTime>) -> String {
    at.map(crate::rules::body::iso_ms).map(|text| span::as_field(Some(&text)).value).unwrap_or_default()
}

/// POST /p/{project}/settings/webhooks/{id}/maintenance: `from` and `until`, UTC where they say nothing else; both empty
/// take the window away.
pub async fn set_maintenance(
    admin: Admin,
    (db, clock, seal): (Data<Db>, Data<Clock>, Data<SealKey>),
    (wakeup, htmx): (Data<Wakeup>, Htmx),
    (session, path): (Session, Path<(String, String)>),
    Form(raw): Form,
) -> PageResult {
    let id: WebhookId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, now) = (admin.project.id, clock.now());
    let own_page = admin.path(&format!("/settings/webhooks/{id}"));
    let window = match window(&raw, now) {
        Ok(window) => window,
        Err(why) => {
            let found = Found::by_path(&admin, &db, &clock, seal, &path.1).await?;
            return EditPage::with_window(&admin, &db, &found, now, &raw, why).await;
        }
    };
    let saved = db.transaction(move |conn| {
        // The project's row is the lock: nothing else of the webhook changes meanwhile.
        projects::bump_settings_version(conn, project)?;
        let mut settings = webhooks::find(conn, project, id)?.ok_or(UpdateError::Gone)?.settings;
        settings.maintenance = window;
        deliveries::save_webhook(conn, project, id, &settings, &seal, now)
    });
    match saved.await {
        Ok(_) => {
            wakeup.wake();
            let said = if window.is_some() {
                "The maintenance window is set."
            } else {
                "There is no maintenance window."
            };
            session::say(&session, said)?;
            Ok(page::go_to(htmx, &own_page))
        }
        Err(UpdateError::Gone) => Err(PageError::NotFound(GONE)),
        Err(UpdateError::NameTaken) => Err(PageError::Internal("a maintenance window met a name".to_owned())),
        Err(UpdateError::Db(error)) => Err(error.into()),
    }
}

fn window(raw: &RawForm, now: OffsetDateTime) -> Result<Option<Maintenance>, &'static str> {
    let (from, until) = (raw.text("from").trim(), raw.text("until").trim());
    if from.is_empty() && until.is_empty() {
        return Ok(None);
    }
    let moment = |text| span::moment("since", text);
    let Some((from, until)) = moment(from).zip(moment(until)) else {
        return Err("The window was not set: fill in when it begins and when it ends.");
    };
    if until <= from {
        return Err("The window was not set: it has to end after it begins.");
    }
    if until <= now {
        return Err("The window was not set: it is over already. Choose a later end.");
    }
    Ok(Some(Maintenance { from, until }))
}
