//! What the way from event to history asks of a long history, again and again.
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use callout::base::db::DbError;
use callout::base::ids::{DeliveryId, EventId, ProjectId, WebhookId};
use callout::base::seal::SealKey;
use callout::models::deliveries::{
    self, Attempt, BodyKind, ClaimedRow, Failure, FailureKind, NewDelivery, Next, Outcome, Response, Status,
    Timings, Tried, WithoutRow, delivery_id,
};
use callout::models::events::{self, NewEvent, Payload};
use callout::models::webhooks;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;

use super::history::{node, project, webhook};
use crate::support::app::NOW;

/// Deliveries in one statement.
const BATCH: usize = 64;

type Work = fn(&mut PgConnection) -> Result<usize, DbError>;

/// Rows that a statement may look at, and blocks.
type Max = (u64, u64);

/// Statements, each with what it may read of the short history and of a million deliveries over thirty days: half as much
/// again as was measured. Rows are what Postgres tells, which rounds them for each time that a part of a plan is run.
///
/// The first due is asked for each webhook in each day's index; a node that starts for the first time makes its 257
/// places, and each delivery that it takes back gets an attempt and is written anew in every index.
pub(super) const ASKED: [(&str, Work, Max, Max); 12] = [
    ("accept: events, deliveries", accept, (0, 2_000), (0, 3_000)),
    ("claim", claim, (24, 1_750), (220, 2_700)),
    ("claim, move, record", record, (48, 2_550), (260, 6_800)),
    ("record what has no row", record_new, (0, 1_750), (0, 2_600)),
    ("payloads", payloads, (48, 1_850), (320, 3_500)),
    ("first due", |conn| Ok(deliveries::first_due(conn)?.len()), (25, 1_400), (1_750, 3_900)),
    ("rescue", |conn| deliveries::rescue(conn, NOW), (0, 24), (0, 150)),
    ("take back", |conn| deliveries::take_back(conn, node(), NOW), (5, 2_200), (320, 10_800)),
    ("claim in turn and by rate", claim_in_turn, (180, 5_400), (300, 10_000)),
    ("slow", slow, (0, 40), (0, 60)),
    ("step", step, (0, 170), (0, 250)),
    ("versions", |conn| Ok(webhooks::versions(conn, vec![project(1)])?.len()), (0, 3), (0, 10)),
];

fn claimed(conn: &mut PgConnection) -> Result<Vec<ClaimedRow>, DbError> {
    deliveries::claim(conn, node(), NOW, 16, &HashMap::new(), BATCH as i64)
}

fn claim(conn: &mut PgConnection) -> Result<usize, DbError> {
    Ok(claimed(conn)?.len())
}

fn record(conn: &mut PgConnection) -> Result<usize, DbError> {
    let rows = claimed(conn)?;
    let outcome = |row: &ClaimedRow| outcome(row.project, row.id, row.webhook, row.claims, None);
    deliveries::record(conn, &rows.iter().map(outcome).collect::<Vec<_>>(), NOW)
}

/// Webhooks 1 and 21 are slowed, 2 and 21 have a rate; the turn of each has come.
fn claim_in_turn(conn: &mut PgConnection) -> Result<usize, DbError> {
    slowed(conn, &[1, 21])?;
    for number in [2, 21] {
        let found = webhooks::find(conn, project(1), webhook(number))?.expect("a webhook");
        let settings = webhooks::Settings { rate_per_s: Some(100), ..found.settings };
        deliveries::save_webhook(conn, project(1), webhook(number), &settings, &SealKey::generate(), NOW)
            .expect("save");
    }
    conn.batch_execute(
        "update webhook_pace set next_at = slowed_at, at_a_time = 8; \
         update webhook_rates set next_at = next_at - interval '1 hour'",
    )?;
    let taken = HashMap::new();
    let look = deliveries::claim_in_turn(conn, node(), NOW, 16, 16, &taken, 8 + 2 * BATCH as i64)?;
    let count = |number| look.rows.iter().filter(|row| row.webhook == webhook(number)).count();
    Ok(count(1) + count(2) + count(21))
}

fn slowed(conn: &mut PgConnection, numbers: &[u128]) -> Result<usize, DbError> {
    let tried: Vec<Tried> = numbers.iter().map(|number| tried(*number, true)).collect();
    deliveries::keep_pace(conn, &tried, NOW)?;
    Ok(tried.len())
}

fn slow(conn: &mut PgConnection) -> Result<usize, DbError> {
    slowed(conn, &[1, 2, 21])
}

/// One that failed again, one that took something with more due behind it, and one that took the last.
fn step(conn: &mut PgConnection) -> Result<usize, DbError> {
    slowed(conn, &[1, 2, 20])?;
    let failed = tried(1, false);
    let took =
        [2, 20].map(|number| Tried { succeeded: 1, failed: 0, last_failure: None, ..tried(number, false) });
    deliveries::keep_pace(conn, &[&[failed], &took[..]].concat(), NOW)?;
    Ok(3)
}

fn tried(number: u128, is_new: bool) -> Tried {
    let failure = Failure::new(FailureKind::ResponseStatus, "Answered 503.");
    Tried {
        project: project(1),
        webhook: webhook(number),
        is_new,
        succeeded: 0,
        failed: 10,
        turn_failed: true,
        last_failure: Some((failure, NOW)),
    }
}

fn payloads(conn: &mut PgConnection) -> Result<usize, DbError> {
    let wanted: Vec<_> = claimed(conn)?.iter().map(|row| (row.project, row.event)).collect();
    Ok(events::load_payloads(conn, &wanted)?.len())
}

fn new_payloads() -> Vec<Arc<Payload>> {
    let of = |_| {
        Arc::new(Payload {
            project: project(1),
            id: EventId::new(NOW),
            event_type: "redemption.succeeded".to_owned(),
            created_at: NOW,
            entity_id: None,
            group: "v-1".to_owned(),
            source: "{}".to_owned(),
            data: Bytes::from_static(b"{}"),
        })
    };
    (0..BATCH).map(of).collect()
}

fn accept(conn: &mut PgConnection) -> Result<usize, DbError> {
    let payloads = new_payloads();
    let event = |payload: &Arc<Payload>| NewEvent {
        payload: payload.clone(),
        external_id: None,
        skipped: None,
        deliveries: 1,
    };
    let delivery = |payload: &Arc<Payload>| NewDelivery {
        project: payload.project,
        id: delivery_id(payload.id, webhook(1)),
        event: payload.id,
        webhook: webhook(1),
        event_type: payload.event_type.clone(),
        status: Status::Due,
        due_at: Some(NOW),
        claimed_by: None,
    };
    events::insert(conn, &payloads.iter().map(event).collect::<Vec<_>>())?;
    deliveries::insert(conn, &payloads.iter().map(delivery).collect::<Vec<_>>())?;
    Ok(payloads.len())
}

fn record_new(conn: &mut PgConnection) -> Result<usize, DbError> {
    let of = |payload: Arc<Payload>| {
        let (project, id) = (payload.project, delivery_id(payload.id, webhook(1)));
        outcome(project, id, webhook(1), 1, Some(WithoutRow { place: 0, payload }))
    };
    deliveries::record(conn, &new_payloads().into_iter().map(of).collect::<Vec<_>>(), NOW)
}

fn outcome(
    project: ProjectId,
    delivery: DeliveryId,
    webhook: WebhookId,
    claims: i32,
    without_row: Option<WithoutRow>,
) -> Outcome {
    let response = Response { status: 200, headers: Vec::new(), body: b"ok".to_vec(), truncated: false };
    let attempt = Attempt {
        started_at: NOW,
        url: "https://receiver.example.com/".to_owned(),
        address: None,
        request_headers: Vec::new(),
        body: BodyKind::Envelope,
        response: Some(response),
        failure: None,
        timings: Timings::default(),
    };
    Outcome {
        project,
        delivery,
        webhook,
        claims,
        test: false,
        in_turn: false,
        attempts_before: 0,
        attempt: Some(attempt),
        next: Next::Delivered,
        without_row,
    }
}
