//! `/p/{project}/history`: deliveries, newest first, by any filter.
use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;
use url::form_urlencoded;

use super::address::{Address, Chip};
use super::body::Layout;
use super::choices::{self, Choice, Further, SpanFields, StatusChoice};
use super::detail::{self, Asked, DetailPage};
use super::news;
use super::query;
use super::reading::Reading;
use super::rows::Row;
use super::searched::{self, Searched};
use super::span::Span;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{self, DeliveryId, WebhookId};
use crate::models::deliveries::{self, Delivery, Looked};
use crate::models::event_types;
use crate::models::projects::Role;
use crate::models::saved_views::{self, List, Views, Whose};
use crate::models::search::Reach;
use crate::models::webhooks::{self, Named};
use crate::pages::views::{self, ViewBar};
use crate::rules::catalogue::own::OwnNames;
use crate::rules::masks::Veil;
use crate::web::paging::Paged;
use crate::web::{Frame, Htmx, MaskedLine, Member, PageResult, Section, Viewer, WebSettings, filters, page};

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
    /// The list without filters; followed if this one is.
    clear_link: String,
    /// Whether the list is followed, and the address of the same list where it is not, or the other way round.
    is_live: bool,
    live_switch: String,
    /// Whether it can be: it shows what is newest.
    may_live: bool,
    /// Where it is followed, if it is.
    live_link: Option<String>,
    first_link: String,
    /// What the address of a list with a delivery open beside it ends with its id.
    open_link: String,
    /// The delivery that is open beside the list.
    open: String,
    /// Whether rows can be chosen, to be sent again.
    may_choose: bool,
    beside: Option<DetailPage>,
    masked: Option<MaskedLine>,
    searched: Searched,
}

/// GET /p/{project}/history. With `open`, a delivery beside it; htmx, which follows rows, is given that alone.
pub async fn list(
    viewer: Viewer,
    (db, clock, web): (Data<Db>, Data<Clock>, Data<WebSettings>),
    htmx: Htmx,
    request: HttpRequest,
) -> PageResult {
    let reading = Reading::of(&viewer.path("/history"), request.query_string());
    if page::is_for(&request, "panel") || page::is_for(&request, "delivery") {
        let seen = form_urlencoded::parse(request.query_string().as_bytes()).find(|pair| pair.0 == "seen");
        let seen = seen.map(|(_, seen)| seen.into_owned());
        let asked = Asked { seen, ..asked(&reading, &clock, &web) };
        return beside(&viewer, &db, &reading, (&clock, asked)).await;
    }
    let shorter = query::shorter(reading.whole(), request.query_string());
    if let Some(shorter) = shorter.as_deref().filter(|_| !htmx.0) {
        return Ok(page::go_to(htmx, shorter));
    }
    let now = clock.now();
    let span = Span::of(&reading.filters, now);
    let (whose, veil) = (views::whose(&viewer, List::History), viewer.sight.veil());
    let given = (reading.filters.clone(), span.clone());
    let found = db.run(move |conn| Found::load(conn, (whose, veil), &given.0, &given.1, now)).await?;
    let open = match reading.open() {
        Some(id) => {
            detail::view(&viewer, &db, id, (&clock, asked(&reading, &clock, &web))).await.ok().flatten()
        }
        None => None,
    };
    let view = ListPage { beside: open, ..ListPage::of(&viewer, &reading, &span, found) };
    let answer = page::page_or_block(htmx, StatusCode::OK, &view, &view.as_history())?;
    page::shown_at(answer, shorter.as_deref())
}

fn asked(reading: &Reading, clock: &Clock, web: &WebSettings) -> Asked {
    let (attempt, view) = reading.attempt_and_view();
    Asked {
        attempt,
        layout: Layout::of_word(view),
        now: clock.now(),
        public_url: web.public_url.clone(),
        list: Some(reading.listed.clone()),
        seen: None,
    }
}

/// The delivery that is open beside the list, alone; nothing if none is, 204 if htmx has seen it.
async fn beside(member: &Member, db: &Db, reading: &Reading, asked: (&Clock, Asked)) -> PageResult {
    let Some(id) = reading.open() else { return Ok(HttpResponse::Ok().finish()) };
    match detail::view(member, db, id, asked).await? {
        Some(view) => page::page(&view.as_delivery()),
        None => Ok(HttpResponse::NoContent().finish()),
    }
}

/// What the page is made of.
struct Found {
    deliveries: Paged<Delivery>,
    rows: Vec<Row>,
    veil: Veil,
    stopped_at: Option<DeliveryId>,
    reach: Reach,
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
        let found = match query::filter(conn, project, address, span, (&veil, now))? {
            Some(filter) => deliveries::look(conn, project, &filter, limit, now)?,
            None => Looked::default(),
        };
        let stopped_at = found.stopped_at;
        let deliveries = Paged::cut(found.deliveries, PAGE_ROWS, |delivery| delivery.id.0);
        let names = webhooks::names(conn, project)?;
        let rows = Row::all(conn, project, &deliveries.rows, &names, &veil)?;
        let reach = searched::reach(conn, project, address)?;
        let (own, views) = (event_types::names(conn, project)?, saved_views::views(conn, whose)?);
        Ok(Self { rows, veil, deliveries, stopped_at, reach, names, own, views })
    }
}

impl ListPage {
    fn of(member: &Member, reading: &Reading, span: &Span, found: Found) -> Self {
        let (filters, address) = (&reading.filters, &reading.listed);
        let last = found.deliveries.next.and(found.deliveries.rows.last()).map(|delivery| delivery.id);
        let first = filters.drop_all("cursor");
        Self {
            frame: member.frame("History", Section::History),
            bare: address.bare().to_owned(),
            is_fresh: found.rows.is_empty() && filters.pairs().is_empty(),
            webhooks_link: member.path("/settings/webhooks"),
            replays_link: member.path("/replays"),
            replay_link: first.drop_all("saved").link().replacen(
                address.bare(),
                &member.path("/replays/new"),
                1,
            ),
            export_link: first.drop_all("saved").link().replacen(
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
            chips: query::chips(filters, &found.names),
            masked: member.masked_line(&found.veil, &reading.whole().link()),
            rows: found.rows,
            newest: address.one("cursor").map(|_| first.link()),
            older: last.or(found.stopped_at).map(|id| first.with("cursor", &id.to_string())),
            looked_to: found.stopped_at.map(|id| ids::time_of(id.0)),
            searched: Searched::of(&first, found.reach, &found.veil),
            is_live: reading.is_live(),
            live_switch: reading.switched(),
            may_live: filters.one("cursor").is_none(),
            live_link: reading.is_live().then(|| {
                let is_whole = found.deliveries.next.is_none();
                news::address(member, reading, &found.deliveries.rows, is_whole)
            }),
            first_link: address.drop_all("cursor").link(),
            clear_link: reading.bare(),
            open_link: address.with("open", ""),
            open: reading.open().unwrap_or_default().to_owned(),
            may_choose: member.role >= Role::Support,
            beside: None,
        }
    }
}
