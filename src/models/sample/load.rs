//! Writes the sample: a project, its webhooks and keys, and a month of history.
use std::sync::Arc;

use bytes::Bytes;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use time::{Duration, OffsetDateTime, Time};

use super::draw::Draw;
use super::people::{Person, everybody};
use super::sending::{Made, send};
use super::shop::{self, Off};
use super::slots::{Scene, order_number};
use super::stories::{Channel, Happening, month};
use super::template::Template;
use super::{BACKEND_SCOPES, SampleError, find, finish, forget_some};
use crate::base::ids::{EventId, GroupId, ProjectId, UserId};
use crate::base::schema::sample_projects;
use crate::base::seal::SealKey;
use crate::models::deliveries::{self, PastDelivery};
use crate::models::events::{self, Known, NewEvent, Payload, Remembered};
use crate::models::figures;
use crate::models::projects::{self, Project, ProjectName, keys};
use crate::models::webhooks::{self, LastStraw};
use crate::rules::body::EventSource;
use crate::rules::retry::DisableKind;
use crate::rules::signing::Secret;

/// Events written at a time, with their deliveries and attempts.
const EVENTS_AT_ONCE: usize = 400;
/// Callers' own ids are remembered for so long.
const IDS_KNOWN: Duration = Duration::days(7);

/// Who comes second waits for the first, however busy the machine.
const WAIT_MAX_MS: u32 = 60_000;

/// What loading the sample came to.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// It was made now.
    New(Project),
    /// It was there already and was left as it is.
    There(Project),
}

impl Loaded {
    /// The sample's project, made now or before.
    pub fn project(&self) -> &Project {
        match self {
            Self::New(project) | Self::There(project) => project,
        }
    }
}

/// Makes the sample's project with its history, unless there is one. Call it in a transaction: all of it or nothing.
///
/// Two at once make one: the second waits for the first. Call [`deliveries::make_behind`] before, outside of it.
pub fn load(conn: &mut PgConnection, key: &SealKey, now: OffsetDateTime) -> Result<Loaded, SampleError> {
    conn.batch_execute(&format!(
        "set local lock_timeout = {WAIT_MAX_MS}; set local statement_timeout = {WAIT_MAX_MS}; \
         lock table sample_projects in share row exclusive mode"
    ))?;
    if let Some(sample) = find(conn)?
        && let Some(project) = projects::find(conn, sample.project)?
    {
        if sample.removal_began_at.is_none() {
            return Ok(Loaded::There(project));
        }
        while forget_some(conn, sample)? > 0 {}
        finish(conn, sample)?;
    }
    let project = make_project(conn, now)?;
    let backend = make_keys(conn, project.id, now)?;
    let mut shop = make_webhooks(conn, project.id, key, now)?;
    write_history(conn, project.id, &mut shop, &backend, now)?;
    switch_off(conn, project.id, &shop)?;
    figures::recount(conn, project.id, now)?;
    Ok(Loaded::New(project))
}

/// The beginning of the days whose history is written.
pub fn first_day(now: OffsetDateTime) -> OffsetDateTime {
    (now - Duration::days(super::stories::DAYS_BACK)).replace_time(Time::MIDNIGHT)
}

fn make_project(conn: &mut PgConnection, now: OffsetDateTime) -> Result<Project, SampleError> {
    let mut name = shop::NAME.to_owned();
    let mut number = 1;
    while projects::find_named(conn, &name)?.is_some() {
        name = match number {
            1 => format!("{} (sample)", shop::NAME),
            _ => format!("{} (sample {number})", shop::NAME),
        };
        number += 1;
    }
    let name = ProjectName::new(&name).map_err(|_| SampleError::NameTaken)?;
    let project = projects::create(conn, &name, now - Duration::days(41))?;
    diesel::insert_into(sample_projects::table)
        .values((sample_projects::project_id.eq(project.id), sample_projects::made_at.eq(now)))
        .execute(conn)?;
    // Its first steps lie a month back.
    projects::dismiss_first_steps(conn, project.id, now)?;
    Ok(project)
}

/// The shop's own key, whose events the history holds, and one that was revoked. Nobody gets to know the tokens.
fn make_keys(
    conn: &mut PgConnection,
    project: ProjectId,
    now: OffsetDateTime,
) -> Result<EventSource, SampleError> {
    let at = now - Duration::days(41);
    let (agency, _) = keys::create(
        conn,
        project,
        "Agency (spring campaign)",
        &keys::Scope::OFFERED,
        at - Duration::minutes(4),
    )?;
    keys::revoke(conn, project, agency.id, now - Duration::days(24))?;
    let (backend, _) = keys::create(conn, project, shop::BACKEND_KEY, &BACKEND_SCOPES, at)?;
    keys::touch(conn, &[(project, backend.id)], now - Duration::minutes(2))?;
    Ok(EventSource::Api { key_name: backend.name, app_id: backend.app_id.to_string() })
}

fn make_webhooks(
    conn: &mut PgConnection,
    project: ProjectId,
    key: &SealKey,
    now: OffsetDateTime,
) -> Result<Vec<Made>, SampleError> {
    let mut made = Vec::new();
    for planned in shop::webhooks(now) {
        let webhook = webhooks::create(conn, project, &planned.settings, key, planned.made_at)?;
        let secret = Secret::generate();
        webhooks::add_secret(conn, project, webhook.id, &secret, key, planned.made_at)?;
        made.push(Made { planned, id: webhook.id, secret, gone_at: None });
    }
    Ok(made)
}

/// What each webhook has come to by now.
fn switch_off(conn: &mut PgConnection, project: ProjectId, shop: &[Made]) -> Result<(), SampleError> {
    for webhook in shop {
        match webhook.planned.off {
            Some((Off::Paused, at)) => {
                webhooks::set_active(conn, project, webhook.id, false, at)?;
            }
            Some((Off::Gone, at)) => {
                let detail = "Answered 410: the receiver wants no more. The webhook was disabled.";
                let at = webhook.gone_at.unwrap_or(at);
                let straw = LastStraw { kind: DisableKind::Gone, detail, delivery: None, status: Some(410) };
                webhooks::disable(conn, project, webhook.id, straw, at)?;
            }
            Some((Off::Deleted, at)) => {
                webhooks::mark_deleted(conn, project, webhook.id, at)?;
            }
            None => {}
        }
    }
    Ok(())
}

/// What all events of the month are made from.
struct Writer<'a> {
    project: ProjectId,
    people: Vec<Person>,
    templates: std::collections::HashMap<&'static str, Template>,
    backend: &'a EventSource,
    staff: EventSource,
    base: OffsetDateTime,
    now: OffsetDateTime,
}

fn write_history(
    conn: &mut PgConnection,
    project: ProjectId,
    shop: &mut [Made],
    backend: &EventSource,
    now: OffsetDateTime,
) -> Result<(), SampleError> {
    let people = everybody();
    let month = month(now, people.len());
    let mut templates = std::collections::HashMap::new();
    for happening in &month {
        if !templates.contains_key(happening.event_type)
            && let Some(template) = Template::of(happening.event_type)
        {
            templates.insert(happening.event_type, template);
        }
    }
    let staff = EventSource::UserPortal { user_id: UserId::new(now - Duration::days(41)).to_string() };
    let base = now.replace_time(Time::MIDNIGHT);
    let writer = Writer { project, people, templates, backend, staff, base, now };
    let mut groups: Option<(u64, String)> = None;
    let mut draw = Draw::new(0xca_11_0e);
    for chunk in month.chunks(EVENTS_AT_ONCE) {
        let (mut new, mut past, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for happening in chunk {
            let group = match &groups {
                Some((seed, group)) if *seed == happening.seed => group.clone(),
                _ => GroupId::new(happening.at).to_string(),
            };
            groups = Some((happening.seed, group.clone()));
            let Some((event, deliveries)) = writer.event(happening, group, shop, &mut draw) else { continue };
            ids.extend(remembered(&event, now));
            new.push(event);
            past.extend(deliveries);
        }
        events::insert(conn, &new)?;
        deliveries::insert_past(conn, &past)?;
        if !ids.is_empty() {
            events::remember(conn, ids, now)?;
        }
    }
    Ok(())
}

impl Writer<'_> {
    fn event(
        &self,
        happening: &Happening,
        group: String,
        shop: &mut [Made],
        draw: &mut Draw,
    ) -> Option<(NewEvent, Vec<PastDelivery>)> {
        let template = self.templates.get(happening.event_type)?;
        let scene = Scene {
            people: happening.people.map(|number| &self.people[number]),
            seed: happening.seed,
            at: happening.at,
            base: self.base,
            tenths: happening.tenths,
        };
        let source = match happening.channel {
            Channel::Backend => self.backend.to_json(),
            Channel::Staff => self.staff.to_json(),
            Channel::Schedule => EventSource::Internal.to_json(),
        };
        let payload = Payload {
            project: self.project,
            id: EventId::new(happening.at),
            event_type: happening.event_type.to_owned(),
            created_at: happening.at,
            entity_id: template.entity(&scene),
            group,
            source,
            data: Bytes::from(template.data(&scene)),
        };
        let (takers, skipped) = verdicts(shop, &payload);
        let mut deliveries = Vec::new();
        for n in takers {
            let delivery = send(&shop[n], &payload, self.now, draw);
            if delivery.attempts.last().and_then(|a| a.response.as_ref()).is_some_and(|r| r.status == 410) {
                shop[n].gone_at = delivery.ended_at;
            }
            deliveries.push(delivery);
        }
        let event = NewEvent {
            external_id: external_id(happening),
            skipped,
            deliveries: i16::try_from(deliveries.len()).unwrap_or(i16::MAX),
            payload: Arc::new(payload),
        };
        Some((event, deliveries))
    }
}

/// Who took the event, by place in the shop, and who would have: as JSON with the reason, as ingest writes it.
fn verdicts(shop: &[Made], payload: &Payload) -> (Vec<usize>, Option<String>) {
    let (mut takers, mut skipped) = (Vec::new(), Vec::new());
    let at = payload.created_at;
    for (n, webhook) in shop.iter().enumerate() {
        let settings = &webhook.planned.settings;
        let is_chosen = settings.all_events || settings.events.contains(&payload.event_type);
        if !is_chosen || webhook.planned.made_at > at {
            continue;
        }
        let reason = match webhook.planned.off {
            Some((Off::Paused, off_at)) if at >= off_at => "paused",
            Some((Off::Gone, _)) if webhook.gone_at.is_some_and(|gone_at| at >= gone_at) => "disabled",
            Some((Off::Deleted, off_at)) if at >= off_at => continue,
            _ => {
                takers.push(n);
                continue;
            }
        };
        skipped.push(serde_json::json!({ "webhook_id": webhook.id, "reason": reason }));
    }
    let skipped = (!skipped.is_empty()).then(|| serde_json::Value::from(skipped).to_string());
    (takers, skipped)
}

/// The shop's own id of an event: where it is about an order, that order's.
fn external_id(happening: &Happening) -> Option<String> {
    let (noun, verb) = happening.event_type.rsplit_once('.')?;
    match (happening.channel, noun) {
        (Channel::Backend, "customer.order" | "redemption") => {
            Some(format!("{}-{verb}", order_number(happening.seed).to_lowercase()))
        }
        (Channel::Backend, "customer" | "contact") => {
            let mut draw = Draw::of(happening.seed, happening.event_type);
            Some(format!("evt-{}", draw.hex(12)))
        }
        _ => None,
    }
}

fn remembered(event: &NewEvent, now: OffsetDateTime) -> Option<Remembered> {
    let payload = &event.payload;
    let external_id = event.external_id.clone()?;
    let known = Known {
        event: payload.id,
        event_type: payload.event_type.clone(),
        group: payload.group.clone(),
        created_at: payload.created_at,
        deliveries: event.deliveries,
    };
    (payload.created_at > now - IDS_KNOWN).then_some(Remembered {
        project: payload.project,
        external_id,
        known,
    })
}
