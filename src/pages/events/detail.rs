//! `/p/{project}/events/{event}`: one event, its deliveries, and why other webhooks got none.
use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{EventId, ProjectId, WebhookId};
use crate::models::deliveries::{self, Delivery, HeldBy, Reason, Status, Untold};
use crate::models::event_types;
use crate::models::events::{self, Event};
use crate::models::resends::{self, Told};
use crate::models::webhooks::{self, Named};
use crate::pages::history::again::Again;
use crate::pages::history::body::{Body, Layout};
use crate::pages::history::rows::Row;
use crate::pages::history::searched;
use crate::rules::body::EventSource;
use crate::rules::catalogue;
use crate::rules::masks::Veil;
use crate::web::{
    Frame, Htmx, MaskedLine, Member, PageError, PageResult, Query, Section, Support, filters, page,
};

const GONE: &str = "There is no such event in this project, or it is older than what is kept.";

#[derive(Template)]
#[template(path = "events/detail.html", blocks = ["event"])]
struct DetailPage {
    frame: Frame,
    base_link: String,
    raw_link: String,
    id: String,
    event_type: String,
    description: String,
    external_id: String,
    entity_id: String,
    group: String,
    /// The history of its group; none for whom the name is masked.
    group_link: Option<String>,
    source: String,
    created_at: OffsetDateTime,
    rows: Vec<ToldRow>,
    untold: Vec<UntoldRow>,
    /// None once it is no longer kept.
    data: Option<Body>,
    is_raw: bool,
    test: bool,
    again: Again,
    masked: Option<MaskedLine>,
}

/// A webhook that got nothing, and why.
struct UntoldRow {
    name: String,
    class: &'static str,
    word: &'static str,
    why: &'static str,
    /// Since when, if it still is.
    since: Option<OffsetDateTime>,
}

/// A delivery, and what keeps it back.
struct ToldRow {
    row: Row,
    held: Option<&'static str>,
}

/// GET /p/{project}/events/{event}?view=.
pub async fn detail(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    path: Path<(String, String)>,
    query: Query,
) -> PageResult {
    let id: EventId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, veil) = (support.project.id, support.sight.veil());
    let found = db.run(move |conn| Found::load(conn, project, id, veil)).await?;
    let found = found.ok_or(PageError::NotFound(GONE))?;
    support.saw(&db, &clock, found.id()).await?;
    let view = DetailPage::of(&support, found, Layout::of_word(query.0.get("view")));
    page::page_or_block(htmx, StatusCode::OK, &view, &view.as_event())
}

/// What the page is made of.
struct Found {
    event: Event,
    /// Of its type; empty if there is no such type any more.
    description: String,
    rows: Vec<ToldRow>,
    untold: Vec<UntoldRow>,
    told: Told,
    names: HashMap<WebhookId, Named>,
    veil: Veil,
}

impl Found {
    fn load(
        conn: &mut PgConnection,
        project: ProjectId,
        id: EventId,
        mut veil: Veil,
    ) -> Result<Option<Self>, DbError> {
        let Some(event) = events::find(conn, project, id)? else { return Ok(None) };
        veil.learn(&event.payload.data);
        let made = deliveries::of_event(conn, project, id)?;
        let names = webhooks::names(conn, project)?;
        let now = webhooks::list(conn, project)?;
        let row = |delivery: &Delivery| {
            let webhook = now.iter().find(|webhook| webhook.id == delivery.webhook);
            let held = (delivery.status == Status::Held).then(|| HeldBy::of(webhook).sentence());
            ToldRow { row: Row::of(project, delivery, names.get(&delivery.webhook), &veil), held }
        };
        let untold_row = |untold: &Untold| {
            let name = names.get(&untold.webhook).map(|named| named.name.clone());
            UntoldRow::of(name.unwrap_or_else(|| untold.webhook.to_string()), untold)
        };
        let told = resends::of_event(conn, project, id)?;
        // An edited copy was meant for one webhook, as a test is.
        let untold = if told.from.is_none() { deliveries::untold(conn, &event, &made)? } else { Vec::new() };
        let known = event_types::trial(conn, project, &event.payload.event_type)?;
        Ok(Some(Self {
            description: known.map(|known| known.description).unwrap_or_default(),
            rows: made.iter().map(row).collect(),
            untold: untold.iter().map(untold_row).collect(),
            event,
            told,
            names,
            veil,
        }))
    }

    fn id(&self) -> String {
        let payload = &self.event.payload;
        payload.id.with_prefix(catalogue::id_prefix(&payload.event_type))
    }
}

impl UntoldRow {
    fn of(name: String, untold: &Untold) -> Self {
        let (class, word) = match untold.reason {
            Reason::Paused => ("state-held", "Paused"),
            Reason::Disabled => ("state-bad", "Disabled"),
            Reason::Filter => ("state-quiet", "Filtered out"),
            Reason::HostNotAllowed => ("state-held", "Host not allowed"),
            Reason::NotSubscribed => ("state-quiet", "Not subscribed"),
            Reason::CreatedLater => ("state-quiet", "Created later"),
        };
        Self { name, class, word, why: untold.reason.sentence(), since: untold.since }
    }
}

/// How an event came about, in words; as it is stored if a newer version wrote it.
pub fn source_words(stored: &str) -> String {
    match serde_json::from_str(stored) {
        Ok(EventSource::Api { key_name, .. }) => format!("API, key “{key_name}”"),
        Ok(EventSource::UserPortal { .. }) => "A person, in these pages".to_owned(),
        Ok(EventSource::Internal) => "Callout itself".to_owned(),
        Err(_) => stored.to_owned(),
    }
}

impl DetailPage {
    fn of(member: &Member, found: Found, layout: Layout) -> Self {
        let (id, veil) = (found.id(), found.veil);
        let Event { payload, external_id, test, .. } = found.event;
        let body = || Body::of(&veil.bytes(&payload.data), layout).with_length(payload.data.len());
        let data = (!payload.is_emptied()).then(body);
        let shown = |text: &str| veil.text(text).into_owned();
        let (external_id, entity_id, group, source) = (
            shown(external_id.as_deref().unwrap_or_default()),
            shown(payload.entity_id.as_deref().unwrap_or_default()),
            shown(&payload.group),
            shown(&source_words(&payload.source)),
        );
        let base_link = member.path(&format!("/events/{id}"));
        let raw_link = format!("{base_link}?view=raw");
        Self {
            frame: member
                .frame(&payload.event_type, Section::Events)
                .below("Events", &member.path("/events")),
            masked: member.masked_line(&veil, if layout.is_raw() { &raw_link } else { &base_link }),
            base_link,
            raw_link,
            id,
            description: found.description,
            external_id,
            entity_id,
            group,
            group_link: searched::link_to(member, "/events", &payload.group, &veil),
            source,
            created_at: payload.created_at,
            rows: found.rows,
            untold: found.untold,
            data,
            is_raw: layout.is_raw(),
            test,
            again: Again::of(member, &found.told, None, (&found.names, &veil)),
            event_type: payload.event_type,
        }
    }
}
