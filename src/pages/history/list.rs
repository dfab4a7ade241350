//! `/p/{project}/history`: deliveries, newest first, by any filter.
use std::collections::HashMap;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::address::{Address, Chip};
use super::choices::{self, Choice, Further, SpanFields, StatusChoice};
use super::query;
use super::rows::Row;
use super::span::Span;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{self, DeliveryId, WebhookId};
use crate::models::deliveries::{self, Delivery, Looked};
use crate::models::event_types;
use crate::models::resends;
use crate::models::saved_views::{self, List, Views, Whose};
use crate::models::webhooks::{self, Named};
use crate::pages::views::{self, ViewBar};
use crate::rules::catalogue::own::OwnNames;
use crate::rules::masks::Veil;
use crate::web::paging::Paged;
use crate::web::{Frame, Htmx, MaskedLine, Member, PageResult, Section, Viewer, filters, page};

/// Rows of a page.
const PAGE_ROWS: usize = 50;

#[derive(Template)]
#[template(path = "history/list.html", blocks = ["history"])]
struct ListPage {
    frame: Frame,
    bare: String,
    /// Whether there is nothing at all, and no filter to take off.
    is_fresh: bool,
    webhooks_link: String,
    replays_link: String,
    /// Where all that matches can be sent again.
    replay_link: String,
    /// Where all that matches can be had as a file.
    export_link: String,
    views: ViewBar,
    q: String,
    kept: Vec<(String, String)>,
    statuses: Vec<StatusChoice>,
    webhooks: Further,
    types: Further,
    families: Further,
    responses: Further,
    failures: Further,
    attempts: Vec<Choice>,
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
}

/// GET /p/{project}/history.
pub async fn list(
    viewer: Viewer,
    db: Data<Db>,
    clock: Data<Clock>,
    htmx: Htmx,
    request: HttpRequest,
) -> PageResult {
    let address = query::read(&viewer.path("/history"), request.query_string());
    let shorter = query::shorter(&address, request.query_string());
    if let Some(shorter) = shorter.as_deref().filter(|_| !htmx.0) {
        return Ok(page::go_to(htmx, shorter));
    }
    let now = clock.now();
    let span = Span::of(&address, now);
    let (whose, veil) = (views::whose(&viewer, List::History), viewer.sight.veil());
    let asked = (address.clone(), span.clone());
    let found = db.run(move |conn| Found::load(conn, (whose, veil), &asked.0, &asked.1, now)).await?;
    let view = ListPage::of(&viewer, &address, &span, found);
    let answer = page::page_or_block(htmx, StatusCode::OK, &view, &view.as_history())?;
    page::shown_at(answer, shorter.as_deref())
}

/// What the page is made of.
struct Found {
    deliveries: Paged<Delivery>,
    rows: Vec<Row>,
    veil: Veil,
    stopped_at: Option<DeliveryId>,
    names: HashMap<WebhookId, Named>,
    /// The event types of the project's own.
    own: OwnNames,
    views: Views,
}

impl Found {
    fn load(
        conn: &mut PgConnection,
        (whose, veil): (Whose, Veil),
        address: &Address,
        span: &Span,
        now: OffsetDateTime,
    ) -> Result<Self, DbError> {
        let (project, limit) = (whose.project, PAGE_ROWS as i64 + 1);
        let found = match query::filter(conn, project, address, span, now)? {
            Some(filter) => deliveries::look(conn, project, &filter, limit, now)?,
            None => Looked::default(),
        };
        let stopped_at = found.stopped_at;
        let deliveries = Paged::cut(found.deliveries, PAGE_ROWS, |delivery| delivery.id.0);
        let names = webhooks::names(conn, project)?;
        let ids: Vec<DeliveryId> = deliveries.rows.iter().map(|delivery| delivery.id).collect();
        let notes = deliveries::note_counts(conn, project, &ids)?;
        let events = deliveries.rows.iter().map(|delivery| delivery.event).collect();
        let edited = resends::edited_among(conn, project, events)?;
        let row = |delivery: &Delivery| Row {
            edited: edited.contains(&delivery.event),
            notes: notes.get(&delivery.id).copied().unwrap_or_default(),
            ..Row::of(project, delivery, names.get(&delivery.webhook), &veil)
        };
        let rows = deliveries.rows.iter().map(row).collect();
        let (own, views) = (event_types::names(conn, project)?, saved_views::views(conn, whose)?);
        Ok(Self { rows, veil, deliveries, stopped_at, names, own, views })
    }
}

impl ListPage {
    fn of(member: &Member, address: &Address, span: &Span, found: Found) -> Self {
        let last = found.deliveries.next.and(found.deliveries.rows.last()).map(|delivery| delivery.id);
        let first = address.drop_all("cursor");
        Self {
            frame: member.frame("History", Section::History),
            bare: address.bare().to_owned(),
            is_fresh: found.rows.is_empty() && address.pairs().is_empty(),
            webhooks_link: member.path("/settings/webhooks"),
            replays_link: member.path("/replays"),
            replay_link: first.drop_all("view").link().replacen(
                address.bare(),
                &member.path("/replays/new"),
                1,
            ),
            export_link: first.drop_all("view").link().replacen(
                address.bare(),
                &member.path("/history/export"),
                1,
            ),
            views: ViewBar::of(member, List::History, address, &found.views),
            q: address.one("q").unwrap_or_default().to_owned(),
            kept: choices::kept(address, &query::LISTS),
            statuses: choices::statuses(address),
            webhooks: choices::webhooks(address, &found.names),
            types: choices::types(address, "event_type", &found.own),
            families: choices::families(address),
            failures: choices::failures(address),
            attempts: choices::attempts(address),
            responses: choices::responses(address),
            tests: choices::tests(address),
            ranges: choices::ranges(address),
            span: choices::span(address, span),
            chips: query::chips(address, &found.names),
            masked: member.masked_line(&found.veil, &address.link()),
            rows: found.rows,
            newest: address.one("cursor").map(|_| first.link()),
            older: last.or(found.stopped_at).map(|id| first.with("cursor", &id.to_string())),
            looked_to: found.stopped_at.map(|id| ids::time_of(id.0)),
        }
    }
}
