//! Which deliveries a list is about.
use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::history::Delivery;
use super::status::{FailureKind, Status};
use crate::base::ids::{DeliveryId, EventId, WebhookId};
use crate::rules::search::{Terms, Unsearchable};

/// The states in `deliveries_not_delivered_idx`.
const NOT_DELIVERED: [Status; 4] = [Status::Retrying, Status::Failed, Status::Held, Status::Cancelled];

/// Response statuses to look for: one, or a class such as 5xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusClass {
    /// Just this one.
    Exact(u16),
    /// The hundred that begins with this digit.
    Class(u8),
}

impl StatusClass {
    /// Reads `404` or `5xx`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(digit) = text.strip_suffix("xx") {
            return digit.parse().ok().filter(|d| (1..=5).contains(d)).map(Self::Class);
        }
        text.parse().ok().filter(|n| (100..=599).contains(n)).map(Self::Exact)
    }

    /// Whether it is that one, or of that class.
    fn takes(self, status: u16) -> bool {
        match self {
            Self::Exact(wanted) => status == wanted,
            Self::Class(digit) => status / 100 == u16::from(digit),
        }
    }
}

/// Numbers of attempts to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptCount {
    /// At least so many.
    pub least: i32,
    /// At most so many; none is no bound.
    pub most: Option<i32>,
}

impl AttemptCount {
    /// Reads `2` (exactly), `2-` (or more), `2-5`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let is_plain = text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<i32>().ok().filter(|_| is_plain)
        };
        let Some((least, most)) = text.split_once('-') else {
            return number(text).map(|exactly| Self { least: exactly, most: Some(exactly) });
        };
        let least = number(least)?;
        match most {
            "" => Some(Self { least, most: None }),
            most => number(most).filter(|most| *most >= least).map(|most| Self { least, most: Some(most) }),
        }
    }

    /// Whether it is one of those.
    pub fn takes(self, count: i32) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

/// Which deliveries. Empty lists mean "any". A replay keeps it as JSON: fields may be added, none renamed. One with fields
/// of a later version is not read: without them it would mean more.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Filter {
    pub statuses: Vec<Status>,
    pub webhooks: Vec<WebhookId>,
    pub types: Vec<String>,
    pub response_statuses: Vec<StatusClass>,
    /// How the last attempt failed. What was delivered has not failed.
    pub failures: Vec<FailureKind>,
    /// How many attempts were made.
    pub attempts: Option<AttemptCount>,
    /// Only tests, or only what is none.
    pub test: Option<bool>,
    /// Of events that arrived at or after.
    pub since: Option<OffsetDateTime>,
    /// Of events that arrived before.
    pub until: Option<OffsetDateTime>,
    /// Settled at or after, whenever the event arrived.
    pub ended_since: Option<OffsetDateTime>,
    /// Older than this id: the last of the page before.
    pub before: Option<DeliveryId>,
    /// Only this delivery.
    pub delivery: Option<DeliveryId>,
    /// Only deliveries of this event.
    pub event: Option<EventId>,
    /// Only deliveries of events that this text finds, see [`crate::models::search`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
}

impl Filter {
    /// Narrows it to what a search text means: the id of a delivery, an event or a webhook, or a value in events; false if
    /// that leaves nothing.
    pub fn search_for(&mut self, text: &str) -> Result<bool, Unsearchable> {
        if let Ok(id) = text.parse() {
            self.delivery = Some(id);
        } else if let Ok(id) = text.parse() {
            self.event = Some(id);
        } else if let Ok(id) = text.parse::<WebhookId>() {
            if !self.webhooks.is_empty() && !self.webhooks.contains(&id) {
                return Ok(false);
            }
            self.webhooks = vec![id];
        } else {
            Terms::parse(text)?;
            self.q = Some(text.to_owned());
        }
        Ok(true)
    }

    /// Whether it asks for something that no index knows, so that rows have to be looked through.
    pub(super) fn is_searched(&self) -> bool {
        !self.failures.is_empty() || self.attempts.is_some()
    }

    /// The same with the states that what it asks for implies; none if nothing can be meant.
    pub(super) fn implied(&self) -> Option<Self> {
        let mut filter = self.clone();
        if !filter.failures.is_empty() {
            let all = if self.statuses.is_empty() { &Status::ALL[..] } else { &self.statuses };
            filter.statuses = all.iter().copied().filter(|status| *status != Status::Delivered).collect();
            if filter.statuses.is_empty() {
                return None;
            }
        }
        Some(filter)
    }

    /// The same in parts whose states have one index each. What is delivered has none and is everywhere, so with it
    /// there is one part.
    pub(super) fn by_index(&self) -> Vec<Cow<'_, Self>> {
        let [due, sending, rest] = [&[Status::Due][..], &[Status::Sending], &NOT_DELIVERED].map(|alike| {
            let is_alike = |status: &&Status| alike.contains(status);
            self.statuses.iter().filter(is_alike).copied().collect::<Vec<_>>()
        });
        if self.statuses.contains(&Status::Delivered) || self.statuses.len() < 2 {
            return vec![Cow::Borrowed(self)];
        }
        let parts = [due, sending, rest].into_iter().filter(|statuses| !statuses.is_empty());
        parts.map(|statuses| Cow::Owned(Self { statuses, ..self.clone() })).collect()
    }

    /// Whether a delivery that is being sent for the first time may be meant.
    pub(super) fn can_be_without_row(&self) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&Status::Sending))
            && self.response_statuses.is_empty()
            && self.failures.is_empty()
            && self.test != Some(true)
            && self.ended_since.is_none()
    }

    /// Whether a delivery is meant, whatever is searched for.
    pub(super) fn takes(&self, delivery: &Delivery) -> bool {
        let has_answered =
            |wanted: &StatusClass| delivery.last_response_status.is_some_and(|s| wanted.takes(s));
        let has_failed = |kind| delivery.last_failure.as_ref().is_some_and(|failure| failure.kind == kind);
        self.takes_without_row(delivery)
            && (self.statuses.is_empty() || self.statuses.contains(&delivery.status))
            && (self.response_statuses.is_empty() || self.response_statuses.iter().any(has_answered))
            && (self.failures.is_empty() || self.failures.iter().any(|kind| has_failed(*kind)))
            && self.test.is_none_or(|test| delivery.test == test)
            && self.ended_since.is_none_or(|since| delivery.ended_at.is_some_and(|at| at >= since))
    }

    pub(super) fn takes_without_row(&self, delivery: &Delivery) -> bool {
        (self.webhooks.is_empty() || self.webhooks.contains(&delivery.webhook))
            && (self.types.is_empty() || self.types.contains(&delivery.event_type))
            && self.since.is_none_or(|since| delivery.created_at >= since)
            && self.until.is_none_or(|until| delivery.created_at < until)
            && self.before.is_none_or(|before| delivery.id < before)
            && self.delivery.is_none_or(|id| delivery.id == id)
            && self.event.is_none_or(|event| delivery.event == event)
            && self.attempts.is_none_or(|wanted| wanted.takes(delivery.attempt_count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_attempts_is_one_or_a_least_or_a_range() {
        let read = |text| AttemptCount::parse(text).map(|count| (count.least, count.most));
        assert_eq!(read("0"), Some((0, Some(0))));
        assert_eq!(read("2-"), Some((2, None)));
        assert_eq!(read("2-5"), Some((2, Some(5))));
        for wrong in ["", "-", "-2", "5-2", "+2", "2--", "x", "99999", "2- 5"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_filter_of_a_later_version_is_not_read() {
        let kept =
            serde_json::to_string(&Filter { q: Some("anna".into()), ..Filter::default() }).expect("JSON");
        assert_eq!(serde_json::from_str::<Filter>(&kept).expect("read back").q.as_deref(), Some("anna"));
        assert!(
            serde_json::from_str::<Filter>(r#"{"statuses": ["failed"]}"#).is_ok_and(|read| read.q.is_none())
        );
        assert!(serde_json::from_str::<Filter>(&kept.replace("\"q\"", "\"moon\"")).is_err());
    }

    #[test]
    fn what_failed_is_not_delivered() {
        let failed = Filter { failures: vec![FailureKind::Timeout], ..Filter::default() };
        assert_eq!(failed.implied().map(|filter| filter.statuses.len()), Some(6));
        let delivered = Filter { statuses: vec![Status::Delivered], ..failed };
        assert!(delivered.implied().is_none());
    }
}
