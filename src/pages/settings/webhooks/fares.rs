//! How a webhook fares: its last deliveries as a tiny chart and in a few words.
use std::collections::HashMap;

use time::{Duration, OffsetDateTime};

use crate::base::ids::WebhookId;
use crate::models::deliveries::{Failure, Recent, Status};
use crate::pages::history::words::{self, Badge};

/// So many deliveries are drawn.
pub const DRAWN_MAX: i64 = 20;
/// Older ones say nothing about how it fares now.
pub const SPAN: Duration = Duration::days(7);
/// Of the drawn ones, so many are listed on the webhook's own page.
const LISTED_MAX: usize = 5;
/// Units from one bar to the next in the drawing, and its height.
const STEP: usize = 6;
const HEIGHT: usize = 20;

/// The last deliveries of a webhook.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Fares {
    /// Oldest first, the newest always at the right end.
    pub bars: Vec<Bar>,
    /// `18 of 20 delivered, 2 wait`; empty without any. Those that wait are not among the twenty.
    pub words: String,
    /// Of those that were tried, in brief: `18/20`; empty without any.
    pub share: String,
    /// The last few, newest first.
    pub last: Vec<Last>,
}

/// One delivery in the drawing: high if it was delivered, so that colour is not all that tells.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Bar {
    pub class: &'static str,
    pub x: usize,
    pub y: usize,
    pub height: usize,
}

/// One of the last deliveries in words.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Last {
    pub link: String,
    pub event_type: String,
    pub badge: Badge,
    pub test: bool,
    /// The answer, or why there was none; the state where there was no attempt.
    pub outcome: String,
    pub at: OffsetDateTime,
}

/// How each webhook fares, from [`Recent`] deliveries with the newest first; `history` is the address of the history.
pub fn by_webhook(recent: &[Recent], history: &str) -> HashMap<WebhookId, Fares> {
    let mut rows: HashMap<WebhookId, Vec<&Recent>> = HashMap::new();
    recent.iter().for_each(|one| rows.entry(one.webhook).or_default().push(one));
    rows.into_iter().map(|(webhook, rows)| (webhook, Fares::of(&rows, history))).collect()
}

impl Fares {
    fn of(newest_first: &[&Recent], history: &str) -> Self {
        // A test is no sign of how it fares: it may go to a receiver that is not ready.
        let counted: Vec<&&Recent> = newest_first.iter().filter(|one| !one.test).collect();
        let count = |among: fn(Status) -> bool| counted.iter().filter(|one| among(one.status)).count();
        let tried = Tried {
            delivered: count(|status| status == Status::Delivered),
            total: count(|status| matches!(status, Status::Delivered | Status::Failed | Status::Retrying)),
            waiting: count(|status| matches!(status, Status::Due | Status::Sending | Status::Held)),
        };
        let slots = usize::try_from(DRAWN_MAX).unwrap_or_default();
        let bar =
            |(back, one): (usize, &&&Recent)| Bar::of(one.status, slots.saturating_sub(back + 1) * STEP);
        Self {
            bars: counted.iter().enumerate().map(bar).collect(),
            words: tried.words(),
            share: tried.share(),
            last: newest_first.iter().take(LISTED_MAX).map(|one| Last::of(one, history)).collect(),
        }
    }
}

/// What the share is made of: what waits, or was cancelled, says nothing of how its receiver does.
struct Tried {
    delivered: usize,
    total: usize,
    waiting: usize,
}

impl Tried {
    fn words(&self) -> String {
        let Self { delivered, total, waiting } = *self;
        let waits = format!("{waiting} {}", if waiting == 1 { "waits" } else { "wait" });
        match (total, waiting) {
            (0, 0) => String::new(),
            (0, _) => waits,
            (1, 0) if delivered == 1 => "The last one was delivered".to_owned(),
            (1, 0) => "The last one is not delivered".to_owned(),
            (_, 0) => format!("{delivered} of {total} delivered"),
            _ => format!("{delivered} of {total} delivered, {waits}"),
        }
    }

    fn share(&self) -> String {
        if self.total == 0 { String::new() } else { format!("{}/{}", self.delivered, self.total) }
    }
}

impl Bar {
    fn of(status: Status, x: usize) -> Self {
        let (class, height) = match status {
            Status::Delivered => ("bar-good", HEIGHT),
            Status::Failed => ("bar-bad", HEIGHT / 2),
            Status::Retrying => ("bar-waiting", HEIGHT / 2),
            Status::Due | Status::Sending => ("bar-busy", HEIGHT / 4),
            Status::Held | Status::Cancelled => ("bar-quiet", HEIGHT / 4),
        };
        Self { class, x, y: HEIGHT - height, height }
    }
}

impl Last {
    fn of(one: &Recent, history: &str) -> Self {
        let failure = one.failure.map(|kind| Failure::new(kind, ""));
        let badge = words::badge(one.status);
        let outcome = words::outcome_words(one.response_status, failure.as_ref());
        Self {
            link: format!("{history}/{}", one.id),
            event_type: one.event_type.clone(),
            badge,
            test: one.test,
            outcome: if outcome.is_empty() { badge.word.to_owned() } else { outcome },
            at: one.at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::DeliveryId;
    use crate::models::deliveries::FailureKind;

    fn delivery(webhook: WebhookId, status: Status) -> Recent {
        let failure = (status == Status::Failed).then_some(FailureKind::Timeout);
        let at = OffsetDateTime::UNIX_EPOCH;
        let id = DeliveryId(webhook.0);
        Recent {
            webhook,
            id,
            event_type: "a.b".to_owned(),
            status,
            test: false,
            response_status: None,
            failure,
            at,
        }
    }

    #[test]
    fn the_newest_stands_at_the_right_end_and_each_webhook_has_its_own() {
        let (one, other) =
            (WebhookId::new(OffsetDateTime::UNIX_EPOCH), WebhookId::new(OffsetDateTime::UNIX_EPOCH));
        let recent =
            [delivery(one, Status::Failed), delivery(one, Status::Delivered), delivery(other, Status::Due)];
        let fares = by_webhook(&recent, "/h");
        assert_eq!(fares[&one].words, "1 of 2 delivered");
        let places: Vec<_> = fares[&one].bars.iter().map(|bar| (bar.class, bar.x)).collect();
        assert_eq!(places, [("bar-bad", 19 * STEP), ("bar-good", 18 * STEP)]);
        assert_eq!(fares[&one].last[0].outcome, "No complete response in time");
        assert_eq!(fares[&other].last[0].outcome, "Due");
    }

    #[test]
    fn what_waits_or_was_cancelled_is_no_part_of_the_share() {
        let webhook = WebhookId::new(OffsetDateTime::UNIX_EPOCH);
        let told = |statuses: &[Status]| {
            let recent: Vec<Recent> = statuses.iter().map(|status| delivery(webhook, *status)).collect();
            let mut fares = by_webhook(&recent, "/h");
            fares
                .remove(&webhook)
                .map(|fares| (fares.bars.len(), fares.share, fares.words))
                .unwrap_or_default()
        };
        let (held, due, delivered) = (Status::Held, Status::Due, Status::Delivered);
        let wanted = |bars, share: &str, words: &str| (bars, share.to_owned(), words.to_owned());
        assert_eq!(told(&[held, held, due, delivered]), wanted(4, "1/1", "1 of 1 delivered, 3 wait"));
        assert_eq!(told(&[held, Status::Failed]), wanted(2, "0/1", "0 of 1 delivered, 1 waits"));
        assert_eq!(told(&[held; 3]), wanted(3, "", "3 wait"));
        assert_eq!(told(&[Status::Cancelled, delivered]), wanted(2, "1/1", "The last one was delivered"));
        assert_eq!(told(&[Status::Cancelled]), wanted(1, "", ""));
    }
}
