//! A long history, drawn inside Postgres.
use callout::base::ids::{DeliveryId, EventId, ProjectId, WebhookId};
use callout::models::deliveries;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::support::app::NOW;
use crate::support::db::TestDb;

/// Each event has one delivery, and a fourth of them a second.
const EVENTS_OF_FIVE_DELIVERIES: u64 = 4;
/// Without `CALLOUT_TEST_DELIVERIES`, which `tests/run million` sets.
const SHORT: (u64, i64) = (25_000, 6);
/// Days of a history of any other size.
const DAYS: i64 = 30;

/// A database with a history.
pub(super) struct History {
    pub(super) db: TestDb,
    pub(super) deliveries: u64,
    pub(super) days: i64,
}

impl History {
    /// Of as many deliveries as the environment says, else a short one.
    pub(super) fn drawn() -> Self {
        let asked = std::env::var("CALLOUT_TEST_DELIVERIES").ok().and_then(|n| n.parse::<u64>().ok());
        let (deliveries, days) = asked.map_or(SHORT, |n| (n, DAYS));
        let (db, begin) = (TestDb::new(), NOW - Duration::days(days));
        deliveries::make_ahead(&mut db.conn(), NOW).expect("partitions");
        deliveries::make_behind(&mut db.conn(), begin, NOW).expect("partitions");
        let events = deliveries * EVENTS_OF_FIVE_DELIVERIES / 5;
        let drawn = include_str!("history.sql")
            .replace("{n}", &events.to_string())
            .replace("{days}", &days.to_string())
            .replace("{now_ms}", &(NOW.unix_timestamp() * 1_000).to_string());
        db.execute(&drawn);
        Self { db, deliveries, days }
    }

    /// Whether this is more than the short form.
    pub(super) fn is_long(&self) -> bool {
        self.deliveries > SHORT.0
    }

    /// This long ago, as a share of the whole.
    pub(super) fn back(&self, share: f64) -> OffsetDateTime {
        NOW - Duration::days(self.days) * share
    }

    pub(super) fn delivery(&self, condition: &str) -> DeliveryId {
        DeliveryId(self.id("id", condition))
    }

    pub(super) fn event_of(&self, condition: &str) -> EventId {
        EventId(self.id("event_id", condition))
    }

    fn id(&self, column: &str, condition: &str) -> Uuid {
        let found = self.db.text(&format!(
            "select {column}::text from deliveries where project_id = '{}' and {condition} order by id limit 1",
            project(1).0
        ));
        found.parse().expect("an id")
    }
}

/// From 1, which has nine of ten events, to 5, which has one of a thousand.
pub(super) fn project(number: u128) -> ProjectId {
    ProjectId(id(number))
}

/// Of project 1: 1 has a third, 21 what is sent twice, 20 next to nothing, 19 nothing of the last weeks.
pub(super) fn webhook(number: u128) -> WebhookId {
    WebhookId(id(256 + number))
}

/// The node that has what is being sent.
pub(super) fn node() -> Uuid {
    id(0xff)
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000 | number)
}
