//! The list of webhooks.
use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;

use super::state::{self, State, Why};
use crate::base::db::{Db, DbError};
use crate::models::deliveries;
use crate::models::projects::Project;
use crate::models::webhooks::{self, Webhook};
use crate::web::{Admin, Frame, Member, PageResult, Section, filters, page};

#[derive(Template)]
#[template(path = "settings/webhooks/list.html")]
struct ListPage {
    frame: Frame,
    new_link: String,
    rows: Vec<Row>,
}

struct Row {
    link: String,
    history_link: String,
    held_link: String,
    name: String,
    description: String,
    target_url: String,
    state: State,
    disabled: Option<Why>,
    is_on: bool,
    subscribed: String,
    held: i64,
}

/// GET /p/{project}/settings/webhooks.
pub async fn list(admin: Admin, db: Data<Db>) -> PageResult {
    let project = admin.project.clone();
    let found = db.run(move |conn| load(conn, &project)).await?;
    page::page(&ListPage {
        frame: admin.frame("Webhooks", Section::Webhooks),
        new_link: admin.path("/settings/webhooks/new"),
        rows: found.into_iter().map(|(webhook, held)| Row::of(&admin, webhook, held)).collect(),
    })
}

/// Each webhook with the number of deliveries that are held for it. They are counted only where there can be any.
fn load(conn: &mut PgConnection, project: &Project) -> Result<Vec<(Webhook, i64)>, DbError> {
    let mut found = Vec::new();
    for webhook in webhooks::list(conn, project.id)? {
        let is_sending = webhook.settings.active && project.webhooks_enabled;
        let held = if is_sending { 0 } else { deliveries::held_count(conn, project.id, webhook.id)? };
        found.push((webhook, held));
    }
    Ok(found)
}

impl Row {
    fn of(member: &Member, webhook: Webhook, held: i64) -> Self {
        let id = webhook.id;
        Self {
            link: member.path(&format!("/settings/webhooks/{id}")),
            history_link: member.path(&format!("/history?webhook_id={id}")),
            held_link: member.path(&format!("/history?status=held&webhook_id={id}")),
            state: State::of(&webhook),
            disabled: state::why_disabled(&webhook),
            is_on: webhook.settings.active,
            subscribed: state::subscribed_words(webhook.settings.all_events, webhook.settings.events.len()),
            name: webhook.settings.name,
            description: webhook.settings.description,
            target_url: webhook.settings.target_url,
            held,
        }
    }
}
