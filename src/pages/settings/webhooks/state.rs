//! Where a webhook stands, in words.
use time::OffsetDateTime;

use crate::models::deliveries::Slowed;
use crate::models::webhooks::Webhook;
use crate::web::Member;

/// A webhook's state as a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct State {
    pub class: &'static str,
    pub word: &'static str,
    pub meaning: &'static str,
}

impl State {
    /// Active, slowed, paused or disabled.
    pub fn of(webhook: &Webhook, slowed: Option<&Slowed>) -> Self {
        let (class, word, meaning) = match (webhook.settings.active, &webhook.disabled) {
            (true, _) if slowed.is_some() => {
                ("state-waiting", "Slowed", "Its receiver keeps failing, so little is sent until it answers.")
            }
            (true, _) => ("state-good", "Active", "It gets events."),
            (false, None) if webhook.in_maintenance => {
                ("state-held", "Maintenance", "Off for its maintenance window.")
            }
            (false, None) => ("state-held", "Paused", "Switched off by a person."),
            (false, Some(_)) => ("state-bad", "Disabled", "Switched off because of what its receiver did."),
        };
        Self { class, word, meaning }
    }
}

/// Why and when a webhook was disabled or slowed.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Why {
    pub why: String,
    pub what_to_do: &'static str,
    pub at: OffsetDateTime,
    /// The status of the last answer, if there was one.
    pub status: Option<i16>,
}

/// The page of the delivery that a webhook was disabled with.
pub fn straw_link(member: &Member, webhook: &Webhook) -> Option<String> {
    let delivery = webhook.disabled.as_ref()?.delivery?;
    Some(member.path(&format!("/history/{delivery}")))
}

/// The reason in words; none for one that is active or paused.
pub fn why_disabled(webhook: &Webhook) -> Option<Why> {
    let disabled = webhook.disabled.as_ref().filter(|_| !webhook.settings.active)?;
    let why = match (disabled.kind.as_str(), disabled.detail.trim()) {
        ("gone", "") => "The receiver answered 410: it is gone for good.".to_owned(),
        ("gone", detail) => full_stop(detail),
        (_, "") => "A delivery failed through all its retries.".to_owned(),
        (_, detail) => format!("A delivery failed through all its retries. {}", full_stop(detail)),
    };
    let what_to_do = match disabled.kind.as_str() {
        "gone" => {
            "If it should get events after all, mend the receiver or change the target, then resume it. Otherwise delete it."
        }
        _ => {
            "Mend the receiver, then resume it: what is held for it can be sent then, and what failed can be resent from the history."
        }
    };
    Some(Why { why, what_to_do, at: disabled.at, status: disabled.status })
}

/// Since when and why a webhook is slowed; none for one that is off.
pub fn why_slowed(webhook: &Webhook, slowed: Option<&Slowed>) -> Option<Why> {
    let slowed = slowed.filter(|_| webhook.settings.active)?;
    let last = full_stop(slowed.last_failure.detail.trim());
    let (why, what_to_do) = match slowed.failures {
        0 => (
            format!("It answers again, after: {last}"),
            "What waits goes out a few at a time, and more with every delivery that is taken.",
        ),
        n => (
            format!("{n} attempts in a row failed. The last: {last}"),
            "What is due waits together and uses up no retry. Now and then one delivery is tried, at least every minute; once one is taken the others follow, more and more at a time. There is nothing to do here but to mend the receiver.",
        ),
    };
    Some(Why { why, what_to_do, at: slowed.since, status: None })
}

/// `All events`, `None chosen yet`, `1 event type`, `12 event types`.
pub fn subscribed_words(all_events: bool, types: usize) -> String {
    match (all_events, types) {
        (true, _) => "All events".to_owned(),
        (false, 0) => "None chosen yet".to_owned(),
        (false, 1) => "1 event type".to_owned(),
        (false, n) => format!("{n} event types"),
    }
}

fn full_stop(text: &str) -> String {
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// How so many held deliveries stand. `cancels`: more is to follow a switch, and whether that is cancelled.
pub fn held_words(is_on: bool, is_sent: bool, cancels: Option<bool>) -> &'static str {
    match cancels {
        Some(true) => "still to be cancelled",
        Some(false) if !is_on => "held so far",
        Some(false) if is_sent => "still to be released",
        _ => "held",
    }
}
