//! `/p/{project}/history/{delivery}`: one delivery with every attempt.
use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::again::Again;
use super::body::Layout;
use super::exchange::Exchange;
use super::masking;
use super::notes::NoteLine;
use super::rows::Row;
use super::shown_url::ShownUrl;
use super::timeline::{self, Line, Outlook};
use super::words::{self, Badge};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::models::deliveries::{self, AttemptRow, BodyKind, Delivery, Note, ResendError, Status};
use crate::models::events::{self, Event, Payload};
use crate::models::resends::{self, Told};
use crate::models::webhooks::{self, Named, Webhook};
use crate::rules::catalogue;
use crate::rules::masks::Veil;
use crate::web::{
    Frame, Htmx, MaskedLine, Member, PageError, PageResult, Query, Section, Sight, Viewer, filters, page,
};

/// So many attempts are listed, the last ones.
const ATTEMPTS_MAX: i64 = 100;
/// What is said of a delivery that does not exist, is another project's, or was dropped by age.
pub(super) const GONE: &str = "There is no such delivery in this project, or it is older than what is kept.";

#[derive(Template)]
#[template(path = "history/detail.html", blocks = ["delivery"])]
struct DetailPage {
    frame: Frame,
    /// In how many seconds the page asks again by itself, and the address that names what it has seen so far.
    asks_again_s: Option<u32>,
    again_link: String,
    pretty_link: String,
    raw_link: String,
    resend_link: String,
    changes_link: String,
    may_resend: bool,
    /// Why not, if it may not be sent again now.
    resend_hindrance: String,
    id: String,
    event_type: String,
    badge: Badge,
    test: bool,
    webhook: String,
    webhook_is_deleted: bool,
    webhook_link: Option<String>,
    target_url: String,
    target: Option<ShownUrl>,
    event_id: String,
    event_link: Option<String>,
    external_id: String,
    created_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
    outlook: Option<Outlook>,
    lines: Vec<Line>,
    hidden_attempts: usize,
    exchange: Option<Exchange>,
    is_raw: bool,
    attempt_total: usize,
    /// The other deliveries of the same event.
    others: Vec<Row>,
    notes: Vec<NoteLine>,
    notes_link: String,
    /// What was sent from it with changes, or what it was made from.
    again: Again,
    masked: Option<MaskedLine>,
}

/// GET /p/{project}/history/{delivery}?attempt=&view=. With `seen`, 204 while nothing has changed since.
pub async fn detail(
    viewer: Viewer,
    db: Data<Db>,
    clock: Data<Clock>,
    htmx: Htmx,
    (path, query): (Path<(String, String)>, Query),
) -> PageResult {
    let id: DeliveryId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, sight) = (viewer.project.id, viewer.sight.clone());
    let found =
        db.run(move |conn| Found::load(conn, project, id, &sight)).await?.ok_or(PageError::NotFound(GONE))?;
    if htmx.0 && query.0.get("seen") == Some(&found.seen()) {
        return Ok(HttpResponse::NoContent().finish());
    }
    let asked = Asked {
        attempt: query.0.get("attempt").and_then(|number| number.parse().ok()),
        layout: Layout::of_word(query.0.get("view")),
        now: clock.now(),
    };
    viewer.saw(&db, &clock, id.to_string()).await?;
    let view = DetailPage::of(&viewer, &found, asked);
    page::page_or_block(htmx, StatusCode::OK, &view, &view.as_delivery())
}

/// What of the delivery is wanted.
struct Asked {
    attempt: Option<usize>,
    layout: Layout,
    now: OffsetDateTime,
}

/// What the page is made of.
struct Found {
    delivery: Delivery,
    attempts: Vec<AttemptRow>,
    webhook: Option<Webhook>,
    event: Option<Event>,
    is_slowed: bool,
    others: Vec<Row>,
    notes: Vec<Note>,
    told: Told,
    names: HashMap<WebhookId, Named>,
    veil: Veil,
}

impl Found {
    fn load(
        conn: &mut PgConnection,
        project: ProjectId,
        id: DeliveryId,
        sight: &Sight,
    ) -> Result<Option<Self>, DbError> {
        let Some(delivery) = deliveries::find(conn, project, id)? else { return Ok(None) };
        let of_event = deliveries::of_event(conn, project, delivery.event)?;
        let others: Vec<&Delivery> = of_event.iter().filter(|other| other.id != id).collect();
        let told = resends::of_delivery(conn, project, &delivery)?;
        let is_alone = others.is_empty() && told.resends.is_empty();
        let names = if is_alone { HashMap::new() } else { webhooks::names(conn, project)? };
        let event = events::find(conn, project, delivery.event)?;
        let attempts = deliveries::of_delivery(conn, project, id, ATTEMPTS_MAX)?;
        let veil = learnt(sight, event.as_ref(), &attempts);
        let row = |other: &&Delivery| Row::of(project, other, names.get(&other.webhook), &veil);
        Ok(Some(Self {
            others: others.iter().map(row).collect(),
            attempts,
            webhook: webhooks::find_with_deleted(conn, project, delivery.webhook)?,
            event,
            notes: deliveries::notes(conn, project, id)?,
            is_slowed: deliveries::slowed(conn, project)?.contains_key(&delivery.webhook),
            delivery,
            told,
            names,
            veil,
        }))
    }

    /// Changes whenever there is something new to see.
    fn seen(&self) -> String {
        let next = self.delivery.next_attempt_at.map_or(0, OffsetDateTime::unix_timestamp);
        let attempts = self.attempts.last().map_or(0, |row| row.number);
        format!("{}-{attempts}-{next}", self.delivery.status.as_str())
    }
}

/// A veil that knows the personal data of the event and of everything that was sent and answered.
fn learnt(sight: &Sight, event: Option<&Event>, attempts: &[AttemptRow]) -> Veil {
    let mut veil = sight.veil();
    if let Some(event) = event {
        veil.learn(&event.payload.data);
        veil.learn(event.payload.source.as_bytes());
    }
    for attempt in attempts.iter().map(|row| &row.attempt) {
        if let BodyKind::Kept(body) = &attempt.body {
            veil.learn(body);
        }
        if let Some(response) = &attempt.response {
            veil.learn(&response.body);
        }
    }
    veil
}

impl DetailPage {
    fn of(member: &Member, found: &Found, asked: Asked) -> Self {
        let Found { delivery, attempts, webhook, event, is_slowed, others, notes, told, names, veil } = found;
        let webhook = webhook.as_ref();
        let is_deleted = webhook.is_none_or(|webhook| webhook.deleted_at.is_some());
        let base_link = member.path(&format!("/history/{}", delivery.id));
        let shown_link = |number: usize, view| format!("{base_link}?attempt={number}{view}");
        let view = if asked.layout.is_raw() { "&view=raw" } else { "" };
        let chosen = attempts.iter().find(|row| Some(row.number) == asked.attempt).or(attempts.last());
        let number = chosen.map_or(0, |row| row.number);
        let payload = event.as_ref().map(|event| &event.payload);
        let event_id = delivery.event.with_prefix(catalogue::id_prefix(&delivery.event_type));
        let target_url = webhook.map(|webhook| masking::url(member.role, &webhook.settings.target_url));
        let target_url = target_url.map(|url| veil.text(&url).into_owned());
        let list_link = member.path("/history");
        let frame = member
            .frame(&format!("{} to {}", delivery.event_type, name(webhook, delivery)), Section::History)
            .below("History", &list_link);
        let may_see_event = frame.is_support() && event.is_some();
        let exchange =
            chosen.map(|row| Exchange::of(delivery, row, payload, asked.layout, member.role, veil));
        let external_id = event.as_ref().and_then(|event| event.external_id.as_deref()).unwrap_or_default();
        let external_id = veil.text(external_id).into_owned();
        Self {
            masked: member.masked_line(veil, &shown_link(number, view)),
            asks_again_s: asks_again_s(delivery, asked.now),
            again_link: again_link(&base_link, chosen.map(|row| row.number), view, &found.seen()),
            pretty_link: shown_link(number, ""),
            raw_link: shown_link(number, "&view=raw"),
            resend_link: format!("{base_link}/resend"),
            changes_link: format!("{base_link}/resend-with-changes"),
            may_resend: frame.is_support(),
            resend_hindrance: resend_hindrance(member, delivery, webhook, payload)
                .map_or_else(String::new, |one| one.to_string()),
            id: delivery.id.to_string(),
            event_type: delivery.event_type.clone(),
            badge: words::badge(delivery.status),
            test: delivery.test,
            webhook: name(webhook, delivery),
            webhook_is_deleted: is_deleted,
            webhook_link: (frame.is_admin() && !is_deleted)
                .then(|| member.path(&format!("/settings/webhooks/{}", delivery.webhook))),
            target: target_url.as_deref().map(ShownUrl::of),
            target_url: target_url.unwrap_or_default(),
            event_link: may_see_event.then(|| member.path(&format!("/events/{event_id}"))),
            event_id,
            external_id,
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
            outlook: timeline::outlook(
                delivery,
                attempts,
                webhook,
                member.project.webhooks_enabled,
                *is_slowed,
            ),
            lines: timeline::lines(attempts, number, |number| shown_link(number, view)),
            hidden_attempts: attempts.first().map_or(0, |row| row.number.saturating_sub(1)),
            exchange,
            is_raw: asked.layout.is_raw(),
            attempt_total: attempts.last().map_or(0, |row| row.number),
            others: others.clone(),
            notes: notes.iter().map(|note| NoteLine::of(member, note)).collect(),
            notes_link: format!("{base_link}/notes"),
            again: Again::of(member, told, Some(delivery.id), names),
            frame,
        }
    }
}

/// Asks for news of the same attempt: whoever reads one is not taken to another.
fn again_link(base_link: &str, attempt: Option<usize>, view: &str, seen: &str) -> String {
    let attempt = attempt.map(|number| format!("&attempt={number}")).unwrap_or_default();
    format!("{base_link}?seen={seen}{attempt}{view}")
}

/// Often while something is about to happen, now and then while the next attempt is far off, never once it is final.
fn asks_again_s(delivery: &Delivery, now: OffsetDateTime) -> Option<u32> {
    if words::is_final(delivery.status) {
        return None;
    }
    let is_far_off = delivery.next_attempt_at.is_some_and(|at| at - now > time::Duration::minutes(1));
    Some(if is_far_off { 30 } else { 2 })
}

fn name(webhook: Option<&Webhook>, delivery: &Delivery) -> String {
    webhook.map_or_else(|| delivery.webhook.to_string(), |webhook| webhook.settings.name.clone())
}

/// What [`deliveries::resend`] would refuse it for.
fn resend_hindrance(
    member: &Member,
    delivery: &Delivery,
    webhook: Option<&Webhook>,
    payload: Option<&Payload>,
) -> Option<ResendError> {
    let Some(webhook) = webhook.filter(|webhook| webhook.deleted_at.is_none()) else {
        return Some(ResendError::WebhookDeleted);
    };
    match delivery.status {
        Status::Due | Status::Sending => Some(ResendError::UnderWay),
        _ if !webhook.settings.active => Some(ResendError::WebhookOff),
        _ if !member.project.webhooks_enabled => Some(ResendError::AllOff),
        _ if payload.is_none_or(Payload::is_emptied) => Some(ResendError::Emptied),
        _ => None,
    }
}
