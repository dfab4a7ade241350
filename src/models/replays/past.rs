//! Past events to one webhook, as the source of a replay.
use diesel::PgConnection;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::rows::{self, Row};
use super::state::{Counts, ItemState};
use crate::base::db::DbError;
use crate::base::ids::{self, DeliveryId, EventId, ProjectId, WebhookId};
use crate::models::deliveries::{self, delivery_id};
use crate::models::events::{self, Meant, Walked};
use crate::models::resends;
use crate::models::webhooks::Webhook;
use crate::rules::filter::Filter;

/// Events that are looked at, at most, to count those that are meant.
const LOOKED_AT_MAX: usize = 20_000;
/// Whoever accepted an event before a replay was made has committed it by then.
pub(super) const BEGINS_AFTER: Duration = Duration::seconds(2);

/// Which events to which webhook. A replay keeps it as JSON: fields may be added, none renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PastEvents {
    pub webhook: WebhookId,
    /// None for all.
    pub types: Option<Vec<String>>,
    /// The webhook's, as it was when the replay was made.
    pub filter: Option<Filter>,
    /// That arrived at or after.
    pub since: Option<OffsetDateTime>,
    /// That arrived before.
    pub until: OffsetDateTime,
}

impl PastEvents {
    /// What a webhook would have taken as it is set now, of some types or of all that it subscribes to, until now. The
    /// types that it does not subscribe to, if any are named.
    pub fn of(
        webhook: &Webhook,
        types: Vec<String>,
        (since, until): (Option<OffsetDateTime>, Option<OffsetDateTime>),
        now: OffsetDateTime,
    ) -> Result<Self, Vec<String>> {
        let settings = &webhook.settings;
        let foreign: Vec<String> = types.iter().filter(|name| !settings.takes(name)).cloned().collect();
        if !foreign.is_empty() {
            return Err(foreign);
        }
        let types = match (types.is_empty(), settings.all_events) {
            (true, true) => None,
            (true, false) => Some(settings.events.clone()),
            (false, _) => Some(types),
        };
        let end = now + Duration::milliseconds(1);
        let until = until.map_or(end, |until| until.min(end));
        Ok(Self { webhook: webhook.id, types, filter: settings.filter.clone(), since, until })
    }

    /// The range of ids, the first of them left out.
    fn range(&self, after: Option<Uuid>) -> (Uuid, Uuid) {
        let before = |id: Uuid| Uuid::from_u128(id.as_u128().saturating_sub(1));
        let begin = self.since.map_or(Uuid::nil(), |since| before(ids::lower_bound(since)));
        (after.unwrap_or(begin), ids::lower_bound(self.until))
    }

    fn meant(&self) -> Meant<'_> {
        Meant { types: self.types.as_deref(), filter: self.filter.as_ref() }
    }

    /// Those of some events that are no edited copies, which were meant for one webhook, each with its delivery.
    fn deliveries(
        &self,
        conn: &mut PgConnection,
        project: ProjectId,
        meant: Vec<Walked>,
    ) -> Result<Vec<(DeliveryId, Walked)>, DbError> {
        let edited = resends::edited_among(conn, project, meant.iter().map(|one| one.id).collect())?;
        let whole = meant.into_iter().filter(|one| !edited.contains(&one.id));
        Ok(whole.map(|one| (delivery_id(one.id, self.webhook), one)).collect())
    }
}

/// What there is to send, before there is a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountedEvents {
    /// So many at least.
    pub matched: i64,
    /// There are more, or may be: not all were looked at.
    pub is_more: bool,
    /// Of those that were counted, so many went to the webhook already, whatever became of them.
    pub existing: i64,
    /// Of those that were counted and did not, so many are no longer kept.
    pub not_kept: i64,
}

/// Counts what is meant among the first 20,000 events.
pub fn count_events(
    conn: &mut PgConnection,
    project: ProjectId,
    wanted: &PastEvents,
) -> Result<CountedEvents, DbError> {
    let (mut counted, mut after, mut looked_at) = (CountedEvents::default(), None, 0);
    loop {
        let step = events::walk(conn, project, wanted.range(after), &wanted.meant())?;
        let found = wanted.deliveries(conn, project, step.meant)?;
        let ids: Vec<DeliveryId> = found.iter().map(|(id, _)| *id).collect();
        let there = deliveries::statuses(conn, project, &ids)?;
        let gone = found.iter().filter(|(id, one)| !one.is_kept && !there.contains_key(id));
        counted.matched += found.len() as i64;
        counted.existing += there.len() as i64;
        counted.not_kept += gone.count() as i64;
        looked_at += step.looked_at;
        match step.last {
            Some(last) if looked_at < LOOKED_AT_MAX => after = Some(last.0),
            last => return Ok(CountedEvents { is_more: last.is_some(), ..counted }),
        }
    }
}

/// Writes down the next of those that are meant, oldest first; those that went to the webhook already are left out.
pub(super) fn collect(
    conn: &mut PgConnection,
    row: &mut Row,
    wanted: &PastEvents,
    counts: &mut Counts,
) -> Result<(), DbError> {
    let step = events::walk(conn, row.project_id, wanted.range(row.collected_until), &wanted.meant())?;
    let found = wanted.deliveries(conn, row.project_id, step.meant)?;
    let ids: Vec<DeliveryId> = found.iter().map(|(id, _)| *id).collect();
    let there = deliveries::statuses(conn, row.project_id, &ids)?;
    for (state, is_kept) in [(ItemState::Waiting, true), (ItemState::LeftNotKept, false)] {
        let new = found.iter().filter(|(id, one)| one.is_kept == is_kept && !there.contains_key(id));
        let new: Vec<(DeliveryId, EventId)> = new.map(|(id, one)| (*id, one.id)).collect();
        counts.add(state, rows::add_events(conn, (row.project_id, row.id), &new, state)?);
    }
    row.collected_until = step.last.map(|id| id.0).or(row.collected_until);
    row.is_collected = step.last.is_none();
    Ok(())
}
