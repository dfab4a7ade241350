//! `/p/{project}/events`: events, newest first, by type, time or id.
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{EventId, ProjectId};
use crate::models::event_types;
use crate::models::events::{self, Filter, Summary};
use crate::pages::history::address::{Address, Chip};
use crate::pages::history::choices::{self, Choice, Further, SpanFields};
use crate::pages::history::query;
use crate::pages::history::span::{self, Span};
use crate::rules::catalogue;
use crate::rules::catalogue::own::OwnNames;
use crate::web::paging::Paged;
use crate::web::{Frame, Htmx, Member, PageResult, Section, Support, filters, page};

/// Rows of a page.
const PAGE_ROWS: usize = 50;
/// What the address may name, as in the API.
const NAMES: [&str; 7] = ["type", "range", span::RANGE_INSTEAD, "since", "until", "q", "cursor"];

#[derive(Template)]
#[template(path = "events/list.html", blocks = ["events"])]
struct ListPage {
    frame: Frame,
    bare: String,
    /// Whether there is nothing at all, and no filter to take off.
    is_fresh: bool,
    q: String,
    kept: Vec<(String, String)>,
    types: Further,
    ranges: Vec<Choice>,
    span: SpanFields,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    newest: Option<String>,
    older: Option<String>,
}

struct Row {
    link: String,
    id: String,
    event_type: String,
    external_id: String,
    entity_id: String,
    deliveries: i16,
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
    let (project, asked) = (support.project.id, (address.clone(), span.clone()));
    let load = db.run(move |conn| -> Result<_, DbError> {
        Ok((load(conn, project, &asked.0, &asked.1, now)?, event_types::names(conn, project)?))
    });
    let found = load.await?;
    let view = ListPage::of(&support, &address, &span, found);
    let answer = page::page_or_block(htmx, StatusCode::OK, &view, &view.as_events())?;
    page::shown_at(answer, shorter.as_deref())
}

/// Reads the list's address. A cursor that is none is the first page.
fn read(path: &str, query: &str) -> Address {
    let address = span::settled(Address::read(path, query, &NAMES, &["type"]));
    let is_page = address.one("cursor").is_none_or(|id| id.parse::<EventId>().is_ok());
    if is_page { address } else { address.drop_all("cursor") }
}

fn load(
    conn: &mut PgConnection,
    project: ProjectId,
    address: &Address,
    span: &Span,
    now: OffsetDateTime,
) -> Result<Paged<Summary>, DbError> {
    let mut filter = Filter {
        types: address.all("type").map(str::to_owned).collect(),
        since: span.since,
        until: span.until,
        before: address.one("cursor").and_then(|id| id.parse().ok()),
        only: None,
    };
    let nothing = || Paged { rows: Vec::new(), next: None };
    if address.one("range").is_some_and(|word| !query::is_range(word)) || !span.problems.is_empty() {
        return Ok(nothing());
    }
    if let Some(q) = address.one("q") {
        match events::find_by_q(conn, project, q)? {
            Some(event) => filter.only = Some(event),
            None => return Ok(nothing()),
        }
    }
    let rows = events::list(conn, project, &filter, PAGE_ROWS as i64 + 1, now)?;
    Ok(Paged::cut(rows, PAGE_ROWS, |event| event.id.0))
}

impl ListPage {
    fn of(member: &Member, address: &Address, span: &Span, (found, own): (Paged<Summary>, OwnNames)) -> Self {
        let first = address.drop_all("cursor");
        let older = found.next.and(found.rows.last());
        Self {
            frame: member.frame("Events", Section::Events),
            bare: address.bare().to_owned(),
            is_fresh: found.rows.is_empty() && address.pairs().is_empty(),
            q: address.one("q").unwrap_or_default().to_owned(),
            kept: choices::kept(address, &["type"]),
            types: choices::types(address, "type", &own),
            ranges: choices::ranges(address),
            span: choices::span(address, span),
            chips: first.pairs().iter().map(|(name, value)| chip(&first, name, value)).collect(),
            newest: address.one("cursor").map(|_| first.link()),
            older: older.map(|event| first.with("cursor", &text_of(event))),
            rows: found.rows.into_iter().map(|event| Row::of(member, event)).collect(),
        }
    }
}

impl Row {
    fn of(member: &Member, event: Summary) -> Self {
        Self {
            link: member.path(&format!("/events/{}", text_of(&event))),
            id: text_of(&event),
            event_type: event.event_type,
            external_id: event.external_id.unwrap_or_default(),
            entity_id: event.entity_id.unwrap_or_default(),
            deliveries: event.deliveries,
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
        "range" => ("Time", query::range_words(value)),
        "since" => ("Since", query::moment_words(value)),
        "until" => ("Until", query::moment_words(value)),
        _ => ("Id", value.to_owned()),
    };
    Chip { name: shown, value: words, at: span::moment(name, value), without: first.without(name, value) }
}
