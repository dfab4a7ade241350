//! `/p/{project}/history/{delivery}`: one delivery with every attempt.
use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;
use url::form_urlencoded;

use super::address::Address;
use super::body::Layout;
use super::exchange::Exchange;
use super::masking;
use super::rows::Row;
use super::shown_url::ShownUrl;
use super::timeline::{self, Line, Outlook};
use super::words::{self, Badge};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{DeliveryId, ProjectId};
use crate::models::deliveries::{self, AttemptRow, Delivery, ResendError, Status};
use crate::models::events::{self, Event, Payload};
use crate::models::webhooks::{self, Webhook};
use crate::pages::events::source_words;
use crate::rules::catalogue;
use crate::web::{
    Frame, Htmx, Member, PageError, PageResult, Query, Section, Viewer, WebSettings, filters, page,
};

/// So many attempts are listed, the last ones.
const ATTEMPTS_MAX: i64 = 100;
/// What is said of a delivery that does not exist, is another project's, or was dropped by age.
pub(super) const GONE: &str = "There is no such delivery in this project, or it is older than what is kept.";

/// What a delivery beside a list leads to.
struct Beside {
    page_link: String,
    close_link: String,
}

#[derive(Template)]
#[template(path = "history/detail.html", blocks = ["delivery"])]
pub(super) struct DetailPage {
    frame: Frame,
    /// Where it leads away from the list, if it is beside one.
    beside: Option<Beside>,
    /// The address that stays.
    fixed_link: String,
    /// What there was to see.
    seen: String,
    /// In how many seconds the page asks again by itself, and the address that names what it has seen so far.
    asks_again_s: Option<u32>,
    again_link: String,
    pretty_link: String,
    raw_link: String,
    /// Where it is compared with the attempt before, if there is one.
    diff_link: Option<String>,
    /// Where it is a file; for support and admins.
    download_link: String,
    resend_link: String,
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
    /// Which channel the event came by, and who sent it.
    source: String,
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
}

/// GET /p/{project}/history/{delivery}?attempt=&view=. With `seen`, 204 while nothing has changed since.
pub async fn detail(
    viewer: Viewer,
    (db, clock, web): (Data<Db>, Data<Clock>, Data<WebSettings>),
    htmx: Htmx,
    (path, query): (Path<(String, String)>, Query),
) -> PageResult {
    let asked = Asked {
        attempt: query.0.get("attempt").and_then(|number| number.parse().ok()),
        layout: Layout::of_word(query.0.get("view")),
        now: clock.now(),
        public_url: web.public_url.clone(),
        list: None,
    };
    let view = view(&viewer, &db, &path.1, asked).await?;
    if htmx.0 && query.0.get("seen").is_some_and(|seen| view.is_seen(seen)) {
        return Ok(HttpResponse::NoContent().finish());
    }
    page::page_or_block(htmx, StatusCode::OK, &view, &view.as_delivery())
}

/// A delivery to show, by its id.
pub(super) async fn view(member: &Member, db: &Db, id: &str, asked: Asked) -> Result<DetailPage, PageError> {
    let id: DeliveryId = id.parse().map_err(|_| PageError::NotFound(GONE))?;
    let project = member.project.id;
    let found = db.run(move |conn| Found::load(conn, project, id)).await?.ok_or(PageError::NotFound(GONE))?;
    Ok(DetailPage::of(member, &found, asked))
}

/// What of the delivery is wanted, and where.
pub(super) struct Asked {
    pub attempt: Option<usize>,
    pub layout: Layout,
    pub now: OffsetDateTime,
    /// Where people reach us.
    pub public_url: String,
    /// The list beside which it is shown; none on its own page.
    pub list: Option<Address>,
}

impl Asked {
    /// The address at which the delivery of this page is shown here.
    fn base_link(&self, page_link: &str) -> String {
        self.list.as_ref().map_or_else(|| page_link.to_owned(), |list| list.with("open", id_in(page_link)))
    }
}

fn id_in(page_link: &str) -> &str {
    page_link.rsplit('/').next().unwrap_or_default()
}

/// What the page is made of.
pub(super) struct Found {
    pub delivery: Delivery,
    pub attempts: Vec<AttemptRow>,
    pub webhook: Option<Webhook>,
    event: Option<Event>,
    is_slowed: bool,
    others: Vec<Row>,
}

impl Found {
    pub fn load(
        conn: &mut PgConnection,
        project: ProjectId,
        id: DeliveryId,
    ) -> Result<Option<Self>, DbError> {
        let Some(delivery) = deliveries::find(conn, project, id)? else { return Ok(None) };
        let of_event = deliveries::of_event(conn, project, delivery.event)?;
        let others: Vec<&Delivery> = of_event.iter().filter(|other| other.id != id).collect();
        let names = if others.is_empty() { HashMap::new() } else { webhooks::names(conn, project)? };
        let row = |other: &&Delivery| Row::of(project, other, names.get(&other.webhook));
        Ok(Some(Self {
            others: others.iter().map(row).collect(),
            attempts: deliveries::of_delivery(conn, project, id, ATTEMPTS_MAX)?,
            webhook: webhooks::find_with_deleted(conn, project, delivery.webhook)?,
            event: events::find(conn, project, delivery.event)?,
            is_slowed: deliveries::slowed(conn, project)?.contains_key(&delivery.webhook),
            delivery,
        }))
    }

    /// What was to be sent, if its event is still kept.
    pub fn payload(&self) -> Option<&Payload> {
        self.event.as_ref().map(|event| &event.payload)
    }

    /// The chosen attempt, the last one unless there is one of that number, and the one before it.
    fn chosen(&self, number: Option<usize>) -> Option<(Option<&AttemptRow>, &AttemptRow)> {
        let at = self.attempts.iter().position(|row| Some(row.number) == number);
        let at = at.or(self.attempts.len().checked_sub(1))?;
        Some((at.checked_sub(1).and_then(|before| self.attempts.get(before)), self.attempts.get(at)?))
    }

    /// Changes whenever there is something new to see.
    fn seen(&self) -> String {
        let next = self.delivery.next_attempt_at.map_or(0, OffsetDateTime::unix_timestamp);
        let attempts = self.attempts.last().map_or(0, |row| row.number);
        format!("{}-{attempts}-{next}", self.delivery.status.as_str())
    }
}

impl DetailPage {
    fn of(member: &Member, found: &Found, asked: Asked) -> Self {
        let Found { delivery, attempts, webhook, event, is_slowed, others } = found;
        let webhook = webhook.as_ref();
        let is_deleted = webhook.is_none_or(|webhook| webhook.deleted_at.is_some());
        let page_link = member.path(&format!("/history/{}", delivery.id));
        let base_link = asked.base_link(&page_link);
        let joint = if asked.list.is_some() { '&' } else { '?' };
        let shown_link = |number: usize, view| format!("{base_link}{joint}attempt={number}{view}");
        let view = asked.layout.suffix();
        let (before, chosen) = found.chosen(asked.attempt).map_or((None, None), |(b, c)| (b, Some(c)));
        let number = chosen.map_or(0, |row| row.number);
        let payload = found.payload();
        let exchange = chosen.map(|row| {
            let shown = Exchange::of(delivery, row, payload, asked.layout, member.role);
            match before.filter(|_| asked.layout == Layout::Difference) {
                Some(before) => shown.compared(delivery, (before, row), payload, member.role),
                None => shown,
            }
        });
        let event_id = delivery.event.with_prefix(catalogue::id_prefix(&delivery.event_type));
        let target_url = webhook.map(|webhook| masking::url(member.role, &webhook.settings.target_url));
        let list_link = member.path("/history");
        let frame = member
            .frame(&format!("{} to {}", delivery.event_type, name(webhook, delivery)), Section::History)
            .below("History", &list_link);
        let may_see_event = frame.is_support() && event.is_some();
        Self {
            asks_again_s: asks_again_s(delivery, asked.now),
            again_link: again_link(
                &format!("{base_link}{joint}"),
                chosen.map(|row| row.number),
                view,
                &found.seen(),
            ),
            pretty_link: shown_link(number, ""),
            raw_link: shown_link(number, Layout::Raw.suffix()),
            resend_link: resend_link(&page_link, asked.list.is_some().then_some(&base_link)),
            fixed_link: format!("{}{page_link}", asked.public_url),
            seen: found.seen(),
            download_link: format!("{page_link}/download"),
            beside: asked.list.map(|list| Beside { page_link, close_link: list.link() }),
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
            external_id: event.as_ref().and_then(|event| event.external_id.clone()).unwrap_or_default(),
            source: payload.map(|payload| source_words(&payload.source)).unwrap_or_default(),
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
            diff_link: before.map(|_| shown_link(number, Layout::Difference.suffix())),
            exchange,
            is_raw: asked.layout.is_raw(),
            attempt_total: attempts.last().map_or(0, |row| row.number),
            others: others.clone(),
            frame,
        }
    }

    /// Whether this is what somebody has seen already.
    pub(super) fn is_seen(&self, seen: &str) -> bool {
        self.seen == seen
    }
}

/// Where it is sent again, and where that leads back to if not to its page.
fn resend_link(page_link: &str, back: Option<&String>) -> String {
    let mut link = format!("{page_link}/resend");
    if let Some(back) = back {
        let back = form_urlencoded::Serializer::new(String::new()).append_pair("back", back).finish();
        link = format!("{link}?{back}");
    }
    link
}

/// Asks for news of the same attempt: whoever reads one is not taken to another.
fn again_link(base_link: &str, attempt: Option<usize>, view: &str, seen: &str) -> String {
    let attempt = attempt.map(|number| format!("&attempt={number}")).unwrap_or_default();
    format!("{base_link}seen={seen}{attempt}{view}")
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
