//! `/p/{project}/replays/new`: what would be sent again, and how.
use std::collections::HashMap;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::words::grouped;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, WebhookId};
use crate::models::deliveries::{Filter, Status};
use crate::models::replays::{self, Counted, Options};
use crate::models::webhooks::{self, Named};
use crate::pages::history::address::{Address, Chip};
use crate::pages::history::choices::{self, Choice};
use crate::pages::history::query;
use crate::pages::history::span::{self, Span};
use crate::rules::masks::Veil;
use crate::web::form::FieldErrors;
use crate::web::{Frame, Member, PageResult, RawForm, Section, Support, filters, page};

#[derive(Template)]
#[template(path = "replays/new.html")]
struct NewPage {
    frame: Frame,
    bare: String,
    /// Where the form goes, with the filter.
    create_link: String,
    back_link: String,
    chips: Vec<Chip>,
    /// What the form that counts again sends along.
    kept: Vec<(String, String)>,
    /// Stretches of time to choose from, unless from and to are set.
    ranges: Option<Vec<Choice>>,
    counted: Option<CountWords>,
    typed: Typed,
    errors: FieldErrors,
}

/// What matches, in words.
struct CountWords {
    any: bool,
    matched: String,
    is_one: bool,
    delivered: String,
    under_way: String,
    button: String,
}

impl CountWords {
    fn of(counted: &Counted) -> Self {
        let is_one = counted.matched == 1 && !counted.is_more;
        let number = grouped(counted.matched);
        let matched = if counted.is_more { format!("More than {number}") } else { number.clone() };
        let some = |count: i64| if count > 0 { grouped(count) } else { String::new() };
        let button = match (counted.is_more, is_one) {
            (true, _) => "Send them again".to_owned(),
            (false, true) => "Send it again".to_owned(),
            (false, false) => format!("Send {number} again"),
        };
        let (delivered, under_way) = (some(counted.delivered), some(counted.under_way));
        // With some left out the number would be wrong.
        let is_exact = delivered.is_empty() && under_way.is_empty();
        let button = if is_exact { button } else { "Send them again".to_owned() };
        Self { any: counted.matched > 0, matched, is_one, delivered, under_way, button }
    }
}

/// The options as they stand in the form.
pub(super) struct Typed {
    pub(super) skips_delivered: bool,
    pub(super) newest_first: bool,
    pub(super) rate: String,
    pub(super) stop_percent: String,
}

impl Typed {
    /// As they were typed.
    pub(super) fn of(form: &RawForm) -> Self {
        Self {
            skips_delivered: form.is_checked("skip_delivered"),
            newest_first: form.text("order") == "newest_first",
            rate: form.text("rate_per_s").trim().to_owned(),
            stop_percent: form.text("stop_percent").trim().to_owned(),
        }
    }

    pub(super) fn fresh(names_delivered: bool) -> Self {
        Self {
            skips_delivered: !names_delivered,
            newest_first: false,
            rate: String::new(),
            stop_percent: Options::STOP_PERCENT.to_string(),
        }
    }
}

/// What the address asks for.
pub(super) struct Asked {
    pub(super) address: Address,
    pub(super) span: Span,
}

impl Asked {
    /// Reads the filter, named as in the history, off the query.
    pub(super) fn of(member: &Member, request: &HttpRequest, now: OffsetDateTime) -> Self {
        let address = query::read(&member.path("/replays/new"), request.query_string())
            .drop_all("cursor")
            .drop_all("saved");
        let span = Span::of(&address, now);
        Self { address, span }
    }

    /// The filter; none if there is none, or one that means nothing: that would be everything, or is a mistake.
    pub(super) fn filter(
        &self,
        conn: &mut PgConnection,
        project: ProjectId,
        seen: (&Veil, OffsetDateTime),
    ) -> Result<Option<Filter>, DbError> {
        if self.address.pairs().is_empty() {
            return Ok(None);
        }
        query::filter(conn, project, &self.address, &self.span, seen)
    }

    /// An address with the same filter.
    pub(super) fn link(&self, path: &str) -> String {
        let link = self.address.link();
        format!("{path}{}", link.strip_prefix(self.address.bare()).unwrap_or_default())
    }
}

/// GET /p/{project}/replays/new: counts what the filter of the address matches.
pub async fn new(support: Support, db: Data<Db>, clock: Data<Clock>, request: HttpRequest) -> PageResult {
    let asked = Asked::of(&support, &request, clock.now());
    answer(&support, &db, clock.now(), asked, None).await
}

/// The page, with what was typed and is wrong.
pub(super) async fn answer(
    member: &Member,
    db: &Db,
    now: OffsetDateTime,
    asked: Asked,
    refused: Option<(Typed, FieldErrors)>,
) -> PageResult {
    let (project, veil) = (member.project.id, member.sight.veil());
    let load = db.run(move |conn| -> Result<_, DbError> {
        let filter = asked.filter(conn, project, (&veil, now))?;
        let counted = filter.as_ref().map(|filter| replays::count(conn, project, filter, now)).transpose()?;
        Ok((asked, filter, counted, webhooks::names(conn, project)?))
    });
    let (asked, filter, counted, names) = load.await?;
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let names_delivered = filter.is_some_and(|filter| filter.statuses.contains(&Status::Delivered));
    let (typed, errors) = refused.unwrap_or_else(|| (Typed::fresh(names_delivered), FieldErrors::none()));
    page::page_with(status, &view(member, &asked, counted.as_ref(), &names, typed, errors))
}

fn view(
    member: &Member,
    asked: &Asked,
    counted: Option<&Counted>,
    names: &HashMap<WebhookId, Named>,
    typed: Typed,
    errors: FieldErrors,
) -> NewPage {
    let history = member.path("/history");
    let pairs = asked.address.drop_all("range").pairs().to_vec();
    NewPage {
        frame: member.frame("Send all again", Section::History).below("History", &history),
        bare: asked.address.bare().to_owned(),
        create_link: asked.link(&member.path("/replays")),
        back_link: asked.link(&history),
        chips: query::chips(&asked.address, names),
        kept: pairs,
        ranges: (!span::has_end(&asked.address)).then(|| choices::ranges(&asked.address)),
        counted: counted.map(CountWords::of),
        typed,
        errors,
    }
}

/// Reads the options; what was typed comes back with what is wrong.
pub(super) fn options(form: &RawForm) -> Result<Options, (Typed, FieldErrors)> {
    let typed = Typed::of(form);
    let mut errors = FieldErrors::none();
    let mut number = |field: &str, text: &str, max: i32| match text.parse::<i32>() {
        _ if text.is_empty() => None,
        Ok(number) if (1..=max).contains(&number) => Some(number),
        _ => {
            errors.add(field, format!("A whole number from 1 to {}, or nothing.", grouped(i64::from(max))));
            None
        }
    };
    let rate_per_s = number("rate_per_s", &typed.rate, Options::RATE_MAX);
    let stop_percent = number("stop_percent", &typed.stop_percent, 99).and_then(|n| i16::try_from(n).ok());
    if !errors.is_empty() {
        return Err((typed, errors));
    }
    let (newest_first, skips_delivered) = (typed.newest_first, typed.skips_delivered);
    Ok(Options { newest_first, skips_delivered, rate_per_s, stop_percent })
}
