//! `/p/{project}/settings/general/switch-off` and `…/switch-on`: all webhooks of a project at once.
use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;

use crate::base::clock::{Clock, Wakeup};
use crate::base::db::{Db, DbError};
use crate::base::ids::ProjectId;
use crate::models::deliveries;
use crate::models::projects;
use crate::models::webhooks;
use crate::web::page::{go_to, page};
use crate::web::session::{self, Session};
use crate::web::{Admin, Frame, Htmx, PageResult, Section, filters};

/// Says what follows, before anything stops.
#[derive(Template)]
#[template(path = "settings/switch_off.html")]
struct SwitchOffPage {
    frame: Frame,
    switch_link: String,
    back_link: String,
}

/// How many deliveries go out once webhooks are on again: those held for webhooks that are active.
pub(super) fn held_count(conn: &mut PgConnection, project: ProjectId) -> Result<i64, DbError> {
    let active = webhooks::list(conn, project)?.into_iter().filter(|webhook| webhook.settings.active);
    let waiting = deliveries::waiting(conn, project, active.map(|webhook| webhook.id).collect())?;
    Ok(waiting.values().map(|waiting| waiting.held).sum())
}

/// GET /p/{project}/settings/general/switch-off: asks first.
pub async fn confirm_switch_off(admin: Admin, htmx: Htmx) -> PageResult {
    let back_link = admin.path("/settings/general");
    if !admin.project.webhooks_enabled {
        return Ok(go_to(htmx, &back_link));
    }
    page(&SwitchOffPage {
        frame: admin.frame("Switch all webhooks off?", Section::General).below("General", &back_link),
        switch_link: admin.path("/settings/general/switch-off"),
        back_link,
    })
}

/// POST /p/{project}/settings/general/switch-off: from now on everything is held.
pub async fn switch_off(
    admin: Admin,
    (db, wakeup): (Data<Db>, Data<Wakeup>),
    htmx: Htmx,
    session: Session,
) -> PageResult {
    let project = admin.project.id;
    db.transaction(move |conn| projects::disable_webhooks(conn, project)).await?;
    wakeup.wake();
    session::say(&session, "Webhooks of this project are switched off. What would be sent is held.")?;
    Ok(go_to(htmx, &admin.path("/settings/general")))
}

/// POST /p/{project}/settings/general/switch-on: what was held for webhooks that are active goes out.
pub async fn switch_on(
    admin: Admin,
    (db, clock, wakeup): (Data<Db>, Data<Clock>, Data<Wakeup>),
    htmx: Htmx,
    session: Session,
) -> PageResult {
    let (project, now) = (admin.project.id, clock.now());
    let released = db.transaction(move |conn| {
        let count = held_count(conn, project)?;
        deliveries::enable_webhooks(conn, project, now)?;
        Ok::<_, DbError>(count)
    });
    let held = released.await?;
    wakeup.wake();
    session::say(&session, &format!("Webhooks of this project are on again.{}", released_words(held)))?;
    Ok(go_to(htmx, &admin.path("/settings/general")))
}

fn released_words(held: i64) -> String {
    match held {
        0 => String::new(),
        1 => " The delivery that was held goes out now.".to_owned(),
        n => format!(" The {n} deliveries that were held go out now."),
    }
}
