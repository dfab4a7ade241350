//! The attempts of a delivery in order of time, and what comes next.
use std::time::Duration;

use time::OffsetDateTime;

use super::words;
use crate::models::deliveries::{AttemptRow, Delivery, FailureKind, HeldBy, Status};
use crate::models::webhooks::Webhook;

/// The schedule's waits are spread by a tenth; a second for the work in between.
const SPREAD: f64 = 1.1;

/// Why what comes due is held all the same.
const OFF: &str = "Webhooks of this project are switched off.";

/// An attempt as a line of the timeline.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Line {
    pub link: String,
    pub number: usize,
    pub is_chosen: bool,
    pub class: &'static str,
    pub outcome: String,
    pub started_at: OffsetDateTime,
    pub duration: String,
    /// How long after the one before it began.
    pub gap: Option<String>,
}

/// The attempts, newest first; `chosen` is the number of the one that is shown, `link` leads to one.
pub fn lines(attempts: &[AttemptRow], chosen: usize, link: impl Fn(usize) -> String) -> Vec<Line> {
    let before = std::iter::once(None).chain(attempts.iter().map(Some));
    let line = |(row, before): (&AttemptRow, Option<&AttemptRow>)| {
        let attempt = &row.attempt;
        let gap = before.and_then(|b| Duration::try_from(attempt.started_at - b.attempt.started_at).ok());
        Line {
            link: link(row.number),
            number: row.number,
            is_chosen: row.number == chosen,
            class: words::outcome_class(attempt),
            outcome: words::outcome_words(
                attempt.response.as_ref().map(|r| r.status),
                attempt.failure.as_ref(),
            ),
            started_at: attempt.started_at,
            duration: words::duration_words(attempt.timings.total_us.into()),
            gap: gap.map(words::wait_words),
        }
    };
    let mut lines: Vec<Line> = attempts.iter().zip(before).map(line).collect();
    lines.reverse();
    lines
}

/// What happens next, and why then.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// A sentence.
    pub what: String,
    /// When, if it is known.
    pub at: Option<OffsetDateTime>,
    /// Why, in a sentence.
    pub why: String,
    /// Until when the receiver asked to wait, if that is why.
    pub asked_until: Option<OffsetDateTime>,
}

/// What a delivery waits for; none once nothing more happens and there is nothing to say about it.
///
/// `is_sent` is false while the master switch is off: then what comes due is held. `is_slowed`: its receiver keeps
/// failing.
pub fn outlook(
    delivery: &Delivery,
    attempts: &[AttemptRow],
    webhook: Option<&Webhook>,
    is_sent: bool,
    is_slowed: bool,
) -> Option<Outlook> {
    let says = |what: &str, why: &str| {
        Some(Outlook { what: what.to_owned(), at: None, why: why.to_owned(), asked_until: None })
    };
    match delivery.status {
        Status::Due if !is_sent => says("About to be held", OFF),
        Status::Due => {
            let turn = turn_words(webhook, is_slowed);
            says(&due_words(attempts), &turn.unwrap_or("It goes out as soon as a sender is free.".to_owned()))
        }
        Status::Sending => {
            says(&format!("Attempt {} is under way", next_number(attempts)), "This page follows it.")
        }
        Status::Retrying => {
            let (reason, has_asked) = retry_reason(delivery, attempts, webhook);
            let why = match is_sent {
                true => {
                    turn_words(webhook, is_slowed).into_iter().chain([reason]).collect::<Vec<_>>().join(" ")
                }
                false => format!("{OFF} It is held when that time comes."),
            };
            let asked_until = delivery.next_attempt_at.filter(|_| has_asked && is_sent);
            Some(Outlook { what: "Next attempt".to_owned(), at: delivery.next_attempt_at, why, asked_until })
        }
        Status::Held => says("Kept back", HeldBy::of(webhook).sentence()),
        Status::Failed => says("Given up", &given_up_reason(delivery, webhook)),
        Status::Delivered | Status::Cancelled => None,
    }
}

/// Why something waits although it is due.
fn turn_words(webhook: Option<&Webhook>, is_slowed: bool) -> Option<String> {
    let rate = webhook.and_then(|webhook| webhook.settings.rate_per_s);
    match (is_slowed, rate) {
        (true, _) => Some(
            "Its webhook is slowed because its receiver keeps failing: it waits for its turn.".to_owned(),
        ),
        (false, Some(1)) => {
            Some("Its webhook gets at most 1 request a second: it waits for its turn.".to_owned())
        }
        (false, Some(rate)) => {
            Some(format!("Its webhook gets at most {rate} requests a second: it waits for its turn."))
        }
        (false, None) => None,
    }
}

fn next_number(attempts: &[AttemptRow]) -> usize {
    attempts.last().map_or(0, |row| row.number) + 1
}

/// Which attempt is due; one after others was asked for by hand, unless our own stop cut the last one short.
fn due_words(attempts: &[AttemptRow]) -> String {
    let last = attempts.last().map(|row| row.attempt.failure.as_ref().map(|failure| failure.kind));
    match last {
        None => "First attempt is due".to_owned(),
        Some(Some(FailureKind::Interrupted)) => format!("Attempt {} is due", next_number(attempts)),
        Some(_) => format!("Sent again: attempt {} is due", next_number(attempts)),
    }
}

/// The schedule's own wait, or a longer one that the receiver asked for, and whether it did.
fn retry_reason(delivery: &Delivery, attempts: &[AttemptRow], webhook: Option<&Webhook>) -> (String, bool) {
    let last = attempts.last().map(|row| &row.attempt);
    if last.and_then(|a| a.failure.as_ref()).is_some_and(|f| f.kind == FailureKind::Interrupted) {
        let why = "The last attempt was cut short by our own stop, so it is made again at once.";
        return (why.to_owned(), false);
    }
    let Some(retries) = webhook.map(|webhook| &webhook.settings.retries) else {
        return (String::new(), false);
    };
    let number = u32::try_from(delivery.retries_used).unwrap_or_default();
    let counted = format!("Retry {number} of {}", retries.count());
    let planned = number.checked_sub(1).and_then(|used| retries.next_wait(used));
    let actual = last.zip(delivery.next_attempt_at).and_then(|(attempt, at)| {
        let ended = attempt.started_at + time::Duration::microseconds(attempt.timings.total_us.into());
        Duration::try_from(at - ended).ok()
    });
    match (planned, actual) {
        (Some(planned), Some(actual)) if actual > planned.mul_f64(SPREAD) + Duration::from_secs(1) => {
            let wait = words::wait_words(actual);
            (format!("{counted}. The receiver asked for {wait} with Retry-After."), true)
        }
        (Some(planned), _) => {
            let wait = words::wait_words(planned);
            (format!("{counted}. The schedule waits {wait} here, give or take a tenth."), false)
        }
        (None, _) => (String::new(), false),
    }
}

fn given_up_reason(delivery: &Delivery, webhook: Option<&Webhook>) -> String {
    let retries = webhook.map_or(0, |webhook| webhook.settings.retries.count());
    match (delivery.last_response_status, delivery.retries_used) {
        _ if delivery.test => "A test is sent once and changes nothing about its webhook.".to_owned(),
        (Some(410), _) => {
            "The receiver answered 410: it is gone for good, so its webhook was disabled.".to_owned()
        }
        (_, 0) if retries == 0 => "Its webhook makes no retries.".to_owned(),
        (_, 0) => "No retry was made.".to_owned(),
        (_, 1) => "The one retry is used up.".to_owned(),
        (_, n) => format!("All {n} retries are used up."),
    }
}
