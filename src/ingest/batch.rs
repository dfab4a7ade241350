//! One transaction: the events of many requests and their deliveries.
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::PgConnection;
use time::OffsetDateTime;

use super::fan_out::{FanOut, fan_out};
use super::{AcceptError, Accepted, Posted, Request};
use crate::base::db::DbError;
use crate::base::ids::{EventId, GroupId, ProjectId, WebhookId};
use crate::base::seal::SealKey;
use crate::models::deliveries::{
    self, Claimed, HAND_OVER_MAX, HandOver, HandedOver, NewDelivery, Place, Status,
};
use crate::models::events::{self, Known, NewEvent, Payload, Remembered};
use crate::models::webhooks::{self, ProjectSnapshot};

/// The settings of projects as of the version last seen.
pub(super) type Snapshots = HashMap<ProjectId, Arc<ProjectSnapshot>>;

/// What a committed transaction did.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) answers: Vec<Result<Vec<Accepted>, AcceptError>>,
    /// Claimed by this node in the same transaction.
    pub(super) claimed: Vec<Claimed>,
    /// What stands for those of them that have no row yet.
    pub(super) handed_over: Vec<HandedOver>,
    /// Some deliveries wait in the table.
    pub(super) left_due: bool,
    pub(super) events: u64,
    pub(super) deliveries: u64,
}

/// What is kept at the dispatcher for a transaction, to be given back if it fails.
#[derive(Default)]
pub(super) struct Reserved {
    /// Room for a delivery each.
    pub(super) webhooks: Vec<WebhookId>,
    pub(super) places: Vec<Place>,
}

/// Writes the events of `requests`, and notes in `reserved` what is kept for them.
pub(super) fn write(
    conn: &mut PgConnection,
    requests: &[Request],
    snapshots: &mut Snapshots,
    key: &SealKey,
    hand_over: &dyn HandOver,
    reserved: &mut Reserved,
    now: OffsetDateTime,
) -> Result<Batch, DbError> {
    refresh(conn, requests, snapshots, key, now)?;
    let snapshots: &Snapshots = snapshots;
    let refused: Vec<Option<AcceptError>> =
        requests.iter().map(|request| refusal(request, snapshots)).collect();
    let good = requests.iter().zip(&refused).filter(|(_, refused)| refused.is_none());
    let mut drafts = draft(good.map(|(request, _)| request), snapshots, now);
    settle_external_ids(conn, &mut drafts, now)?;
    let mut batch = Batch::default();
    let mut new_events = Vec::new();
    let (mut with_row, mut in_memory) = (Vec::new(), Vec::new());
    for draft in drafts.iter().filter(|draft| draft.accepted.is_new) {
        let Some(snapshot) = snapshots.get(&draft.payload.project) else { continue };
        let Some(fan) = &draft.fan else { continue };
        for (target, is_held) in &fan.takers {
            let id = deliveries::delivery_id(draft.payload.id, target.webhook.id);
            let mut delivery = NewDelivery {
                project: draft.payload.project,
                id,
                event: draft.payload.id,
                webhook: target.webhook.id,
                event_type: draft.payload.event_type.clone(),
                status: Status::Due,
                due_at: Some(now),
                claimed_by: None,
            };
            if !snapshot.webhooks_enabled || *is_held {
                delivery.status = Status::Held;
                delivery.due_at = None;
            } else if target.webhook.settings.rate_per_s.is_none() && hand_over.reserve(target.webhook.id) {
                reserved.webhooks.push(target.webhook.id);
                let claimed = Claimed::first(id, draft.payload.clone(), target, now);
                delivery.status = Status::Sending;
                delivery.due_at = Some(claimed.lease_ends);
                delivery.claimed_by = Some(hand_over.node());
                batch.claimed.push(claimed);
                in_memory.push(delivery);
                continue;
            } else {
                batch.left_due = true;
            }
            with_row.push(delivery);
        }
        new_events.push(NewEvent {
            payload: draft.payload.clone(),
            external_id: draft.posted.external_id.clone(),
            skipped: fan.skipped.clone(),
            deliveries: draft.accepted.deliveries,
        });
    }
    events::insert(conn, &new_events)?;
    batch.events = new_events.len() as u64;
    batch.deliveries = (with_row.len() + in_memory.len()) as u64;
    for (part, claimed) in in_memory.chunks(HAND_OVER_MAX).zip(batch.claimed.chunks_mut(HAND_OVER_MAX)) {
        let Some(place) = hand_over.place() else {
            with_row.extend_from_slice(part);
            continue;
        };
        reserved.places.push(place);
        claimed.iter_mut().for_each(|one| one.place = Some(place));
        batch.handed_over.push(HandedOver { place, deliveries: part.to_vec() });
    }
    deliveries::insert(conn, &with_row)?;
    deliveries::hand_over(conn, hand_over.node(), &batch.handed_over)?;
    batch.answers = answers(requests, refused, drafts);
    Ok(batch)
}

/// Brings the snapshots of all projects at hand to the version that this transaction sees.
fn refresh(
    conn: &mut PgConnection,
    requests: &[Request],
    snapshots: &mut Snapshots,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let projects: HashSet<ProjectId> = requests.iter().flat_map(|r| &r.events).map(|e| e.project).collect();
    let versions = webhooks::versions(conn, projects.iter().copied().collect())?;
    for project in projects {
        let Some(version) = versions.get(&project) else {
            snapshots.remove(&project);
            continue;
        };
        if snapshots.get(&project).is_some_and(|snapshot| snapshot.version == *version) {
            continue;
        }
        match ProjectSnapshot::load(conn, project, key, now)? {
            Some(snapshot) => snapshots.insert(project, Arc::new(snapshot)),
            None => snapshots.remove(&project),
        };
    }
    Ok(())
}

/// An event with the answer that it gets, as far as known.
struct Draft<'a> {
    posted: &'a Posted,
    payload: Arc<Payload>,
    accepted: Accepted,
    /// None if its project is gone.
    fan: Option<FanOut<'a>>,
}

/// Why nothing of a request may be written, as far as only this transaction can tell.
fn refusal(request: &Request, snapshots: &Snapshots) -> Option<AcceptError> {
    let mut unknown = Vec::new();
    for (at, event) in request.events.iter().enumerate() {
        match snapshots.get(&event.project) {
            None => return Some(AcceptError::NoProject),
            Some(snapshot) if !snapshot.takes(&event.event_type) => {
                unknown.push((at, event.event_type.clone()));
            }
            Some(_) => {}
        }
    }
    (!unknown.is_empty()).then_some(AcceptError::UnknownTypes(unknown))
}

fn draft<'a>(
    requests: impl Iterator<Item = &'a Request>,
    snapshots: &'a Snapshots,
    now: OffsetDateTime,
) -> Vec<Draft<'a>> {
    let mut drafts = Vec::new();
    for request in requests {
        // Events of one request are of one cause unless they say otherwise.
        let mut group: Option<GroupId> = None;
        for posted in &request.events {
            let id = EventId::new(now);
            let group = *group.get_or_insert(GroupId::of(id));
            let created_at = posted.created_at.unwrap_or(now);
            let payload = Payload {
                project: posted.project,
                id,
                event_type: posted.event_type.clone(),
                created_at,
                entity_id: posted.entity_id.clone(),
                group: posted.group.clone().unwrap_or_else(|| group.to_string()),
                source: posted.source.clone(),
                data: posted.data.clone(),
            };
            let snapshot = snapshots.get(&posted.project);
            let fan = snapshot.map(|snapshot| fan_out(snapshot, &posted.event_type, &posted.data));
            let takers = fan.as_ref().map_or(0, |fan| fan.takers.len());
            let accepted = Accepted {
                id: payload.id,
                event_type: payload.event_type.clone(),
                group: payload.group.clone(),
                created_at,
                deliveries: i16::try_from(takers).unwrap_or(i16::MAX),
                is_new: true,
            };
            drafts.push(Draft { posted, payload: Arc::new(payload), accepted, fan });
        }
    }
    drafts
}

/// Finds the events that were accepted before, here or in another transaction, by the caller's ids.
fn settle_external_ids(
    conn: &mut PgConnection,
    drafts: &mut [Draft<'_>],
    now: OffsetDateTime,
) -> Result<(), DbError> {
    let mut firsts: HashMap<(ProjectId, String), usize> = HashMap::new();
    let mut ids = Vec::new();
    for (n, draft) in drafts.iter().enumerate() {
        let Some(external_id) = &draft.posted.external_id else { continue };
        let key = (draft.posted.project, external_id.clone());
        if firsts.contains_key(&key) {
            continue;
        }
        let known = Known {
            event: draft.payload.id,
            event_type: draft.payload.event_type.clone(),
            group: draft.payload.group.clone(),
            created_at: draft.payload.created_at,
            deliveries: draft.accepted.deliveries,
        };
        ids.push(Remembered { project: key.0, external_id: external_id.clone(), known });
        firsts.insert(key, n);
    }
    if ids.is_empty() {
        return Ok(());
    }
    let new = events::remember(conn, ids, now)?;
    let mut earlier: HashMap<(ProjectId, String), Known> = HashMap::new();
    let mut asked: HashMap<ProjectId, Vec<String>> = HashMap::new();
    for (project, id) in firsts.keys().filter(|key| !new.contains(*key)) {
        asked.entry(*project).or_default().push(id.clone());
    }
    for (project, ids) in asked {
        let found = events::known(conn, project, &ids)?;
        earlier.extend(found.into_iter().map(|(id, known)| ((project, id), known)));
    }
    for n in 0..drafts.len() {
        let Some(external_id) = &drafts[n].posted.external_id else { continue };
        let key = (drafts[n].posted.project, external_id.clone());
        let first = firsts[&key];
        if let Some(known) = earlier.get(&key) {
            drafts[n].accepted = Accepted {
                id: known.event,
                event_type: known.event_type.clone(),
                group: known.group.clone(),
                created_at: known.created_at,
                deliveries: known.deliveries,
                is_new: false,
            };
        } else if first != n {
            drafts[n].accepted = Accepted { is_new: false, ..drafts[first].accepted.clone() };
        }
    }
    Ok(())
}

fn answers(
    requests: &[Request],
    refused: Vec<Option<AcceptError>>,
    drafts: Vec<Draft<'_>>,
) -> Vec<Result<Vec<Accepted>, AcceptError>> {
    let mut accepted = drafts.into_iter().map(|draft| draft.accepted);
    requests
        .iter()
        .zip(refused)
        .map(|(request, refused)| match refused {
            None => Ok(accepted.by_ref().take(request.events.len()).collect()),
            Some(why) => Err(why),
        })
        .collect()
}
