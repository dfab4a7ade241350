//! `/p/{project}/replays/{replay}`: how far it has come, its switches, and what became of each delivery.
use std::collections::HashMap;

use actix_web::web::{Data, Path};
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::{GONE, words};
use crate::base::db::{Db, DbError};
use crate::base::ids::{DeliveryId, ProjectId, ReplayId, WebhookId};
use crate::models::deliveries::{self, Delivery};
use crate::models::replays::{self, Item, ItemState, Replay, ReplayStatus};
use crate::models::webhooks::{self, Named};
use crate::pages::history::rows::Row;
use crate::pages::history::words::Badge;
use crate::web::paging::Paged;
use crate::web::{Frame, Htmx, Member, PageError, PageResult, Query, Section, Support, filters, page};

/// Rows of a page.
const PAGE_ROWS: usize = 50;
/// The bar's width in its own units.
const BAR_WIDTH: i64 = 1_000;

#[derive(Template)]
#[template(path = "replays/show.html")]
struct ShowPage {
    frame: Frame,
    link: String,
    /// Where news come from, while there may be any.
    again_link: Option<String>,
    badge: Badge,
    /// What it does at this moment.
    doing: String,
    subject: Vec<String>,
    manner: String,
    created_at: OffsetDateTime,
    settled: i64,
    total: i64,
    percent: i64,
    bar: Vec<Part>,
    numbers: Vec<Number>,
    may_pause: bool,
    may_resume: bool,
    may_cancel: bool,
    rows: Vec<ItemRow>,
    /// The state that the rows are in, if only one is shown.
    shown: Option<&'static str>,
    newest: Option<String>,
    older: Option<String>,
}

/// A stretch of the bar.
struct Part {
    class: &'static str,
    x: i64,
    width: i64,
}

/// How many are in a state, with the address of the list of them.
struct Number {
    badge: Badge,
    count: i64,
    link: String,
    is_shown: bool,
}

/// A delivery of the replay; without a row if it is no longer kept.
struct ItemRow {
    badge: Badge,
    id: String,
    /// Its turn has not come: there may be no delivery yet.
    is_to_come: bool,
    row: Option<Row>,
}

struct Found {
    replay: Replay,
    items: Paged<Item>,
    deliveries: HashMap<DeliveryId, Delivery>,
    names: HashMap<WebhookId, Named>,
    sends: bool,
}

impl Found {
    fn load(
        conn: &mut PgConnection,
        (project, id): (ProjectId, ReplayId),
        state: Option<ItemState>,
        before: Option<DeliveryId>,
        sends: bool,
    ) -> Result<Option<Self>, DbError> {
        let Some(replay) = replays::find(conn, project, id)? else { return Ok(None) };
        let items = replays::items(conn, (project, id), state, before, PAGE_ROWS as i64 + 1)?;
        let items = Paged::cut(items, PAGE_ROWS, |item| item.delivery.0);
        let ids: Vec<DeliveryId> = items.rows.iter().map(|item| item.delivery).collect();
        let deliveries = deliveries::named(conn, project, &ids)?;
        Ok(Some(Self { replay, items, deliveries, names: webhooks::names(conn, project)?, sends }))
    }
}

/// GET /p/{project}/replays/{replay}?state=&cursor=.
pub async fn show(
    support: Support,
    db: Data<Db>,
    htmx: Htmx,
    (query, path): (Query, Path<(String, String)>),
) -> PageResult {
    let id: ReplayId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, sends) = (support.project.id, support.project.webhooks_enabled);
    let state = ItemState::of_word(query.0.text("state"));
    let before: Option<DeliveryId> = query.0.text("cursor").parse().ok();
    let load = db.run(move |conn| Found::load(conn, (project, id), state, before, sends));
    let found = load.await?.ok_or(PageError::NotFound(GONE))?;
    // Its switches are others now: the whole page anew, instead of news for the old one.
    if htmx.0 && query.0.get("was").is_some_and(|was| was != found.replay.status.as_str()) {
        return Ok(page::go_to(htmx, &query.0.link(&support.path(&format!("/replays/{id}")), "was", "")));
    }
    page::page(&ShowPage::of(&support, found, state, before))
}

impl ShowPage {
    fn of(member: &Member, found: Found, state: Option<ItemState>, before: Option<DeliveryId>) -> Self {
        let (replay, counts) = (&found.replay, &found.replay.counts);
        let link = member.path(&format!("/replays/{}", replay.id));
        let filtered = state.map_or_else(|| link.clone(), |state| format!("{link}?state={}", state.as_str()));
        let join = if state.is_some() { '&' } else { '?' };
        let at = before.map_or_else(|| filtered.clone(), |before| format!("{filtered}{join}cursor={before}"));
        let is_open = replay.status == ReplayStatus::Running || counts.open() > 0;
        let again = |at: &str| {
            format!("{at}{}was={}", if at.contains('?') { '&' } else { '?' }, replay.status.as_str())
        };
        let last = found.items.next.and(found.items.rows.last()).map(|item| item.delivery);
        let (history, replays) = (member.path("/history"), member.path("/replays"));
        let is_stopped = matches!(replay.status, ReplayStatus::Paused | ReplayStatus::Stopped);
        let running = replay.status == ReplayStatus::Running;
        Self {
            frame: member
                .frame("Replay", Section::History)
                .below("History", &history)
                .below("Replays", &replays),
            again_link: is_open.then(|| again(&at)),
            badge: words::badge(replay.status),
            doing: doing(replay, found.sends),
            subject: words::subject(replay, &found.names, &member.sight.veil()),
            manner: words::manner(replay),
            created_at: replay.created_at,
            settled: counts.settled(),
            total: counts.total(),
            percent: if replay.is_collected { counts.settled() * 100 / counts.total().max(1) } else { 0 },
            bar: bar(replay),
            numbers: numbers(replay, state, &link),
            may_pause: running,
            may_resume: is_stopped,
            may_cancel: running || is_stopped,
            rows: found.items.rows.iter().map(|item| item_row(member, &found, item)).collect(),
            shown: state.map(|state| words::item_badge(state).word),
            newest: before.map(|_| filtered.clone()),
            older: last.map(|id| format!("{filtered}{join}cursor={id}")),
            link,
        }
    }
}

fn item_row(member: &Member, found: &Found, item: &Item) -> ItemRow {
    let delivery = found.deliveries.get(&item.delivery);
    let veil = member.sight.veil();
    let row =
        |delivery: &Delivery| Row::of(member.project.id, delivery, found.names.get(&delivery.webhook), &veil);
    ItemRow {
        badge: words::item_badge(item.state),
        id: item.delivery.to_string(),
        is_to_come: item.state == ItemState::Waiting,
        row: delivery.map(row),
    }
}

fn doing(replay: &Replay, sends: bool) -> String {
    let counts = &replay.counts;
    let retrying = counts.of(ItemState::Retrying);
    match replay.status {
        ReplayStatus::Stopped if replay.is_unreadable => {
            "Another version of Callout made it, and this one cannot read what it is of: nothing is sent. Cancel it and start another one."
                .to_owned()
        }
        ReplayStatus::Running if !replay.is_collected => {
            format!(
                "Counting: {} so far. Nothing is sent before all is counted.",
                words::grouped(counts.total())
            )
        }
        ReplayStatus::Running if !sends => {
            "Webhooks of this project are switched off: it waits until they are on again.".to_owned()
        }
        ReplayStatus::Stopped => {
            format!(
                "{} of {} that were tried failed. Find out why, then resume it.",
                words::grouped(counts.failing()),
                words::grouped(counts.tried())
            )
        }
        ReplayStatus::Done if retrying == 1 => {
            "Everything was sent or left out; one waits for a retry.".to_owned()
        }
        ReplayStatus::Done if retrying > 0 => {
            format!("Everything was sent or left out; {} wait for a retry.", words::grouped(retrying))
        }
        status => words::badge(status).meaning.to_owned(),
    }
}

/// Delivered, retrying, failed, left out, then what is not settled, as shares of the bar.
fn bar(replay: &Replay) -> Vec<Part> {
    let counts = &replay.counts;
    let total = counts.total().max(1);
    let quiet = counts.left_out() + counts.of(ItemState::Cancelled) + counts.of(ItemState::Held);
    let shares = [
        ("bar-good", counts.of(ItemState::Delivered)),
        ("bar-waiting", counts.of(ItemState::Retrying)),
        ("bar-bad", counts.of(ItemState::Failed)),
        ("bar-quiet", quiet),
    ];
    let mut before = 0;
    let mut parts = Vec::new();
    for (class, count) in shares.into_iter().filter(|(_, count)| *count > 0) {
        let (x, end) = (before * BAR_WIDTH / total, (before + count) * BAR_WIDTH / total);
        parts.push(Part { class, x, width: end - x });
        before += count;
    }
    parts
}

/// Every state that there is something in.
fn numbers(replay: &Replay, shown: Option<ItemState>, link: &str) -> Vec<Number> {
    let here =
        ItemState::ALL.into_iter().filter(|state| replay.counts.of(*state) > 0 || shown == Some(*state));
    let number = |state: ItemState| {
        let is_shown = shown == Some(state);
        let link = if is_shown { link.to_owned() } else { format!("{link}?state={}", state.as_str()) };
        Number { badge: words::item_badge(state), count: replay.counts.of(state), link, is_shown }
    };
    here.map(number).collect()
}
