//! `/p/{project}/settings/webhooks/{webhook}/past-events`: what happened before, to a webhook that did not get it.
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::new::{self, Typed};
use super::words::grouped;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::WebhookId;
use crate::models::event_types;
use crate::models::replays::{self, CountedEvents, Options, PastEvents, Replay, Wanted};
use crate::models::webhooks::{self, Webhook};
use crate::pages::history::span::{self, RANGES};
use crate::rules::catalogue;
use crate::rules::catalogue::own::OwnNames;
use crate::web::form::FieldErrors;
use crate::web::{
    Admin, Form, Frame, Htmx, Member, PageError, PageResult, Query, RawForm, Section, filters, page,
};

const GONE: &str = "There is no such webhook in this project. It may have been deleted.";
/// What is offered first.
const RANGE: &str = "24h";

#[derive(Template)]
#[template(path = "replays/past.html")]
struct PastPage {
    frame: Frame,
    link: String,
    back_link: String,
    /// Why nothing can be sent now.
    hindrance: &'static str,
    ranges: Vec<RangeChoice>,
    /// A moment, as it was typed.
    since: String,
    types: Vec<TypeChoice>,
    chosen_types: usize,
    has_filter: bool,
    counted: Option<CountWords>,
    typed: Typed,
    errors: FieldErrors,
}

struct RangeChoice {
    value: &'static str,
    words: &'static str,
    is_chosen: bool,
}

struct TypeChoice {
    name: String,
    is_chosen: bool,
}

/// What there is to send, in words.
struct CountWords {
    /// So many would be sent, of those that were counted.
    new: i64,
    matched: String,
    is_one: bool,
    existing: i64,
    not_kept: i64,
    button: String,
}

impl CountWords {
    fn of(counted: &CountedEvents) -> Self {
        let new = counted.matched - counted.existing - counted.not_kept;
        let matched = grouped(counted.matched);
        let button = match (counted.is_more, new) {
            (true, _) => "Send past events".to_owned(),
            (false, 1) => "Send 1 past event".to_owned(),
            (false, new) => format!("Send {} past events", grouped(new)),
        };
        Self {
            // More may be there than were counted.
            new: if counted.is_more { new.max(1) } else { new },
            matched: if counted.is_more { format!("More than {matched}") } else { matched },
            is_one: counted.matched == 1 && !counted.is_more,
            existing: counted.existing,
            not_kept: counted.not_kept,
            button,
        }
    }
}

/// What was asked for, as far as it can be read.
struct Asked {
    webhook: Webhook,
    own: OwnNames,
    range: String,
    since_typed: String,
    types: Vec<String>,
    typed: Typed,
    options: Options,
    wanted: Option<PastEvents>,
    errors: FieldErrors,
}

impl Asked {
    fn of(webhook: Webhook, own: OwnNames, raw: &RawForm, now: OffsetDateTime) -> Self {
        let is_fresh = raw.get("range").is_none() && raw.get("since").is_none();
        let range = if is_fresh { RANGE } else { raw.text("range") }.to_owned();
        let since_typed = raw.text("since").trim().to_owned();
        let types: Vec<String> = raw.all("type").map(str::to_owned).collect();
        let (typed, options, mut errors) = match new::options(raw) {
            _ if is_fresh => (Typed::fresh(false), Options::default(), FieldErrors::none()),
            Ok(options) => (Typed::of(raw), options, FieldErrors::none()),
            Err((typed, errors)) => (typed, Options::default(), errors),
        };
        let since = match since_typed.is_empty() {
            true => span::range_begin(&range, now),
            false => span::moment("since", &since_typed),
        };
        if since.is_none() {
            errors
                .add("since", "Choose a stretch of time, or enter a date and time such as 2026-01-31 12:00.");
        }
        let wanted = match PastEvents::of(&webhook, types.clone(), (since, None), now) {
            Ok(wanted) => since.map(|_| wanted),
            Err(foreign) => {
                errors.add("type", format!("The webhook does not take {}.", foreign.join(", ")));
                None
            }
        };
        Self { webhook, own, range, since_typed, types, typed, options, wanted, errors }
    }

    fn type_choices(&self) -> Vec<TypeChoice> {
        let settings = &self.webhook.settings;
        let all = catalogue::all().iter().map(|event_type| event_type.name).chain(self.own.iter());
        let taken = all.filter(|name| settings.takes(name));
        let choice = |name: &str| TypeChoice {
            name: name.to_owned(),
            is_chosen: self.types.iter().any(|t| t == name),
        };
        taken.map(choice).collect()
    }
}

async fn asked(
    admin: &Member,
    db: &Db,
    id: &str,
    raw: &RawForm,
    now: OffsetDateTime,
) -> Result<Asked, PageError> {
    let id: WebhookId = id.parse().map_err(|_| PageError::NotFound(GONE))?;
    let project = admin.project.id;
    let found = db.run(move |conn| -> Result<_, DbError> {
        Ok((webhooks::find(conn, project, id)?, event_types::names(conn, project)?))
    });
    let (webhook, own) = found.await?;
    Ok(Asked::of(webhook.ok_or(PageError::NotFound(GONE))?, own, raw, now))
}

/// GET: counts what would be sent.
pub async fn past_events(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    (path, query): (Path<(String, String)>, Query),
) -> PageResult {
    let asked = asked(&admin, &db, &path.1, &query.0, clock.now()).await?;
    answer(&admin, &db, asked).await
}

/// POST: begins it and goes on to the replay's page.
pub async fn send_past_events(
    admin: Admin,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    path: Path<(String, String)>,
    Form(raw): Form,
) -> PageResult {
    let now = clock.now();
    let mut asked = asked(&admin, &db, &path.1, &raw, now).await?;
    if let Some(hindrance) = Some(hindrance(&asked.webhook)).filter(|text| !text.is_empty()) {
        asked.errors.add("", hindrance);
    }
    let Some(wanted) = asked.wanted.clone().filter(|_| asked.errors.is_empty()) else {
        return answer(&admin, &db, asked).await;
    };
    let (project, options) = (admin.project.id, asked.options);
    let wanted = Wanted::Events(Box::new(wanted));
    let create = move |conn: &mut PgConnection| -> Result<Replay, DbError> {
        replays::create(conn, project, wanted, options, now)
    };
    let replay = db.transaction(create).await?;
    Ok(page::go_to(htmx, &admin.path(&format!("/replays/{}", replay.id))))
}

fn hindrance(webhook: &Webhook) -> &'static str {
    match (&webhook.disabled, webhook.settings.active) {
        (_, true) => "",
        (None, false) => "This webhook is paused. Resume it first.",
        (Some(_), false) => "This webhook is disabled. Resume it first.",
    }
}

async fn answer(admin: &Member, db: &Db, asked: Asked) -> PageResult {
    let project = admin.project.id;
    let counted = match asked.wanted.clone() {
        Some(wanted) => Some(db.run(move |conn| replays::count_events(conn, project, &wanted)).await?),
        None => None,
    };
    let status = if asked.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page::page_with(status, &view(admin, asked, counted.as_ref()))
}

fn view(admin: &Member, asked: Asked, counted: Option<&CountedEvents>) -> PastPage {
    let list_link = admin.path("/settings/webhooks");
    let back_link = format!("{list_link}/{}", asked.webhook.id);
    let range = |(value, _, words): (&'static str, i64, &'static str)| RangeChoice {
        value,
        words,
        is_chosen: asked.range == value,
    };
    PastPage {
        frame: admin
            .frame("Send past events", Section::Webhooks)
            .below("Webhooks", &list_link)
            .below(&asked.webhook.settings.name, &back_link),
        link: format!("{back_link}/past-events"),
        hindrance: hindrance(&asked.webhook),
        ranges: RANGES.into_iter().map(range).collect(),
        types: asked.type_choices(),
        chosen_types: asked.types.len(),
        has_filter: asked.webhook.settings.filter.is_some(),
        since: asked.since_typed,
        counted: counted.map(CountWords::of),
        typed: asked.typed,
        errors: asked.errors,
        back_link,
    }
}
