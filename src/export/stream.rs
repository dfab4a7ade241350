//! The bytes of an export, page by page.
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use diesel::PgConnection;
use futures_util::{Stream, stream};
use time::{Duration, OffsetDateTime};

use super::csv::{self, Names};
use super::progress::Running;
use super::{Format, Wanted, lines};
use crate::base::db::{Db, DbError};
use crate::base::ids::{DeliveryId, EventId, WebhookId};
use crate::models::deliveries::{self, Delivery, Filter, Outline, as_json};
use crate::models::events::{self, Payload};
use crate::models::webhooks::{self, Named};
use crate::rules::masks::Veil;

/// Deliveries that are read at a time.
const PAGE_ROWS: i64 = 1_000;
/// The same with events' data, of which each may be 256 KiB.
const PAGE_ROWS_DEEP: i64 = 50;

/// Why an export ended before its end.
#[derive(Debug)]
pub enum Broken {
    /// It was cancelled, or the program stops.
    Ended,
    /// The database.
    Db(DbError),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the export was ended"),
            Self::Db(error) => write!(f, "the export broke off: {error}"),
        }
    }
}

impl std::error::Error for Broken {}

impl From<DbError> for Broken {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Where an export is.
struct Place {
    db: Db,
    now: OffsetDateTime,
    wanted: Arc<Wanted>,
    /// What is still to be written; none when nothing is.
    rest: Option<Filter>,
    names: Option<Arc<HashMap<WebhookId, Named>>>,
    is_begun: bool,
    running: Running,
}

/// See [`super::Exports::begin`].
pub(super) fn of(
    db: Db,
    now: OffsetDateTime,
    wanted: Wanted,
    running: Running,
) -> impl Stream<Item = Result<Bytes, Broken>> + use<> {
    // Ids are counted in milliseconds: what arrives from the next one on is not in it.
    let end = now + Duration::milliseconds(1);
    let rest = wanted
        .filter
        .clone()
        .map(|filter| Filter { until: Some(filter.until.map_or(end, |until| until.min(end))), ..filter });
    let place = Place { db, now, wanted: Arc::new(wanted), rest, names: None, is_begun: false, running };
    stream::try_unfold(place, |place| async move { place.step().await })
}

impl Place {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, Broken> {
        if self.running.is_ended() {
            return Err(Broken::Ended);
        }
        let mut out = String::new();
        if !self.is_begun {
            self.is_begun = true;
            if self.wanted.format == Format::Csv {
                out = csv::head(&self.wanted.columns);
            }
        }
        // A search may find nothing for many pages: each is a step of its own, so that it can be ended between them.
        while let Some(filter) = self.rest.take() {
            if self.running.is_ended() {
                return Err(Broken::Ended);
            }
            let written = self.page(filter, &mut out).await.inspect_err(|error| {
                tracing::warn!(%error, "an export is broken off");
            })?;
            if written > 0 {
                break;
            }
        }
        if out.is_empty() {
            self.running.is_whole();
            return Ok(None);
        }
        Ok(Some((Bytes::from(out), self)))
    }

    /// Writes what a page holds and sets what is left; tells how many deliveries that were.
    async fn page(&mut self, filter: Filter, out: &mut String) -> Result<i64, DbError> {
        let (wanted, now, names) = (Arc::clone(&self.wanted), self.now, self.names.clone());
        let limit = if wanted.is_deep() { PAGE_ROWS_DEEP } else { PAGE_ROWS };
        let read = self.db.run(move |conn| -> Result<_, DbError> {
            let names = match names {
                Some(names) => names,
                None => Arc::new(webhooks::names(conn, wanted.project)?),
            };
            let looked = deliveries::look_closely(conn, wanted.project, &filter, limit, now)?;
            let text = text(conn, &wanted, &names, &looked.deliveries)?;
            Ok((filter, names, looked, text))
        });
        let (filter, names, looked, text) = read.await?;
        let (count, last) = (looked.deliveries.len() as i64, looked.deliveries.last());
        let before: Option<DeliveryId> =
            if count == limit { last.map(|delivery| delivery.id) } else { looked.stopped_at };
        self.rest = before.map(|before| Filter { before: Some(before), ..filter });
        self.names = Some(names);
        self.running.has_written(count, last.map(|delivery| delivery.created_at));
        out.push_str(&text);
        Ok(count)
    }
}

/// What of a page stands in other tables.
struct Beside {
    payloads: HashMap<EventId, Arc<Payload>>,
    attempts: HashMap<DeliveryId, Vec<Outline>>,
}

impl Beside {
    fn load(conn: &mut PgConnection, wanted: &Wanted, page: &[Delivery]) -> Result<Self, DbError> {
        let (project, is_deep) = (wanted.project, wanted.is_deep());
        let mut beside = Self { payloads: HashMap::new(), attempts: HashMap::new() };
        // Whoever sees it masked: what the event holds is hidden where a receiver repeats it, too.
        if wanted.masks.is_some() || (is_deep && wanted.with_data) {
            let of: Vec<_> = page.iter().map(|delivery| (project, delivery.event)).collect();
            beside.payloads = events::load_payloads(conn, &of)?;
        }
        if is_deep && wanted.with_attempts {
            let ids: Vec<DeliveryId> = page.iter().map(|delivery| delivery.id).collect();
            beside.attempts = deliveries::outlines(conn, project, &ids)?;
        }
        Ok(beside)
    }
}

/// A page as it is written.
fn text(
    conn: &mut PgConnection,
    wanted: &Wanted,
    names: &HashMap<WebhookId, Named>,
    page: &[Delivery],
) -> Result<String, DbError> {
    let beside = Beside::load(conn, wanted, page)?;
    let mut out = String::new();
    for delivery in page {
        let payload = beside.payloads.get(&delivery.event);
        let mut veil = wanted.veil();
        if let Some(payload) = payload {
            veil.learn(&payload.data);
        }
        let named = names.get(&delivery.webhook);
        let target_url = named.map_or(Cow::Borrowed(""), |named| shown(wanted, &veil, &named.target_url));
        let delivery = &covered(delivery, &veil);
        if wanted.format == Format::Csv {
            let webhook = named.map_or("", |named| named.name.as_str());
            csv::line(&wanted.columns, delivery, &Names { webhook, target_url: &target_url }, &mut out);
            continue;
        }
        let mut value = as_json::delivery(delivery, &target_url);
        if wanted.with_attempts {
            let of = beside.attempts.get(&delivery.id).map_or(&[][..], Vec::as_slice);
            let told = of.iter().map(|one| lines::attempt(one, &shown(wanted, &veil, &one.url), &veil));
            value["attempts"] = told.collect();
        }
        let data = payload.map(|payload| veil.bytes(&payload.data));
        lines::line(&value, wanted.with_data.then_some(data.as_deref()), &mut out);
    }
    Ok(out)
}

/// A delivery with what a receiver said of it masked.
fn covered<'a>(delivery: &'a Delivery, veil: &Veil) -> Cow<'a, Delivery> {
    if veil.is_clear() || delivery.last_failure.is_none() {
        return Cow::Borrowed(delivery);
    }
    let mut covered = delivery.clone();
    if let Some(failure) = &mut covered.last_failure {
        failure.detail = veil.text(&failure.detail).into_owned();
    }
    Cow::Owned(covered)
}

/// An address as far as whoever exports may read it.
fn shown<'a>(wanted: &Wanted, veil: &Veil, url: &'a str) -> Cow<'a, str> {
    match url.split_once('?') {
        Some((before, _)) if wanted.hides_queries => veil.text(before),
        _ => veil.text(url),
    }
}
