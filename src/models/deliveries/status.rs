//! The states of a delivery and the ways an attempt can fail, with their words and their numbers in the tables.

use serde::{Deserialize, Serialize};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its first attempt.
    Due,
    /// Claimed by a dispatcher.
    Sending,
    /// The receiver took it.
    Delivered,
    /// Waits after a failure.
    Retrying,
    /// Given up.
    Failed,
    /// Kept back: webhooks are switched off, or this one was paused or disabled.
    Held,
    /// Its webhook was deleted, or a person cancelled it.
    Cancelled,
}

impl Status {
    /// Every state, in the order of a delivery's life.
    pub const ALL: [Self; 7] = [
        Self::Due,
        Self::Sending,
        Self::Delivered,
        Self::Retrying,
        Self::Failed,
        Self::Held,
        Self::Cancelled,
    ];

    /// The word in the API and the pages' addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
        }
    }

    /// The number in the table.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The state of a number in the table.
    pub fn of_number(number: i16) -> Self {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n)).copied().unwrap_or(Self::Cancelled)
    }

    /// The state of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    /// The time limit over the whole exchange ran out.
    Timeout,
    /// The host's name led nowhere.
    Dns,
    /// No connection.
    Connect,
    /// No TLS session.
    Tls,
    /// The address may not be called.
    RefusedAddress,
    /// The connection broke before the answer was complete.
    Reset,
    /// The answer's status does not count as success.
    ResponseStatus,
    /// The answer was not HTTP, or its body could not be read.
    Body,
    /// Our own stop or crash cut it short; it costs no retry.
    Interrupted,
}

impl FailureKind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::RefusedAddress,
        Self::Reset,
        Self::ResponseStatus,
        Self::Body,
        Self::Interrupted,
    ];

    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::RefusedAddress => "refused_address",
            Self::Reset => "reset",
            Self::ResponseStatus => "response_status",
            Self::Body => "body",
            Self::Interrupted => "interrupted",
        }
    }

    /// Reads the word of the API.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The number in the tables.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The kind of a number in the tables.
    pub fn of_number(number: i16) -> Option<Self> {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n)).copied()
    }
}

/// A failure with its particulars in words that a person can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Failure {
    pub kind: FailureKind,
    pub detail: String,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// As read from two columns.
pub(super) fn failure_of(kind: Option<i16>, detail: Option<String>) -> Option<Failure> {
    Some(Failure { kind: FailureKind::of_number(kind?)?, detail: detail.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_read_back() {
        for (n, status) in Status::ALL.into_iter().enumerate() {
            assert_eq!(status.number(), n as i16);
            assert_eq!(Status::of_number(status.number()), status);
            assert_eq!(Status::of_word(status.as_str()), Some(status));
        }
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::of_number(kind.number()), Some(kind));
            assert_eq!(FailureKind::of_word(kind.as_str()), Some(kind));
        }
    }
}
