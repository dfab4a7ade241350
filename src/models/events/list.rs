//! Lists of events, newest first, by any filter.
use diesel::pg::Pg;
use diesel::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

use super::history::{Summary, SummaryRow};
use crate::base::db::DbError;
use crate::base::ids::{self, EventId, ProjectId};
use crate::base::schema::events;
use crate::rules::search::{Terms, Unsearchable};

/// Which events. Empty lists mean "any".
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Event types.
    pub types: Vec<String>,
    /// Only tests, or only what is none.
    pub test: Option<bool>,
    /// Only those that made a delivery when they arrived, or only those that made none.
    pub reached: Option<bool>,
    /// Arrived at or after.
    pub since: Option<OffsetDateTime>,
    /// Arrived before.
    pub until: Option<OffsetDateTime>,
    /// Older than this id: the last of the page before.
    pub before: Option<EventId>,
    /// Only this event.
    pub only: Option<EventId>,
    /// Only those that a search text finds; [`list`] knows nothing of it, see [`crate::models::search::list`].
    pub q: Option<String>,
}

impl Filter {
    /// Whether it asks for something rare that no index knows, so that rows have to be looked through.
    fn is_searched(&self) -> bool {
        self.test == Some(true) || self.reached.is_some()
    }

    /// Narrows it to what a search text means: the id of an event, or a value in it.
    pub fn search_for(&mut self, text: &str) -> Result<(), Unsearchable> {
        match text.parse() {
            Ok(id) => self.only = Some(id),
            Err(_) => {
                Terms::parse(text)?;
                self.q = Some(text.to_owned());
            }
        }
        Ok(())
    }

    /// Whether an event is meant, whatever is searched for.
    pub fn takes(&self, event: &Summary) -> bool {
        (self.types.is_empty() || self.types.contains(&event.event_type))
            && self.test.is_none_or(|test| event.test == test)
            && self.reached.is_none_or(|reached| (event.deliveries > 0) == reached)
            && self.since.is_none_or(|since| event.id.0 >= ids::lower_bound(since))
            && self.until.is_none_or(|until| event.id.0 < ids::lower_bound(until))
            && self.before.is_none_or(|before| event.id < before)
            && self.only.is_none_or(|only| event.id == only)
    }
}

/// Ids from the first on and below the second; none is no bound.
type Range = (Option<Uuid>, Option<Uuid>);

/// A page, and whether the search for it came to an end.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Newest first.
    pub events: Vec<Summary>,
    /// There may be more, older than this id, that were not looked for: fewer than `limit` were found among some
    /// 20,000 rows. The next page begins before it.
    pub stopped_at: Option<EventId>,
}

/// A page of events, newest first. Tests, and what reached nobody, are searched among some 20,000 rows of those that the
/// rest of the filter takes; then the page says where it stopped.
pub fn list(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Page, DbError> {
    let mut filter = filter.clone();
    let newest =
        filter.before.map(|id| ids::time_of(id.0)).into_iter().chain(filter.until).fold(now, Ord::min);
    let (mut events, mut looks) = (Vec::new(), ids::LOOKED_THROUGH.into_iter());
    for (from, below) in ids::ranges_back(newest) {
        loop {
            let missing = limit.saturating_sub_unsigned(events.len() as u64);
            if missing == 0 {
                return Ok(Page { events, stopped_at: None });
            }
            let Some(look) = looks.as_slice().first().copied() else {
                return Ok(Page { events, stopped_at: filter.before });
            };
            let end =
                if filter.is_searched() { nth(conn, project, &filter, (from, below), look)? } else { None };
            events.extend(within(conn, project, &filter, (end.map(|id| id.0).or(from), below), missing)?);
            if end.is_none() {
                break;
            }
            filter.before = end;
            looks.next();
        }
    }
    Ok(Page { events, stopped_at: None })
}

/// Where to stop so that no more than `n` rows are looked through; none if there are not so many.
fn nth(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    range: Range,
    n: i64,
) -> Result<Option<EventId>, DbError> {
    let ids = narrowed(project, filter, range).select(events::id).order(events::id.desc());
    Ok(ids.offset(n - 1).limit(1).first(conn).optional()?)
}

/// Those of a page with ids in a range.
fn within(
    conn: &mut PgConnection,
    project: ProjectId,
    filter: &Filter,
    range: Range,
    limit: i64,
) -> Result<Vec<Summary>, DbError> {
    let mut query = narrowed(project, filter, range);
    if let Some(test) = filter.test {
        query = query.filter(events::test.eq(test));
    }
    match filter.reached {
        Some(true) => query = query.filter(events::deliveries.gt(0)),
        Some(false) => query = query.filter(events::deliveries.eq(0)),
        None => {}
    }
    let page = query.order(events::id.desc()).limit(limit).select(SummaryRow::as_select());
    Ok(page.load::<SummaryRow>(conn)?.into_iter().map(Summary::from).collect())
}

/// Those of a range as far as indexes know: all that is asked for but what is searched.
fn narrowed(project: ProjectId, filter: &Filter, (from, below): Range) -> events::BoxedQuery<'_, Pg> {
    let mut query = events::table.filter(events::project_id.eq(project)).into_boxed();
    // One value is asked for by `=`: only then are its index's rows known to come in the page's order.
    match &filter.types[..] {
        [] => {}
        [one] => query = query.filter(events::event_type.eq(one)),
        several => query = query.filter(events::event_type.eq_any(several)),
    }
    if let Some(from) = from {
        query = query.filter(events::id.ge(EventId(from)));
    }
    if let Some(below) = below {
        query = query.filter(events::id.lt(EventId(below)));
    }
    if let Some(since) = filter.since {
        query = query.filter(events::id.ge(EventId(ids::lower_bound(since))));
    }
    if let Some(until) = filter.until {
        query = query.filter(events::id.lt(EventId(ids::lower_bound(until))));
    }
    if let Some(before) = filter.before {
        query = query.filter(events::id.lt(before));
    }
    if let Some(id) = filter.only {
        query = query.filter(events::id.eq(id));
    }
    query
}
