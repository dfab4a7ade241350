//! The list of webhooks: where each sends, what, and how it fares.
use std::collections::HashMap;

use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::fares::{self, Fares};
use super::standing::Standing;
use super::state::{self, State, Why};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::WebhookId;
use crate::models::deliveries::{self, Recent, Slowed, Waiting};
use crate::models::projects::Project;
use crate::models::webhooks::{self, Webhook};
use crate::pages::history::shown_url::ShownUrl;
use crate::web::{Admin, Frame, Member, PageResult, Section, filters, page};

/// From more than so many webhooks on, a field finds one by its letters.
const WITHOUT_SEARCH_MAX: usize = 10;
/// So many of the types that a webhook subscribes to are named.
const NAMED_TYPES_MAX: usize = 2;

#[derive(Template)]
#[template(path = "settings/webhooks/list.html")]
struct ListPage {
    frame: Frame,
    new_link: String,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    link: String,
    history_link: String,
    held_link: String,
    name: String,
    description: String,
    target_url: String,
    url: ShownUrl,
    state: State,
    disabled: Option<Why>,
    slowed: Option<Why>,
    is_on: bool,
    /// The project does not send to its host.
    is_elsewhere: bool,
    /// None for one that takes all.
    types: Option<Types>,
    fares: Fares,
    held: i64,
    held_words: &'static str,
    standing: Standing,
    /// The delivery that it was disabled with.
    straw_link: Option<String>,
}

/// The event types that a webhook subscribes to.
struct Types {
    named: Vec<String>,
    further: usize,
    all: String,
}

/// GET /p/{project}/settings/webhooks.
pub async fn list(admin: Admin, db: Data<Db>, clock: Data<Clock>) -> PageResult {
    let (project, now) = (admin.project.clone(), clock.now());
    let found = db.run(move |conn| Found::load(conn, &project, now)).await?;
    page::page(&ListPage {
        frame: admin.frame("Webhooks", Section::Webhooks),
        new_link: admin.path("/settings/webhooks/new"),
        rows: found.rows(&admin),
    })
}

/// What the page is made of.
struct Found {
    webhooks: Vec<Webhook>,
    recent: Vec<Recent>,
    /// What waits for each of those that are off, or were until a moment ago: only for them anything can be held.
    waiting: HashMap<WebhookId, Waiting>,
    slowed: HashMap<WebhookId, Slowed>,
    unfinished: HashMap<WebhookId, bool>,
}

impl Found {
    fn load(conn: &mut PgConnection, project: &Project, now: OffsetDateTime) -> Result<Self, DbError> {
        let webhooks = webhooks::list(conn, project.id)?;
        let unfinished = deliveries::unfinished(conn, project.id)?;
        let may_have_held = |webhook: &&Webhook| {
            !webhook.settings.active || !project.webhooks_enabled || unfinished.contains_key(&webhook.id)
        };
        let off = webhooks.iter().filter(may_have_held);
        let waiting = deliveries::waiting(conn, project.id, off.map(|webhook| webhook.id).collect())?;
        let ids: Vec<WebhookId> = webhooks.iter().map(|webhook| webhook.id).collect();
        let recent = deliveries::recent(conn, project.id, &ids, now - fares::SPAN, now, fares::DRAWN_MAX)?;
        let slowed = deliveries::slowed(conn, project.id)?;
        Ok(Self { webhooks, recent, waiting, slowed, unfinished })
    }

    fn rows(self, member: &Member) -> Vec<Row> {
        let mut fares = fares::by_webhook(&self.recent, &member.path("/history"));
        let row = |webhook: Webhook| {
            let id = webhook.id;
            let cancels = self.unfinished.get(&id).copied();
            let held = self.waiting.get(&id).copied().unwrap_or_default().held;
            let slowed = self.slowed.get(&id);
            Row::of(member, webhook, slowed, (held, cancels), fares.remove(&id).unwrap_or_default())
        };
        self.webhooks.into_iter().map(row).collect()
    }
}

impl ListPage {
    fn has_search(&self) -> bool {
        self.rows.len() > WITHOUT_SEARCH_MAX
    }
}

impl Row {
    fn of(
        member: &Member,
        webhook: Webhook,
        slowed: Option<&Slowed>,
        (held, cancels): (i64, Option<bool>),
        fares: Fares,
    ) -> Self {
        let id = webhook.id;
        Self {
            id: id.to_string(),
            link: member.path(&format!("/settings/webhooks/{id}")),
            history_link: member.path(&format!("/history?webhook_id={id}")),
            held_link: member.path(&format!("/history?status=held&webhook_id={id}")),
            state: State::of(&webhook, slowed),
            standing: Standing::of(&webhook),
            straw_link: state::straw_link(member, &webhook),
            disabled: state::why_disabled(&webhook),
            slowed: state::why_slowed(&webhook, slowed),
            is_on: webhook.settings.active,
            is_elsewhere: webhooks::leads_elsewhere(&member.project.hosts(), &webhook.settings.target_url),
            types: (!webhook.settings.all_events).then(|| Types::of(&webhook.settings.events)),
            url: ShownUrl::of(&webhook.settings.target_url),
            name: webhook.settings.name,
            description: webhook.settings.description,
            target_url: webhook.settings.target_url,
            fares,
            held,
            held_words: state::held_words(webhook.settings.active, member.project.webhooks_enabled, cancels),
        }
    }
}

impl Types {
    fn of(events: &[String]) -> Self {
        // A list that is one too long names that one instead of counting it.
        let named = if events.len() == NAMED_TYPES_MAX + 1 { events.len() } else { NAMED_TYPES_MAX };
        Self {
            named: events.iter().take(named).cloned().collect(),
            further: events.len().saturating_sub(named),
            all: events.join("\n"),
        }
    }
}
