//! Outcomes: attempts written and states moved, many in one transaction, only where the claim is still ours.
use std::collections::HashSet;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{
    Array, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use time::OffsetDateTime;

use super::attempts::{Attempt, BodyKind};
use super::hand_over::Place;
use super::{Failure, Status, switch};
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, EventId, ProjectId, WebhookId};
use crate::base::schema::deliveries;
use crate::models::events::Payload;
use crate::models::webhooks::LastStraw;
use crate::prepared;
use crate::rules::kept::headers::{Facts, pack};
use crate::rules::retry::DisableKind;

/// Where a claimed delivery goes from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The receiver took it.
    Delivered,
    /// Another attempt at this time; uses up a retry.
    RetryAt(OffsetDateTime),
    /// Given up; the webhook may be switched off with it.
    Failed(Option<DisableKind>),
    /// Cut short by our own stop: due at once, no retry used.
    Interrupted,
    /// Never begun: due at once, as if it had not been claimed.
    GivenBack,
    /// Webhooks are switched off, or this one is.
    Held,
    /// Its webhook is gone.
    Cancelled,
}

/// What became of a claim.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Outcome {
    pub project: ProjectId,
    pub delivery: DeliveryId,
    pub webhook: WebhookId,
    /// The fence: counts only while the delivery still has this many claims.
    pub claims: i32,
    /// See [`super::Claimed`], as the next one.
    pub test: bool,
    pub in_turn: bool,
    /// How many attempts the delivery had when it was claimed.
    pub attempts_before: i32,
    pub attempt: Option<Attempt>,
    pub next: Next,
    /// The delivery has no row yet: it is written now, unless somebody made it due meanwhile.
    pub without_row: Option<WithoutRow>,
}

/// What is known of a delivery that has no row.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct WithoutRow {
    /// What stands for it.
    pub place: Place,
    pub payload: Arc<Payload>,
}

prepared! {
    /// Writes attempts. A late one replaces the note that it was interrupted.
    pub struct InsertAttempts -> () {
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        deliveries: Array<SqlUuid> = Vec<DeliveryId>,
        numbers: Array<Integer> = Vec<i32>,
        started: Array<Timestamptz> = Vec<OffsetDateTime>,
        durations: Array<Integer> = Vec<i32>,
        urls: Array<Text> = Vec<String>,
        addresses: Array<Nullable<Text>> = Vec<Option<String>>,
        request_headers: Array<Binary> = Vec<Vec<u8>>,
        body_formats: Array<SmallInt> = Vec<i16>,
        request_bodies: Array<Nullable<Binary>> = Vec<Option<Vec<u8>>>,
        response_statuses: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        response_headers: Array<Nullable<Binary>> = Vec<Option<Vec<u8>>>,
        response_bodies: Array<Nullable<Binary>> = Vec<Option<Vec<u8>>>,
        truncated: Array<Bool> = Vec<bool>,
        failure_kinds: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        failure_details: Array<Nullable<Text>> = Vec<Option<String>>,
        dns: Array<Nullable<Integer>> = Vec<Option<i32>>,
        connects: Array<Nullable<Integer>> = Vec<Option<i32>>,
        tls: Array<Nullable<Integer>> = Vec<Option<i32>>,
        first_bytes: Array<Nullable<Integer>> = Vec<Option<i32>>,
    }
    sql "insert into attempts (project_id, delivery_id, number, started_at, duration_us, url, address, request_headers, \
         body_format, request_body, response_status, response_headers, response_body, response_truncated, failure_kind, \
         failure_detail, dns_us, connect_us, tls_us, first_byte_us) \
         select * from unnest({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}) \
         on conflict (project_id, delivery_id, number) do update set started_at = excluded.started_at, \
         duration_us = excluded.duration_us, url = excluded.url, address = excluded.address, \
         request_headers = excluded.request_headers, body_format = excluded.body_format, \
         request_body = excluded.request_body, response_status = excluded.response_status, \
         response_headers = excluded.response_headers, response_body = excluded.response_body, \
         response_truncated = excluded.response_truncated, failure_kind = excluded.failure_kind, \
         failure_detail = excluded.failure_detail, dns_us = excluded.dns_us, connect_us = excluded.connect_us, \
         tls_us = excluded.tls_us, first_byte_us = excluded.first_byte_us where attempts.failure_kind = 8"
}

prepared! {
    /// Moves states, each only under its own claim.
    pub struct MoveStates -> () {
        now: Timestamptz = OffsetDateTime,
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        ids: Array<SqlUuid> = Vec<DeliveryId>,
        claims: Array<Integer> = Vec<i32>,
        statuses: Array<SmallInt> = Vec<i16>,
        due: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
        attempted: Array<Integer> = Vec<i32>,
        retried: Array<SmallInt> = Vec<i16>,
        response_statuses: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        failure_kinds: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        failure_details: Array<Nullable<Text>> = Vec<Option<String>>,
    }
    // A claim that was given back unused is due (0) or, after attempts, retrying (3). `+ 0`: the index of those under way
    // is full of entries that are over; each row is to be found by its key instead.
    sql "update deliveries d set claimed_by = null, due_at = o.due_at, \
         status = case when o.status = 0 and d.attempt_count + o.attempted > 0 then 3 else o.status end, \
         attempt_count = d.attempt_count + o.attempted, retries_used = d.retries_used + o.retried, \
         last_response_status = case when o.attempted > 0 then o.response_status else d.last_response_status end, \
         last_failure_kind = case when o.attempted > 0 then o.failure_kind else d.last_failure_kind end, \
         last_failure_detail = case when o.attempted > 0 then o.failure_detail else d.last_failure_detail end, \
         ended_at = case when o.status in (2, 4, 6) then {}::timestamptz end \
         from unnest({}, {}, {}, {}, {}, {}, {}, {}, {}, {}) \
         o (project_id, id, claims, status, due_at, attempted, retried, response_status, failure_kind, failure_detail) \
         where d.project_id = o.project_id and d.id = o.id and d.claims = o.claims and d.status + 0 = 1"
}

prepared! {
    /// Writes the rows of deliveries together with what their first attempt came to.
    pub struct InsertEnded -> () {
        now: Timestamptz = OffsetDateTime,
        project_ids: Array<SqlUuid> = Vec<ProjectId>,
        ids: Array<SqlUuid> = Vec<DeliveryId>,
        events: Array<SqlUuid> = Vec<EventId>,
        webhooks: Array<SqlUuid> = Vec<WebhookId>,
        types: Array<Text> = Vec<String>,
        claims: Array<Integer> = Vec<i32>,
        statuses: Array<SmallInt> = Vec<i16>,
        due: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
        attempted: Array<Integer> = Vec<i32>,
        retried: Array<SmallInt> = Vec<i16>,
        response_statuses: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        failure_kinds: Array<Nullable<SmallInt>> = Vec<Option<i16>>,
        failure_details: Array<Nullable<Text>> = Vec<Option<String>>,
    }
    sql "insert into deliveries (project_id, id, event_id, webhook_id, event_type, status, due_at, claims, attempt_count, \
         retries_used, last_response_status, last_failure_kind, last_failure_detail, ended_at) \
         select o.project_id, o.id, o.event_id, o.webhook_id, o.event_type, \
         case when o.status = 0 and o.attempted > 0 then 3 else o.status end, o.due_at, o.claims, o.attempted, o.retried, \
         o.response_status, o.failure_kind, o.failure_detail, case when o.status in (2, 4, 6) then {}::timestamptz end \
         from unnest({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}) \
         o (project_id, id, event_id, webhook_id, event_type, claims, status, due_at, attempted, retried, response_status, \
         failure_kind, failure_detail) on conflict (project_id, id) do nothing"
}

/// Writes outcomes. Call it in a transaction: attempt and state stand or fall together.
///
/// An outcome whose claim is lost leaves its attempt and moves nothing. Answers how many states moved.
pub fn record(conn: &mut PgConnection, outcomes: &[Outcome], now: OffsetDateTime) -> Result<usize, DbError> {
    insert_attempts(conn, outcomes)?;
    let moved = insert_ended(conn, outcomes, now)? + move_states(conn, outcomes, now)?;
    for outcome in outcomes {
        if let Next::Failed(Some(kind)) = outcome.next
            && ended_by(conn, outcome)?
        {
            let attempt = outcome.attempt.as_ref();
            let detail = attempt.and_then(|a| a.failure.as_ref()).map(|f| f.detail.as_str());
            let straw = LastStraw {
                kind,
                detail: detail.unwrap_or_default(),
                delivery: Some(outcome.delivery),
                status: attempt.and_then(|a| i16::try_from(a.response.as_ref()?.status).ok()),
            };
            switch::disable_webhook(conn, outcome.project, outcome.webhook, straw, now)?;
        }
    }
    Ok(moved)
}

/// The deliveries among these outcomes that did not come to their end by them: their claims were lost meanwhile.
pub fn stale(conn: &mut PgConnection, outcomes: &[Outcome]) -> Result<HashSet<DeliveryId>, DbError> {
    let mut stale = HashSet::new();
    for outcome in outcomes {
        let row = deliveries::table
            .find((outcome.project, outcome.delivery))
            .filter(deliveries::claims.eq(outcome.claims))
            .filter(deliveries::status.eq(outcome.next.status().number()));
        if outcome.next.due_at(OffsetDateTime::UNIX_EPOCH).is_none()
            && !diesel::select(diesel::dsl::exists(row)).get_result::<bool>(conn)?
        {
            stale.insert(outcome.delivery);
        }
    }
    Ok(stale)
}

/// Whether it is this outcome's claim that the delivery failed under.
fn ended_by(conn: &mut PgConnection, outcome: &Outcome) -> Result<bool, DbError> {
    let row = deliveries::table
        .find((outcome.project, outcome.delivery))
        .filter(deliveries::claims.eq(outcome.claims))
        .filter(deliveries::status.eq(Status::Failed.number()));
    Ok(diesel::select(diesel::dsl::exists(row)).get_result(conn)?)
}

pub(super) fn insert_attempts(conn: &mut PgConnection, outcomes: &[Outcome]) -> Result<(), DbError> {
    let made: Vec<(&Outcome, &Attempt)> =
        outcomes.iter().filter_map(|o| o.attempt.as_ref().map(|attempt| (o, attempt))).collect();
    if made.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(made: &[(&'a Outcome, &'a Attempt)], of: impl Fn(&'a Attempt) -> T) -> Vec<T> {
        made.iter().map(|(_, attempt)| of(attempt)).collect()
    }
    let packed = |delivery: DeliveryId, a: &Attempt, headers: &[(String, String)]| {
        pack(headers, Facts { id: &delivery.to_string(), started_at: a.started_at, url: &a.url })
    };
    let status = |a: &Attempt| a.response.as_ref().and_then(|r| i16::try_from(r.status).ok());
    InsertAttempts {
        project_ids: made.iter().map(|(o, _)| o.project).collect(),
        deliveries: made.iter().map(|(o, _)| o.delivery).collect(),
        numbers: made.iter().map(|(o, _)| o.claims).collect(),
        started: column(&made, |a| a.started_at),
        durations: column(&made, |a| a.timings.total_us),
        urls: column(&made, |a| a.url.clone()),
        addresses: column(&made, |a| a.address.clone()),
        request_headers: made.iter().map(|(o, a)| packed(o.delivery, a, &a.request_headers)).collect(),
        body_formats: column(&made, |a| a.body.number()),
        request_bodies: column(&made, |a| match &a.body {
            BodyKind::Kept(body) => Some(body.clone()),
            BodyKind::Envelope | BodyKind::Envelope2018 | BodyKind::Flat => None,
        }),
        response_statuses: column(&made, status),
        response_headers: made
            .iter()
            .map(|(o, a)| a.response.as_ref().map(|r| packed(o.delivery, a, &r.headers)))
            .collect(),
        response_bodies: column(&made, |a| a.response.as_ref().map(|r| r.body.clone())),
        truncated: column(&made, |a| a.response.as_ref().is_some_and(|r| r.truncated)),
        failure_kinds: column(&made, |a| a.failure.as_ref().map(|f| f.kind.number())),
        failure_details: column(&made, |a| a.failure.as_ref().map(|f| f.detail.clone())),
        dns: column(&made, |a| a.timings.dns_us),
        connects: column(&made, |a| a.timings.connect_us),
        tls: column(&made, |a| a.timings.tls_us),
        first_bytes: column(&made, |a| a.timings.first_byte_us),
    }
    .execute(conn)?;
    Ok(())
}

fn insert_ended(
    conn: &mut PgConnection,
    outcomes: &[Outcome],
    now: OffsetDateTime,
) -> Result<usize, DbError> {
    let (new, payloads): (Vec<&Outcome>, Vec<&Payload>) =
        outcomes.iter().filter_map(|o| Some((o, &*o.without_row.as_ref()?.payload))).unzip();
    if new.is_empty() {
        return Ok(0);
    }
    let states = States::of(&new, now);
    let statement = InsertEnded {
        now,
        project_ids: new.iter().map(|o| o.project).collect(),
        ids: new.iter().map(|o| o.delivery).collect(),
        events: payloads.iter().map(|payload| payload.id).collect(),
        webhooks: new.iter().map(|o| o.webhook).collect(),
        types: payloads.iter().map(|payload| payload.event_type.clone()).collect(),
        claims: new.iter().map(|o| o.claims).collect(),
        statuses: states.statuses,
        due: states.due,
        attempted: states.attempted,
        retried: states.retried,
        response_statuses: states.response_statuses,
        failure_kinds: states.failure_kinds,
        failure_details: states.failure_details,
    };
    Ok(statement.execute(conn)?)
}

fn move_states(conn: &mut PgConnection, outcomes: &[Outcome], now: OffsetDateTime) -> Result<usize, DbError> {
    let old: Vec<&Outcome> = outcomes.iter().filter(|o| o.without_row.is_none()).collect();
    if old.is_empty() {
        return Ok(0);
    }
    let states = States::of(&old, now);
    let statement = MoveStates {
        now,
        project_ids: old.iter().map(|o| o.project).collect(),
        ids: old.iter().map(|o| o.delivery).collect(),
        claims: old.iter().map(|o| o.claims).collect(),
        statuses: states.statuses,
        due: states.due,
        attempted: states.attempted,
        retried: states.retried,
        response_statuses: states.response_statuses,
        failure_kinds: states.failure_kinds,
        failure_details: states.failure_details,
    };
    Ok(statement.execute(conn)?)
}

/// What outcomes make of their deliveries, an array a column.
struct States {
    statuses: Vec<i16>,
    due: Vec<Option<OffsetDateTime>>,
    attempted: Vec<i32>,
    retried: Vec<i16>,
    response_statuses: Vec<Option<i16>>,
    failure_kinds: Vec<Option<i16>>,
    failure_details: Vec<Option<String>>,
}

impl States {
    fn of(outcomes: &[&Outcome], now: OffsetDateTime) -> Self {
        fn column<'a, T>(outcomes: &[&'a Outcome], of: impl Fn(&'a Outcome) -> T) -> Vec<T> {
            outcomes.iter().map(|outcome| of(outcome)).collect()
        }
        fn failure(outcome: &Outcome) -> Option<&Failure> {
            outcome.attempt.as_ref()?.failure.as_ref()
        }
        let response = |o: &Outcome| i16::try_from(o.attempt.as_ref()?.response.as_ref()?.status).ok();
        Self {
            statuses: column(outcomes, |o| o.next.status().number()),
            due: column(outcomes, |o| o.next.due_at(now)),
            attempted: column(outcomes, |o| i32::from(o.attempt.is_some())),
            retried: column(outcomes, |o| i16::from(matches!(o.next, Next::RetryAt(_)))),
            response_statuses: column(outcomes, response),
            failure_kinds: column(outcomes, |o| failure(o).map(|f| f.kind.number())),
            failure_details: column(outcomes, |o| failure(o).map(|f| f.detail.clone())),
        }
    }
}

impl Next {
    fn status(&self) -> Status {
        match self {
            Self::Delivered => Status::Delivered,
            Self::RetryAt(_) => Status::Retrying,
            Self::Failed(_) => Status::Failed,
            Self::Interrupted | Self::GivenBack => Status::Due,
            Self::Held => Status::Held,
            Self::Cancelled => Status::Cancelled,
        }
    }

    fn due_at(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::RetryAt(at) => Some(*at),
            Self::Interrupted | Self::GivenBack => Some(now),
            _ => None,
        }
    }
}
