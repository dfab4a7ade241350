//! `/p/{project}/settings/general/switch-off` and `…/switch-on`: all webhooks of a project at once.
use std::collections::HashMap;

use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;
use url::form_urlencoded;

use super::webhooks::switch::{held_choice, released_words};
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, WebhookId};
use crate::models::audit::{self, Action};
use crate::models::deliveries::{self, Status, Waiting};
use crate::models::projects;
use crate::models::webhooks;
use crate::web::page::{go_to, page};
use crate::web::session::{self, Session};
use crate::web::{Admin, Form, Frame, Htmx, PageResult, Section, filters};

/// Says what follows, before anything stops.
#[derive(Template)]
#[template(path = "settings/switch_off.html")]
struct SwitchOffPage {
    frame: Frame,
    at_stake: String,
    switch_link: String,
    back_link: String,
}

/// What the switch is about: the webhooks that are active, and what waits for each.
pub(super) struct Switched(HashMap<WebhookId, Waiting>);

impl Switched {
    pub(super) fn load(conn: &mut PgConnection, project: ProjectId) -> Result<Self, DbError> {
        let active = webhooks::list(conn, project)?.into_iter().filter(|webhook| webhook.settings.active);
        Ok(Self(deliveries::waiting(conn, project, active.map(|webhook| webhook.id).collect())?))
    }

    /// How many deliveries go out once webhooks are on again.
    pub(super) fn held(&self) -> i64 {
        self.0.values().map(|waiting| waiting.held).sum()
    }

    /// The history's query that lists just those: what is held for a webhook that is off is none of them.
    pub(super) fn held_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("status", Status::Held.as_str());
        let mut ids: Vec<&WebhookId> =
            self.0.iter().filter(|(_, waiting)| waiting.held > 0).map(|(id, _)| id).collect();
        ids.sort_unstable();
        query.extend_pairs(ids.into_iter().map(|id| ("webhook_id", id.to_string()))).finish()
    }

    /// What stops, in a sentence.
    fn at_stake(&self) -> String {
        let waiting: i64 = self.0.values().map(|waiting| waiting.queued).sum();
        let webhooks = match self.0.len() {
            0 => return "No webhook of this project is active, so nothing is sent now either.".to_owned(),
            1 => "1 webhook is active".to_owned(),
            n => format!("{n} webhooks are active"),
        };
        match waiting {
            0 => format!("{webhooks}, and no delivery waits."),
            1 => format!("{webhooks}, and 1 delivery waits to be sent."),
            n => format!("{webhooks}, and {n} deliveries wait to be sent."),
        }
    }
}

/// GET /p/{project}/settings/general/switch-off: asks first.
pub async fn confirm_switch_off(admin: Admin, db: Data<Db>, htmx: Htmx) -> PageResult {
    let back_link = admin.path("/settings/general");
    if !admin.project.webhooks_enabled {
        return Ok(go_to(htmx, &back_link));
    }
    let project = admin.project.id;
    let switched = db.run(move |conn| Switched::load(conn, project)).await?;
    page(&SwitchOffPage {
        frame: admin.frame("Switch all webhooks off?", Section::General).below("General", &back_link),
        at_stake: switched.at_stake(),
        switch_link: admin.path("/settings/general/switch-off"),
        back_link,
    })
}

/// POST /p/{project}/settings/general/switch-off: from now on everything is held.
pub async fn switch_off(
    admin: Admin,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    htmx: Htmx,
    session: Session,
) -> PageResult {
    let (project, now) = (admin.project.id, clock.now());
    let entry = admin.entry(Action::AllSwitched, project, "Off");
    let switch = move |conn: &mut PgConnection| -> Result<(), DbError> {
        projects::disable_webhooks(conn, project)?;
        audit::write(conn, &entry, now)
    };
    db.transaction(switch).await?;
    wakeup.wake();
    session::say(&session, "Webhooks of this project are switched off. What would be sent is held.")?;
    Ok(go_to(htmx, &admin.path("/settings/general")))
}

/// POST /p/{project}/settings/general/switch-on: what was held for webhooks that are active goes out, or with `held` =
/// `cancel` does not.
pub async fn switch_on(
    admin: Admin,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    htmx: Htmx,
    session: Session,
    Form(raw): Form,
) -> PageResult {
    let (project, now) = (admin.project.id, clock.now());
    let choice = held_choice(raw.text("held"));
    let entry = admin.entry(Action::AllSwitched, project, "On");
    let released = db.transaction(move |conn| {
        let count = Switched::load(conn, project)?.held();
        deliveries::enable_webhooks(conn, project, choice, now)?;
        audit::write(conn, &entry, now)?;
        Ok::<_, DbError>(count)
    });
    let held = released.await?;
    wakeup.wake();
    session::say(
        &session,
        &format!("Webhooks of this project are on again.{}", released_words(choice, held, true)),
    )?;
    Ok(go_to(htmx, &admin.path("/settings/general")))
}
