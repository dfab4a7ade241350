//! States, failures and lengths of time in words that a person can act on.
use std::time::Duration;

use actix_web::http::StatusCode;

use crate::models::deliveries::{Attempt, Failure, FailureKind, Status};

/// A state as a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Badge {
    /// A class of the style sheet: `state-good` and so on.
    pub class: &'static str,
    /// The word on it.
    pub word: &'static str,
    /// What the state means, in a sentence.
    pub meaning: &'static str,
}

/// The badge of a delivery's state.
pub fn badge(status: Status) -> Badge {
    let (class, word, meaning) = match status {
        Status::Due => ("state-busy", "Due", "Waits to be sent."),
        Status::Sending => ("state-busy", "Sending", "An attempt is under way."),
        Status::Delivered => ("state-good", "Delivered", "The receiver took it."),
        Status::Retrying => ("state-waiting", "Retrying", "Failed so far; another attempt is planned."),
        Status::Failed => ("state-bad", "Failed", "Given up. It can be sent again by hand."),
        Status::Held => ("state-held", "Held", "Kept back while webhooks, or this one, are switched off."),
        Status::Cancelled => ("state-quiet", "Cancelled", "Will not be sent."),
    };
    Badge { class, word, meaning }
}

/// Whether nothing more happens by itself.
pub fn is_final(status: Status) -> bool {
    matches!(status, Status::Delivered | Status::Failed | Status::Cancelled | Status::Held)
}

/// `200 OK`, `503 Service Unavailable`, `599`.
pub fn response_words(status: u16) -> String {
    match StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}

/// What went wrong, in a few words.
pub fn failure_words(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Timeout => "No complete response in time",
        FailureKind::Dns => "Host name not found",
        FailureKind::Connect => "No connection",
        FailureKind::Tls => "No secure connection",
        FailureKind::RefusedAddress => "Address may not be called",
        FailureKind::Reset => "Connection broke",
        FailureKind::ResponseStatus => "Response does not count as success",
        FailureKind::Body => "Response could not be read",
        FailureKind::Interrupted => "Cut short by our own stop",
    }
}

/// What a person can do about it.
pub fn remedy(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Timeout => {
            "Answer first and work afterwards: the time limit covers name look-up, connection, answer and its body."
        }
        FailureKind::Dns => "Check the host in the webhook's address and its DNS records.",
        FailureKind::Connect => {
            "Check that the receiver runs, listens on this port and lets us through its firewall."
        }
        FailureKind::Tls => "Check the receiver's certificate: its chain, its name and its date.",
        FailureKind::RefusedAddress => {
            "The name leads to an address that is not public. Whoever runs this installation can allow it."
        }
        FailureKind::Reset => {
            "The receiver, or something before it, closed the connection before the answer was complete."
        }
        FailureKind::ResponseStatus => "The response below says what the receiver made of it.",
        FailureKind::Body => {
            "What came back is not HTTP, or broke off. Is there another service on this port?"
        }
        FailureKind::Interrupted => "Nothing to do: it is made again at once and uses up no retry.",
    }
}

/// An outcome in one line: the response's status, or why there was none.
pub fn outcome_words(response_status: Option<u16>, failure: Option<&Failure>) -> String {
    match (response_status, failure) {
        (Some(status), Some(failure)) if failure.kind != FailureKind::ResponseStatus => {
            format!("{}, {}", status, lower_first(failure_words(failure.kind)))
        }
        (Some(status), _) => response_words(status),
        (None, Some(failure)) => failure_words(failure.kind).to_owned(),
        (None, None) => String::new(),
    }
}

/// A class for an attempt's outcome.
pub fn outcome_class(attempt: &Attempt) -> &'static str {
    match &attempt.failure {
        None => "state-good",
        Some(failure) if failure.kind == FailureKind::Interrupted => "state-held",
        Some(_) => "state-bad",
    }
}

/// The text with a small first letter.
pub fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// How long something took: `0.4 ms`, `84 ms`, `1.20 s`, `12.0 s`.
pub fn duration_words(microseconds: i64) -> String {
    let ms = microseconds as f64 / 1000.0;
    match microseconds {
        ..=0 => "0 ms".to_owned(),
        1..=999 => format!("{ms:.1} ms"),
        1_000..=999_499 => format!("{ms:.0} ms"),
        999_500..=9_994_999 => format!("{:.2} s", ms / 1000.0),
        _ => format!("{:.1} s", ms / 1000.0),
    }
}

/// How long something waits, in the two largest units that matter: `45 s`, `4 min 10 s`, `2 h 8 min`, `1 d 4 h`.
pub fn wait_words(wait: Duration) -> String {
    let total_s = wait.as_secs();
    let (days, hours, minutes, seconds) =
        (total_s / 86_400, total_s / 3_600 % 24, total_s / 60 % 60, total_s % 60);
    let two = |large: u64, large_unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => two(minutes, "min", seconds, "s"),
        (0, _, _) => two(hours, "h", minutes, "min"),
        _ => two(days, "d", hours, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_well_at_every_size() {
        let took: Vec<String> = [0, 400, 84_200, 1_200_000, 12_040_000].map(duration_words).into();
        assert_eq!(took, ["0 ms", "0.4 ms", "84 ms", "1.20 s", "12.0 s"]);
        let waits: Vec<String> =
            [45, 250, 240, 7_680, 100_800].map(|s| wait_words(Duration::from_secs(s))).into();
        assert_eq!(waits, ["45 s", "4 min 10 s", "4 min", "2 h 8 min", "1 d 4 h"]);
    }

    #[test]
    fn an_answer_that_broke_off_names_its_status_and_the_break() {
        let broke = Failure::new(FailureKind::Reset, "");
        assert_eq!(outcome_words(Some(200), Some(&broke)), "200, connection broke");
        let refused = Failure::new(FailureKind::ResponseStatus, "");
        assert_eq!(outcome_words(Some(503), Some(&refused)), "503 Service Unavailable");
        assert_eq!(outcome_words(Some(200), None), "200 OK");
    }
}
