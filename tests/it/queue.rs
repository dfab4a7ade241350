//! The queue in the table: claims, leases, and the fence that makes a lost claim's outcome void.
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use callout::base::ids::{DeliveryId, EventId, ProjectId, WebhookId};
use callout::base::seal::SealKey;
use callout::models::deliveries::{
    self, Attempt, BodyKind, ClaimedRow, Failure, FailureKind, NewDelivery, Next, Outcome, Response, Status,
    Timings,
};
use callout::models::events::{self, NewEvent, Payload};
use callout::models::projects::{self, ProjectName};
use callout::models::webhooks::{self, Settings};
use diesel::{Connection as _, PgConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::support::app::NOW;
use crate::support::db::TestDb;

const MANY: i64 = 1_000;

/// A database with deliveries that are due, and nobody who sends them.
struct Queue {
    db: TestDb,
    conn: PgConnection,
    project: ProjectId,
}

fn queue() -> Queue {
    let db = TestDb::new();
    let mut conn = db.conn();
    let project =
        projects::create(&mut conn, &ProjectName::new("Shop").expect("a name"), NOW).expect("a project");
    Queue { db, conn, project: project.id }
}

impl Queue {
    /// A webhook with the usual time limit of 10 s.
    fn webhook(&mut self, name: &str) -> WebhookId {
        let settings = Settings {
            name: name.to_owned(),
            target_url: "https://shop.example/".to_owned(),
            all_events: true,
            ..Settings::default()
        };
        webhooks::create(&mut self.conn, self.project, &settings, &SealKey::generate(), NOW)
            .expect("a webhook")
            .id
    }

    /// A delivery of an event of its own, due at `due_at`.
    fn due(&mut self, webhook: WebhookId, due_at: OffsetDateTime) -> DeliveryId {
        let event = EventId::new(NOW);
        let payload = Payload {
            project: self.project,
            id: event,
            event_type: "customer.rewarded".to_owned(),
            created_at: NOW,
            entity_id: None,
            group: "v-1".to_owned(),
            source: r#"{"channel":"INTERNAL"}"#.to_owned(),
            data: Bytes::from_static(b"{}"),
        };
        let new_event =
            NewEvent { payload: Arc::new(payload), external_id: None, skipped: None, deliveries: 1 };
        events::insert(&mut self.conn, &[new_event]).expect("an event");
        let id = deliveries::delivery_id(event, webhook);
        let delivery = NewDelivery {
            project: self.project,
            id,
            event,
            webhook,
            event_type: "customer.rewarded".to_owned(),
            status: Status::Due,
            due_at: Some(due_at),
            claimed_by: None,
        };
        deliveries::insert(&mut self.conn, &[delivery]).expect("a delivery");
        id
    }

    fn claim(&mut self, node: Uuid, now: OffsetDateTime) -> Vec<ClaimedRow> {
        deliveries::claim(&mut self.conn, node, now, MANY, &HashMap::new(), MANY).expect("claim")
    }

    fn record(&mut self, outcome: Outcome, now: OffsetDateTime) -> usize {
        self.conn.transaction(|conn| deliveries::record(conn, &[outcome], now)).expect("record")
    }

    fn row(&mut self, id: DeliveryId) -> deliveries::Delivery {
        deliveries::find(&mut self.conn, self.project, id).expect("find").expect("a delivery")
    }

    /// The kinds of failure (none for a success) of a delivery's attempts.
    fn attempts(&mut self, id: DeliveryId) -> Vec<Option<FailureKind>> {
        let rows = deliveries::of_delivery(&mut self.conn, self.project, id, MANY).expect("attempts");
        rows.into_iter().map(|row| row.attempt.failure.map(|failure| failure.kind)).collect()
    }

    fn retries_used(&self) -> String {
        self.db.text("select retries_used from deliveries")
    }
}

fn node(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// What an attempt under this claim came to.
fn outcome(claim: &ClaimedRow, status: u16, next: Next) -> Outcome {
    let failure =
        (status != 200).then(|| Failure::new(FailureKind::ResponseStatus, format!("Answered {status}.")));
    let attempt = Attempt {
        started_at: NOW,
        url: "https://shop.example/".to_owned(),
        address: None,
        request_headers: Vec::new(),
        body: BodyKind::Envelope,
        response: Some(Response { status, headers: Vec::new(), body: Vec::new(), truncated: false }),
        failure,
        timings: Timings::default(),
    };
    Outcome {
        project: claim.project,
        delivery: claim.id,
        webhook: claim.webhook,
        claims: claim.claims,
        test: claim.test,
        in_turn: claim.in_turn,
        attempts_before: claim.attempt_count,
        attempt: Some(attempt),
        next,
        without_row: None,
    }
}

#[test]
fn a_delivery_is_claimed_by_one_of_many_and_once() {
    let mut queue = queue();
    let webhook = queue.webhook("a");
    for _ in 0..300 {
        queue.due(webhook, NOW);
    }
    let url = queue.db.url();
    let claimed: Vec<Vec<DeliveryId>> = std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..4)
            .map(|number| {
                let url = &url;
                scope.spawn(move || {
                    let mut conn = PgConnection::establish(url).expect("connect");
                    let mut mine = Vec::new();
                    loop {
                        let rows = deliveries::claim(&mut conn, node(number), NOW, 20, &HashMap::new(), 20);
                        let rows = rows.expect("claim");
                        if rows.is_empty() {
                            return mine;
                        }
                        mine.extend(rows.into_iter().map(|row| row.id));
                    }
                })
            })
            .collect();
        nodes.into_iter().map(|node| node.join().expect("no panic")).collect()
    });
    let all: Vec<DeliveryId> = claimed.concat();
    assert_eq!(all.len(), 300);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 300);
}

#[test]
fn what_is_due_earliest_is_claimed_first_within_each_webhooks_room() {
    let mut queue = queue();
    let (a, b) = (queue.webhook("a"), queue.webhook("b"));
    let later = queue.due(a, NOW - Duration::seconds(1));
    let first = queue.due(a, NOW - Duration::seconds(9));
    let second = queue.due(a, NOW - Duration::seconds(5));
    let future = queue.due(a, NOW + Duration::MICROSECOND);
    let other = queue.due(b, NOW);
    // Of webhook a, one is in this node's hands already, so that two more have room.
    let taken = HashMap::from([(a, 1)]);
    let rows = deliveries::claim(&mut queue.conn, node(1), NOW, 3, &taken, MANY).expect("claim");
    let claimed: HashSet<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!(claimed, HashSet::from([first, second, other]));
    assert_eq!(queue.row(later).status, Status::Due);
    assert_eq!(queue.row(future).status, Status::Due);
    let first = deliveries::first_due(&mut queue.conn).expect("next");
    assert_eq!(first.iter().map(|(_, due)| *due).min(), Some(NOW - Duration::seconds(1)));
}

#[test]
fn a_lease_lasts_the_time_limit_and_15_seconds() {
    let mut queue = queue();
    let webhook = queue.webhook("a");
    let id = queue.due(webhook, NOW);
    let claim = queue.claim(node(1), NOW).remove(0);
    assert_eq!(claim.lease_ends, NOW + Duration::seconds(25));
    assert!(queue.claim(node(2), NOW + Duration::seconds(24)).is_empty());
    let just_before = claim.lease_ends - Duration::MICROSECOND;
    assert_eq!(deliveries::rescue(&mut queue.conn, just_before).expect("rescue"), 0);
    assert_eq!(deliveries::rescue(&mut queue.conn, claim.lease_ends).expect("rescue"), 1);
    let row = queue.row(id);
    assert_eq!(row.last_failure.map(|failure| failure.kind), Some(FailureKind::Interrupted));
    assert_eq!(row.next_attempt_at, Some(claim.lease_ends), "due at once");
    assert_eq!(queue.attempts(id), [Some(FailureKind::Interrupted)]);
    assert_eq!(queue.retries_used(), "0", "our own fault costs no retry");
    assert_eq!(queue.claim(node(2), claim.lease_ends).len(), 1);
}

#[test]
fn a_lost_claims_outcome_is_in_the_history_and_moves_nothing() {
    let mut queue = queue();
    let webhook = queue.webhook("a");
    let id = queue.due(webhook, NOW);
    let lost = queue.claim(node(1), NOW).remove(0);
    let later = lost.lease_ends + Duration::SECOND;
    deliveries::rescue(&mut queue.conn, later).expect("rescue");
    let present = queue.claim(node(2), later).remove(0);
    assert_eq!((lost.claims, present.claims), (1, 2));

    // Whatever it came to.
    let gone = Next::Failed(None);
    for (status, next) in
        [(200, Next::Delivered), (500, gone), (500, Next::RetryAt(later)), (200, Next::Held)]
    {
        assert_eq!(queue.record(outcome(&lost, status, next), later), 0);
        let row = queue.row(id);
        assert_eq!((row.status, row.ended_at), (Status::Sending, None));
        assert_eq!(queue.attempts(id).len(), 1);
    }
    assert_eq!(queue.record(outcome(&present, 500, Next::RetryAt(later)), later), 1);
    assert_eq!(queue.row(id).status, Status::Retrying);
    assert_eq!(queue.retries_used(), "1");
    assert_eq!(queue.attempts(id).len(), 2);
}

#[test]
fn a_late_attempt_takes_the_place_of_the_note_that_it_was_interrupted() {
    let mut queue = queue();
    let webhook = queue.webhook("a");
    let id = queue.due(webhook, NOW);
    let lost = queue.claim(node(1), NOW).remove(0);
    deliveries::rescue(&mut queue.conn, lost.lease_ends).expect("rescue");
    assert_eq!(queue.attempts(id), [Some(FailureKind::Interrupted)]);
    queue.record(outcome(&lost, 200, Next::Delivered), lost.lease_ends);
    assert_eq!(queue.attempts(id), [None], "it had been taken after all");
    queue.record(outcome(&lost, 500, Next::Failed(None)), lost.lease_ends);
    assert_eq!(queue.attempts(id), [None], "an attempt is written once");
}

#[test]
fn an_outcome_counts_once() {
    let mut queue = queue();
    let webhook = queue.webhook("a");
    let id = queue.due(webhook, NOW);
    let claim = queue.claim(node(1), NOW).remove(0);
    assert_eq!(queue.record(outcome(&claim, 200, Next::Delivered), NOW), 1);
    assert_eq!(queue.record(outcome(&claim, 500, Next::RetryAt(NOW)), NOW), 0);
    let row = queue.row(id);
    assert_eq!((row.status, row.attempt_count), (Status::Delivered, 1));
}

#[test]
fn a_node_takes_back_its_own_claims_and_nobody_elses() {
    let mut queue = queue();
    let webhook = queue.webhook("a");
    let mine = queue.due(webhook, NOW);
    queue.claim(node(1), NOW);
    let theirs = queue.due(webhook, NOW);
    queue.claim(node(2), NOW);
    assert_eq!(deliveries::take_back(&mut queue.conn, node(1), NOW).expect("take back"), 1);
    assert_eq!(queue.row(mine).next_attempt_at, Some(NOW));
    assert_eq!(queue.attempts(mine), [Some(FailureKind::Interrupted)]);
    assert_eq!(queue.row(theirs).status, Status::Sending);
    assert!(queue.attempts(theirs).is_empty());
}

#[test]
fn what_was_never_begun_goes_back_without_a_trace() {
    let mut queue = queue();
    let webhook = queue.webhook("a");
    let id = queue.due(webhook, NOW);
    let claim = queue.claim(node(1), NOW).remove(0);
    let back = Outcome { attempt: None, ..outcome(&claim, 200, Next::GivenBack) };
    assert_eq!(queue.record(back, NOW), 1);
    let row = queue.row(id);
    assert_eq!((row.status, row.attempt_count, row.next_attempt_at), (Status::Due, 0, Some(NOW)));
    assert!(queue.attempts(id).is_empty());
}

#[test]
fn a_lost_claims_410_disables_nothing() {
    use callout::rules::retry::DisableKind;
    let mut queue = queue();
    let webhook = queue.webhook("a");
    let id = queue.due(webhook, NOW);
    let lost = queue.claim(node(1), NOW).remove(0);
    deliveries::rescue(&mut queue.conn, lost.lease_ends).expect("rescue");
    queue.record(outcome(&lost, 410, Next::Failed(Some(DisableKind::Gone))), lost.lease_ends);
    assert_eq!(queue.row(id).next_attempt_at, Some(lost.lease_ends), "the next attempt finds out for itself");
    assert_eq!(queue.db.count("webhooks where active"), 1);
}

#[test]
fn there_is_one_delivery_for_an_event_and_a_webhook() {
    let mut queue = queue();
    let webhook = queue.webhook("a");
    let id = queue.due(webhook, NOW);
    let row = queue.row(id);
    let again = NewDelivery {
        project: queue.project,
        id: deliveries::delivery_id(row.event, webhook),
        event: row.event,
        webhook,
        event_type: row.event_type,
        status: Status::Due,
        due_at: Some(NOW),
        claimed_by: None,
    };
    deliveries::insert(&mut queue.conn, &[again]).expect("insert");
    assert_eq!((queue.db.count("deliveries"), queue.row(id).next_attempt_at), (1, Some(NOW)));
}
