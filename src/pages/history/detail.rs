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
use super::again::Again;
use super::body::Layout;
use super::exchange::Exchange;
use super::masking;
use super::notes::NoteLine;
use super::rows::Row;
use super::searched;
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
use crate::pages::events::source_words;
use crate::rules::catalogue;
use crate::rules::masks::Veil;
use crate::web::{
    Frame, Htmx, MaskedLine, Member, PageError, PageResult, Query, Section, Sight, Viewer, WebSettings,
    filters, page,
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
    /// Which channel the event came by, and who sent it.
    source: String,
    group: String,
    /// The history of its group; none for whom the name is masked.
    group_link: Option<String>,
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
        seen: query.0.get("seen").filter(|_| htmx.0).map(str::to_owned),
    };
    let Some(view) = view(&viewer, &db, &path.1, (&clock, asked)).await? else {
        return Ok(HttpResponse::NoContent().finish());
    };
    page::page_or_block(htmx, StatusCode::OK, &view, &view.as_delivery())
}

/// A delivery to show, by its id; none if somebody has seen all that is new.
pub(super) async fn view(
    member: &Member,
    db: &Db,
    id: &str,
    (clock, asked): (&Clock, Asked),
) -> Result<Option<DetailPage>, PageError> {
    let id: DeliveryId = id.parse().map_err(|_| PageError::NotFound(GONE))?;
    let found = Found::of(member, db, id).await?;
    if asked.seen.as_ref() == Some(&found.seen()) {
        return Ok(None);
    }
    member.saw(db, clock, id.to_string()).await?;
    Ok(Some(DetailPage::of(member, &found, asked)))
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
    /// What was seen of it, by who only wants news.
    pub seen: Option<String>,
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
    notes: Vec<Note>,
    told: Told,
    names: HashMap<WebhookId, Named>,
    pub veil: Veil,
}

impl Found {
    /// What there is of a delivery, for somebody.
    pub async fn of(member: &Member, db: &Db, id: DeliveryId) -> Result<Self, PageError> {
        let (project, sight) = (member.project.id, member.sight.clone());
        let found = db.run(move |conn| Self::load(conn, project, id, &sight)).await?;
        found.ok_or(PageError::NotFound(GONE))
    }

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
        let page_link = member.path(&format!("/history/{}", delivery.id));
        let base_link = asked.base_link(&page_link);
        let joint = if asked.list.is_some() { '&' } else { '?' };
        let shown_link = |number: usize, view| format!("{base_link}{joint}attempt={number}{view}");
        let view = asked.layout.suffix();
        let (before, chosen) = found.chosen(asked.attempt).map_or((None, None), |(b, c)| (b, Some(c)));
        let number = chosen.map_or(0, |row| row.number);
        let payload = found.payload();
        let exchange = chosen.map(|row| {
            let shown = Exchange::of(delivery, row, payload, asked.layout, member.role, veil);
            match before.filter(|_| asked.layout == Layout::Difference) {
                Some(before) => shown.compared(delivery, (before, row), payload, (member.role, veil)),
                None => shown,
            }
        });
        let event_id = delivery.event.with_prefix(catalogue::id_prefix(&delivery.event_type));
        let target_url = webhook.map(|webhook| masking::url(member.role, &webhook.settings.target_url));
        let target_url = target_url.map(|url| veil.text(&url).into_owned());
        let list_link = member.path("/history");
        let frame = member
            .frame(&format!("{} to {}", delivery.event_type, name(webhook, delivery)), Section::History)
            .below("History", &list_link);
        let may_see_event = frame.is_support() && event.is_some();
        let external_id = event.as_ref().and_then(|event| event.external_id.as_deref()).unwrap_or_default();
        let external_id = veil.text(external_id).into_owned();
        let group = payload.map_or("", |payload| payload.group.as_str());
        Self {
            group: veil.text(group).into_owned(),
            group_link: searched::link_to(member, "/history", group, veil),
            masked: member.masked_line(veil, &shown_link(number, view)),
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
            changes_link: format!("{page_link}/resend-with-changes"),
            fixed_link: format!("{}{page_link}", asked.public_url),
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
            external_id,
            source: payload.map(|p| veil.text(&source_words(&p.source)).into_owned()).unwrap_or_default(),
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
            notes: notes.iter().map(|note| NoteLine::of(member, note, veil)).collect(),
            notes_link: format!("{base_link}/notes"),
            again: Again::of(member, told, Some(delivery.id), (names, veil)),
            frame,
        }
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
