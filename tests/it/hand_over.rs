//! Deliveries without a row: one row of their node stands for them until each has an outcome.
use std::sync::Arc;

use bytes::Bytes;
use callout::base::ids::{EventId, ProjectId, WebhookId};
use callout::base::seal::SealKey;
use callout::models::deliveries::{
    self, Attempt, BodyKind, HAND_OVER_MAX, HandedOver, NewDelivery, Next, Outcome, Response, Status,
    Timings, WithoutRow,
};
use callout::models::events::{self, NewEvent, Payload};
use callout::models::projects::{self, ProjectName};
use callout::models::webhooks::{self, Settings};
use diesel::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::support::app::NOW;
use crate::support::db::TestDb;

const NODE: Uuid = Uuid::from_u128(1);
const LEASE: Duration = Duration::seconds(45);

struct Memory {
    db: TestDb,
    conn: PgConnection,
    project: ProjectId,
    webhook: WebhookId,
}

fn memory() -> Memory {
    let db = TestDb::new();
    let mut conn = db.conn();
    deliveries::make_ahead(&mut conn, NOW).expect("partitions");
    assert_eq!(deliveries::take_back(&mut conn, NODE, NOW).expect("places"), 0);
    let project =
        projects::create(&mut conn, &ProjectName::new("Shop").expect("a name"), NOW).expect("a project").id;
    let settings = Settings {
        name: "a".to_owned(),
        target_url: "https://shop.example/".to_owned(),
        all_events: true,
        ..Settings::default()
    };
    let webhook =
        webhooks::create(&mut conn, project, &settings, &SealKey::generate(), NOW).expect("a webhook").id;
    Memory { db, conn, project, webhook }
}

impl Memory {
    fn payload(&self) -> Arc<Payload> {
        Arc::new(Payload {
            project: self.project,
            id: EventId::new(NOW),
            event_type: "customer.rewarded".to_owned(),
            created_at: NOW,
            entity_id: None,
            group: "v-1".to_owned(),
            source: r#"{"channel":"INTERNAL"}"#.to_owned(),
            data: Bytes::from_static(b"{}"),
        })
    }

    fn delivery(&self, payload: &Payload) -> NewDelivery {
        NewDelivery {
            project: self.project,
            id: deliveries::delivery_id(payload.id, self.webhook),
            event: payload.id,
            webhook: self.webhook,
            event_type: payload.event_type.clone(),
            status: Status::Sending,
            due_at: Some(NOW + LEASE),
            claimed_by: Some(NODE),
        }
    }

    /// Hands events over, in place 0.
    fn hand_over(&mut self, payloads: &[Arc<Payload>]) {
        let event = |payload: &Arc<Payload>| NewEvent {
            payload: payload.clone(),
            external_id: None,
            skipped: None,
            deliveries: 1,
        };
        events::insert(&mut self.conn, &payloads.iter().map(event).collect::<Vec<_>>()).expect("events");
        let deliveries = payloads.iter().map(|payload| self.delivery(payload)).collect();
        let handed_over = HandedOver { place: 0, deliveries };
        deliveries::hand_over(&mut self.conn, NODE, &[handed_over]).expect("hand-over");
    }

    fn record(&mut self, payload: &Arc<Payload>, next: Next) -> usize {
        let attempt = Attempt {
            started_at: NOW,
            url: "https://shop.example/".to_owned(),
            address: None,
            request_headers: Vec::new(),
            body: BodyKind::Envelope,
            response: Some(Response { status: 200, headers: Vec::new(), body: Vec::new(), truncated: false }),
            failure: None,
            timings: Timings::default(),
        };
        let outcome = Outcome {
            project: self.project,
            delivery: deliveries::delivery_id(payload.id, self.webhook),
            webhook: self.webhook,
            claims: 1,
            test: false,
            in_turn: false,
            attempts_before: 0,
            attempt: (next != Next::GivenBack).then_some(attempt),
            next,
            without_row: Some(WithoutRow { place: 0, payload: payload.clone() }),
        };
        deliveries::record(&mut self.conn, &[outcome], NOW).expect("record")
    }

    fn rescue(&mut self, now: OffsetDateTime) -> usize {
        deliveries::rescue(&mut self.conn, now).expect("rescue")
    }
}

#[test]
fn what_a_dead_node_had_in_memory_is_due_when_the_lease_is_over_and_only_what_has_no_row() {
    let mut memory = memory();
    let payloads: Vec<_> = (0..HAND_OVER_MAX).map(|_| memory.payload()).collect();
    memory.hand_over(&payloads);
    assert_eq!(memory.record(&payloads[0], Next::Delivered), 1);
    assert_eq!(memory.rescue(NOW + LEASE - Duration::SECOND), 0, "the lease runs");
    let others = i64::try_from(HAND_OVER_MAX).expect("few") - 1;
    assert_eq!(memory.rescue(NOW + LEASE), HAND_OVER_MAX - 1);
    assert_eq!(memory.db.count("deliveries where status = 2"), 1);
    assert_eq!(memory.db.count("deliveries where status = 0 and claims = 1 and attempt_count = 1"), others);
    assert_eq!(memory.db.count("attempts where failure_kind = 8 and number = 1"), others);
    assert_eq!(memory.rescue(NOW + LEASE), 0, "once");
    let again = memory.payload();
    memory.hand_over(std::slice::from_ref(&again));
    assert_eq!(
        deliveries::take_back(&mut memory.conn, NODE, NOW).expect("take back"),
        1,
        "its node starts again"
    );
}

#[test]
fn an_outcome_that_comes_after_the_rescue_leaves_its_attempt_and_moves_nothing() {
    let mut memory = memory();
    let payload = memory.payload();
    memory.hand_over(std::slice::from_ref(&payload));
    assert_eq!(memory.rescue(NOW + LEASE), 1);
    assert_eq!(memory.record(&payload, Next::Delivered), 0);
    assert_eq!(memory.db.count("deliveries where status = 0"), 1);
    assert_eq!(memory.db.count("attempts where response_status = 200"), 1);
}

#[test]
fn a_delivery_without_a_row_is_read_as_being_sent_until_it_has_one() {
    let mut memory = memory();
    let payload = memory.payload();
    memory.hand_over(std::slice::from_ref(&payload));
    let (project, event) = (memory.project, payload.id);
    let id = deliveries::delivery_id(event, memory.webhook);
    let found = deliveries::find(&mut memory.conn, project, id).expect("find").expect("a delivery");
    assert_eq!((found.status, found.event_type.as_str()), (Status::Sending, "customer.rewarded"));
    assert_eq!(deliveries::of_event(&mut memory.conn, project, event).expect("list").len(), 1);
    assert!(deliveries::any_open(&mut memory.conn, &[]).expect("any"));
    assert_eq!(deliveries::sending_count(&mut memory.conn, project).expect("count"), 1);
    let other = ProjectId::new(NOW);
    assert!(deliveries::find(&mut memory.conn, other, id).expect("find").is_none(), "another project");
    memory.record(&payload, Next::GivenBack);
    let found = deliveries::of_event(&mut memory.conn, project, event).expect("list");
    assert_eq!((found.len(), found[0].status, found[0].attempt_count), (1, Status::Due, 0));
    assert_eq!(deliveries::sending_count(&mut memory.conn, project).expect("count"), 0);
}

#[test]
fn what_stands_for_events_that_are_gone_comes_to_nothing() {
    let mut memory = memory();
    let payload = memory.payload();
    let deliveries = vec![memory.delivery(&payload)];
    deliveries::hand_over(&mut memory.conn, NODE, &[HandedOver { place: 3, deliveries }]).expect("hand-over");
    assert_eq!(deliveries::rescue_places(&mut memory.conn, NODE, &[3], NOW).expect("rescue"), 0);
    assert_eq!(memory.db.count("hand_overs where deliveries is not null"), 0);
}

#[test]
fn places_that_are_gone_are_made_anew_and_one_that_no_node_has_takes_nothing_over() {
    let mut memory = memory();
    let payload = memory.payload();
    let mut hand_over = |place| {
        let handed_over = HandedOver { place, deliveries: vec![memory.delivery(&payload)] };
        deliveries::hand_over(&mut memory.conn, Uuid::from_u128(2), &[handed_over])
    };
    assert!(hand_over(0).is_ok());
    assert!(hand_over(deliveries::PLACES).is_err());
}

#[test]
fn a_node_that_is_gone_is_forgotten_after_a_day_unless_it_left_something_behind() {
    let mut memory = memory();
    let other = Uuid::from_u128(2);
    let rows = |memory: &Memory| memory.db.count(&format!("hand_overs where node = '{NODE}'"));
    let all = i64::from(deliveries::PLACES) + 1;
    let payload = memory.payload();
    memory.hand_over(&[payload]);
    let later = NOW + Duration::days(2);
    deliveries::keep_places(&mut memory.conn, other, later).expect("keep");
    assert_eq!(rows(&memory), all, "what it left is not made due yet");
    assert_eq!(memory.rescue(later), 1);
    deliveries::keep_places(&mut memory.conn, NODE, later).expect("keep");
    deliveries::keep_places(&mut memory.conn, other, later).expect("keep");
    assert_eq!(rows(&memory), all, "it lives");
    deliveries::keep_places(&mut memory.conn, other, later + Duration::days(2)).expect("keep");
    assert_eq!(rows(&memory), 0);
}

#[test]
fn a_place_can_be_used_again_in_place_since_no_index_is_on_what_changes() {
    let memory = memory();
    let indexed = "select string_agg(attname, ' ' order by attnum) from pg_attribute a join pg_index i on \
                   i.indrelid = a.attrelid and a.attnum = any(i.indkey) where a.attrelid = 'hand_overs'::regclass";
    assert_eq!(memory.db.text(indexed), "node place");
}
