//! The bytes of an export, page by page.
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use diesel::PgConnection;
use futures_util::{Stream, stream};
use time::{Duration, OffsetDateTime};

use super::csv::{self, Beside};
use super::progress::Running;
use super::{Format, Wanted, lines};
use crate::base::db::{Db, DbError};
use crate::base::ids::{DeliveryId, WebhookId};
use crate::models::deliveries::{self, Delivery, Filter, Outline};
use crate::models::events::{self};
use crate::models::webhooks::{self, Named};

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
            let looked = deliveries::look(conn, wanted.project, &filter, limit, now)?;
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

/// A page as it is written.
fn text(
    conn: &mut PgConnection,
    wanted: &Wanted,
    names: &HashMap<WebhookId, Named>,
    page: &[Delivery],
) -> Result<String, DbError> {
    let project = wanted.project;
    let is_json = wanted.format == Format::Ndjson;
    let data = if is_json && wanted.with_data {
        let of: Vec<_> = page.iter().map(|delivery| (project, delivery.event)).collect();
        events::load_payloads(conn, &of)?
    } else {
        HashMap::new()
    };
    let attempts: HashMap<DeliveryId, Vec<Outline>> = if is_json && wanted.with_attempts {
        let ids: Vec<DeliveryId> = page.iter().map(|delivery| delivery.id).collect();
        deliveries::outlines(conn, project, &ids)?
    } else {
        HashMap::new()
    };
    let mut out = String::new();
    for delivery in page {
        let named = names.get(&delivery.webhook);
        let target_url = named.map_or("", |named| shown(wanted, &named.target_url));
        if !is_json {
            let webhook = named.map_or("", |named| named.name.as_str());
            csv::line(&wanted.columns, delivery, &Beside { webhook, target_url }, &mut out);
            continue;
        }
        let mut value = lines::delivery(delivery, target_url);
        if wanted.with_attempts {
            let of = attempts.get(&delivery.id).map_or(&[][..], Vec::as_slice);
            value["attempts"] = of.iter().map(|one| lines::attempt(one, shown(wanted, &one.url))).collect();
        }
        let data = wanted.with_data.then(|| data.get(&delivery.event).map(|payload| &payload.data[..]));
        lines::line(&value, data, &mut out);
    }
    Ok(out)
}

/// An address as far as whoever exports may read it.
fn shown<'a>(wanted: &Wanted, url: &'a str) -> &'a str {
    match url.split_once('?') {
        Some((before, _)) if wanted.hides_queries => before,
        _ => url,
    }
}
