//! `/p/{project}/events`: events, newest first, by type, time or id.
use std::collections::HashMap;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::reasons;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{self, EventId, ProjectId, WebhookId};
use crate::models::deliveries::{self, Untold};
use crate::models::event_types;
use crate::models::events::{self, Filter, Summary};
use crate::models::saved_views::{self, List, Views, Whose};
use crate::models::search::{self, Reach};
use crate::models::webhooks::{self, Named};
use crate::pages::history::address::{Address, Chip};
use crate::pages::history::choices::{self, Choice, Further, SpanFields};
use crate::pages::history::query;
use crate::pages::history::searched::{self, Searched};
use crate::pages::history::span::{self, Span};
use crate::pages::views::{self, ViewBar};
use crate::rules::catalogue;
use crate::rules::catalogue::own::OwnNames;
use crate::rules::masks::Veil;
use crate::web::paging::Paged;
use crate::web::{Frame, Htmx, MaskedLine, Member, PageResult, Section, Support, filters, page};

/// Rows of a page.
const PAGE_ROWS: usize = 50;
/// What the address may name, as in the API.
const NAMES: [&str; 11] = [
    "type",
    "event_family",
    "reached",
    "test",
    "range",
    span::RANGE_INSTEAD,
    "since",
    "until",
    "q",
    "saved",
    "cursor",
];
/// Filters that may have several values.
const LISTS: [&str; 2] = ["type", "event_family"];
/// Whether a delivery was made: the word in the address, what it means, and what a person reads.
const REACHED: [(&str, bool, &str); 2] = [("nobody", false, "None"), ("somebody", true, "Some")];

#[derive(Template)]
#[template(path = "events/list.html", blocks = ["events"])]
struct ListPage {
    frame: Frame,
    bare: String,
    /// Whether there is nothing at all, and no filter to take off.
    is_fresh: bool,
    views: ViewBar,
    q: String,
    kept: Vec<(String, String)>,
    types: Further,
    families: Further,
    reached: Vec<Choice>,
    tests: Vec<Choice>,
    ranges: Vec<Choice>,
    span: SpanFields,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    newest: Option<String>,
    older: Option<String>,
    /// How far back was looked, if that was not to the end.
    looked_to: Option<OffsetDateTime>,
    masked: Option<MaskedLine>,
    searched: Searched,
}

struct Row {
    link: String,
    id: String,
    event_type: String,
    external_id: String,
    entity_id: String,
    deliveries: i16,
    /// Why there are none.
    silence: String,
    test: bool,
    created_at: OffsetDateTime,
}

/// GET /p/{project}/events.
pub async fn list(
    support: Support,
    db: Data<Db>,
    clock: Data<Clock>,
    htmx: Htmx,
    request: HttpRequest,
) -> PageResult {
    let address = read(&support.path("/events"), request.query_string());
    let shorter = query::shorter(&address, request.query_string());
    if let Some(shorter) = shorter.as_deref().filter(|_| !htmx.0) {
        return Ok(page::go_to(htmx, shorter));
    }
    let now = clock.now();
    let span = Span::of(&address, now);
    let (whose, veil) = (views::whose(&support, List::Events), support.sight.veil());
    let asked = (address.clone(), span.clone());
    let found = db.run(move |conn| Found::load(conn, (whose, veil), &asked.0, &asked.1, now)).await?;
    let view = ListPage::of(&support, &address, &span, found);
    let answer = page::page_or_block(htmx, StatusCode::OK, &view, &view.as_events())?;
    page::shown_at(answer, shorter.as_deref())
}

/// Reads the list's address. A cursor that is none is the first page.
pub fn read(path: &str, query: &str) -> Address {
    let address = span::settled(Address::read(path, query, &NAMES, &LISTS));
    let is_page = address.one("cursor").is_none_or(|id| id.parse::<EventId>().is_ok());
    if is_page { address } else { address.drop_all("cursor") }
}

/// What the page is made of.
struct Found {
    events: Paged<Summary>,
    stopped_at: Option<EventId>,
    reach: Reach,
    /// Of those that made no delivery: who got nothing and why.
    silences: HashMap<EventId, Option<Vec<Untold>>>,
    names: HashMap<WebhookId, Named>,
    /// The event types of the project's own.
    own: OwnNames,
    views: Views,
    veil: Veil,
}

impl Found {
    fn load(
        conn: &mut PgConnection,
        (whose, mut veil): (Whose, Veil),
        address: &Address,
        span: &Span,
        now: OffsetDateTime,
    ) -> Result<Self, DbError> {
        let (project, limit) = (whose.project, PAGE_ROWS as i64 + 1);
        let found = match filter(conn, project, address, span, &veil)? {
            Some(filter) if filter.reached == Some(false) => {
                deliveries::reached_nobody(conn, project, &filter, limit, now)?
            }
            Some(filter) => search::list(conn, project, &filter, limit, now)?,
            None => events::Page::default(),
        };
        let events = Paged::cut(found.events, PAGE_ROWS, |event| event.id.0);
        learn(conn, project, &events.rows, &mut veil)?;
        Ok(Self {
            stopped_at: found.stopped_at,
            reach: searched::reach(conn, project, address)?,
            silences: deliveries::silences(conn, project, &events.rows)?,
            names: webhooks::names(conn, project)?,
            own: event_types::names(conn, project)?,
            views: saved_views::views(conn, whose)?,
            events,
            veil,
        })
    }
}

/// Ids that somebody chose may be what the events' data masks, so those are read for who may not see it.
fn learn(
    conn: &mut PgConnection,
    project: ProjectId,
    rows: &[Summary],
    veil: &mut Veil,
) -> Result<(), DbError> {
    if veil.is_clear() {
        return Ok(());
    }
    let has_own_words = |event: &&Summary| event.external_id.is_some() || event.entity_id.is_some();
    let wanted: Vec<_> = rows.iter().filter(has_own_words).map(|event| (project, event.id)).collect();
    for payload in events::load_payloads(conn, &wanted)?.values() {
        veil.learn(&payload.data);
    }
    Ok(())
}

/// Which events are asked for; none if that can be none.
fn filter(
    conn: &mut PgConnection,
    project: ProjectId,
    address: &Address,
    span: &Span,
    veil: &Veil,
) -> Result<Option<Filter>, DbError> {
    let types = address.all("type").map(str::to_owned).collect();
    let Some(types) = query::types(conn, project, address, types)? else { return Ok(None) };
    let mut filter = Filter {
        types,
        test: address.one("test").and_then(query::test_of),
        reached: address.one("reached").and_then(reached_of),
        since: span.since,
        until: span.until,
        before: address.one("cursor").and_then(|id| id.parse().ok()),
        ..Filter::default()
    };
    let means_nothing = |name: &str, is_understood: bool| !is_understood && address.one(name).is_some();
    if address.one("range").is_some_and(|word| !query::is_range(word))
        || means_nothing("test", filter.test.is_some())
        || means_nothing("reached", filter.reached.is_some())
        || !span.problems.is_empty()
    {
        return Ok(None);
    }
    // Why nothing is found by a text is told beside the empty list.
    if address.one("q").is_some_and(|q| searched::is_guess(q, veil) || filter.search_for(q).is_err()) {
        return Ok(None);
    }
    Ok(Some(filter))
}

/// As in the API.
fn reached_of(word: &str) -> Option<bool> {
    REACHED.iter().find(|(known, _, _)| *known == word).map(|(_, reached, _)| *reached)
}

impl ListPage {
    fn of(member: &Member, address: &Address, span: &Span, found: Found) -> Self {
        let first = address.drop_all("cursor");
        let last = found.events.next.and(found.events.rows.last()).map(text_of);
        let older = last.or(found.stopped_at.map(|id| id.with_prefix("ev_")));
        let rows = &found.events.rows;
        let shown = rows.iter().map(|event| Row::of(member, event, &found)).collect();
        Self {
            frame: member.frame("Events", Section::Events),
            bare: address.bare().to_owned(),
            is_fresh: rows.is_empty() && address.pairs().is_empty(),
            views: ViewBar::of(member, List::Events, address, &found.views),
            q: address.one("q").unwrap_or_default().to_owned(),
            kept: choices::kept(address, &LISTS),
            types: choices::types(address, "type", &found.own),
            families: choices::families(address),
            reached: choices::one_of(address, "reached", REACHED.map(|(value, _, words)| (value, words))),
            tests: choices::tests(address),
            ranges: choices::ranges(address),
            span: choices::span(address, span),
            chips: first
                .pairs()
                .iter()
                .filter(|(name, _)| name != "saved")
                .map(|(name, value)| chip(&first, name, value))
                .collect(),
            newest: address.one("cursor").map(|_| first.link()),
            older: older.map(|id| first.with("cursor", &id)),
            looked_to: found.stopped_at.map(|id| ids::time_of(id.0)),
            searched: Searched::of(&first, found.reach, &found.veil),
            masked: member.masked_line(&found.veil, &address.link()),
            rows: shown,
        }
    }
}

impl Found {
    /// Why an event made no delivery; empty if it made one, and for a test.
    fn silence(&self, event: &Summary) -> String {
        let untold = self.silences.get(&event.id);
        untold.map_or_else(String::new, |untold| reasons::line(untold.as_deref(), &self.names))
    }
}

impl Row {
    fn of(member: &Member, event: &Summary, found: &Found) -> Self {
        let shown = |text: &Option<String>| found.veil.text(text.as_deref().unwrap_or_default()).into_owned();
        Self {
            link: member.path(&format!("/events/{}", text_of(event))),
            id: text_of(event),
            event_type: event.event_type.clone(),
            external_id: shown(&event.external_id),
            entity_id: shown(&event.entity_id),
            deliveries: event.deliveries,
            silence: found.silence(event),
            test: event.test,
            created_at: event.created_at,
        }
    }
}

fn text_of(event: &Summary) -> String {
    event.id.with_prefix(catalogue::id_prefix(&event.event_type))
}

fn chip(first: &Address, name: &str, value: &str) -> Chip {
    let (shown, words) = match name {
        "type" => ("Event type", value.to_owned()),
        "event_family" => ("Event family", query::family_words(value)),
        "test" => ("Tests", query::test_words(value)),
        "reached" => {
            let known = REACHED.iter().find(|(word, _, _)| *word == value);
            ("Deliveries", query::known(known.map(|(_, _, words)| (*words).to_owned()), value))
        }
        "range" => ("Time", query::range_words(value)),
        "since" => ("Since", query::moment_words(value)),
        "until" => ("Until", query::moment_words(value)),
        _ => ("Search", value.to_owned()),
    };
    Chip { name: shown, value: words, at: span::moment(name, value), without: first.without(name, value) }
}
