//! What follows a failed attempt: another one later, or giving up, and whether the webhook is switched off.
//!
//! Nothing here knows the time or draws random numbers; both are handed in.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// Most retries an own list of waits may hold.
pub const CUSTOM_WAITS_MAX: usize = 30;
/// Longest wait in an own list, in seconds: seven days.
pub const CUSTOM_WAIT_S_MAX: u32 = 7 * 24 * 60 * 60;
/// Longest that a receiver's `Retry-After` may put off the next attempt.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The published schedule counts its moments from the first attempt: 1, 2, 4 … 1,024 minutes and 24 hours after it.
/// What is kept between two attempts is a wait, so these are the differences between those moments, in minutes.
const DOUBLING_24H_MIN: [u32; 12] = [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 416];
const THREE_S: [u32; 3] = [10, 60, 300];

/// When a failed delivery is tried again.
///
/// As JSON and in settings: `"doubling-24h"`, `"three"`, `"none"` or a list of waits in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Retries {
    /// 12 retries, at 1, 2, 4 … 1,024 minutes and 24 hours after the first attempt.
    #[default]
    Doubling24h,
    /// 3 retries: 10 seconds, then 1 minute, then 5 minutes after the one before.
    Three,
    /// The first attempt is the only one.
    None,
    /// Own waits, each counted from the attempt before.
    Custom(Waits),
}

/// Up to 30 waits of 1 second to 7 days, in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits(Vec<u32>);

impl Waits {
    /// Checks the number of waits and the length of each.
    pub fn new(seconds: Vec<u32>) -> Result<Self, RetriesError> {
        if seconds.len() > CUSTOM_WAITS_MAX {
            return Err(RetriesError::TooMany);
        }
        if !seconds.iter().all(|wait| (1..=CUSTOM_WAIT_S_MAX).contains(wait)) {
            return Err(RetriesError::OutOfRange);
        }
        Ok(Self(seconds))
    }

    /// The waits in seconds, in order.
    pub fn as_seconds(&self) -> &[u32] {
        &self.0
    }
}

/// Why a text or list does not say when to retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetriesError {
    /// Neither one of the words nor a list of whole seconds.
    Unknown,
    /// More than 30 waits.
    TooMany,
    /// A wait under 1 second or over 7 days.
    OutOfRange,
}

impl fmt::Display for RetriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => {
                "Retries are \"doubling-24h\", \"three\", \"none\" or a list of waits in whole seconds."
            }
            Self::TooMany => "A list of waits holds at most 30.",
            Self::OutOfRange => "Each wait lasts 1 second to 7 days (604,800 seconds).",
        })
    }
}

impl std::error::Error for RetriesError {}

impl Retries {
    /// Own waits in seconds: at most 30, each of 1 second to 7 days.
    pub fn custom(seconds: Vec<u32>) -> Result<Self, RetriesError> {
        Waits::new(seconds).map(Self::Custom)
    }

    /// The wait before retry number `retries_used + 1`, counted from the end of the attempt before; none when the
    /// retries are used up.
    pub fn next_wait(&self, retries_used: u32) -> Option<Duration> {
        let number = usize::try_from(retries_used).ok()?;
        let seconds = match self {
            Self::Doubling24h => DOUBLING_24H_MIN.get(number).map(|minutes| minutes * 60),
            Self::Three => THREE_S.get(number).copied(),
            Self::None => None,
            Self::Custom(waits) => waits.0.get(number).copied(),
        };
        seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// How many retries there are in all.
    pub fn count(&self) -> usize {
        match self {
            Self::Doubling24h => DOUBLING_24H_MIN.len(),
            Self::Three => THREE_S.len(),
            Self::None => 0,
            Self::Custom(waits) => waits.0.len(),
        }
    }

    fn word(&self) -> Option<&'static str> {
        match self {
            Self::Doubling24h => Some("doubling-24h"),
            Self::Three => Some("three"),
            Self::None => Some("none"),
            Self::Custom(_) => None,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Doubling24h, Self::Three, Self::None].into_iter().find(|retries| retries.word() == Some(word))
    }
}

/// One of the words, or the waits in seconds with commas or spaces between: `10, 60, 300`.
impl FromStr for Retries {
    type Err = RetriesError;

    fn from_str(text: &str) -> Result<Self, RetriesError> {
        let text = text.trim();
        if let Some(retries) = Self::of_word(text) {
            return Ok(retries);
        }
        let numbers: Vec<_> = text.split([',', ' ']).filter(|part| !part.is_empty()).collect();
        if numbers.is_empty() || !numbers.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(RetriesError::Unknown);
        }
        // Digits that overflow are a wait far too long.
        let seconds = numbers.iter().map(|part| part.parse().map_err(|_| RetriesError::OutOfRange));
        Self::custom(seconds.collect::<Result<_, _>>()?)
    }
}

/// What [`FromStr`] reads back.
impl fmt::Display for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(waits) if waits.0.is_empty() => f.write_str("none"),
            Self::Custom(waits) => {
                for (index, wait) in waits.0.iter().enumerate() {
                    write!(f, "{}{wait}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            named => f.write_str(named.word().unwrap_or_default()),
        }
    }
}

impl Serialize for Retries {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Custom(waits) => waits.0.serialize(to),
            named => named.word().serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Retries {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RetriesVisitor)
    }
}

struct RetriesVisitor;

impl<'de> Visitor<'de> for RetriesVisitor {
    type Value = Retries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"doubling-24h\", \"three\", \"none\" or a list of waits in whole seconds")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Retries, E> {
        Retries::of_word(word).ok_or_else(|| E::custom(RetriesError::Unknown))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Retries, A::Error> {
        let mut seconds = Vec::new();
        // As JSON has it, 60.0 is a whole number too.
        let unknown = |_| de::Error::custom(RetriesError::Unknown);
        while let Some(wait) = list.next_element::<f64>().map_err(unknown)? {
            if seconds.len() == CUSTOM_WAITS_MAX {
                return Err(de::Error::custom(RetriesError::TooMany));
            }
            if wait.fract() != 0.0 {
                return Err(de::Error::custom(RetriesError::Unknown));
            }
            if !(1.0..=f64::from(CUSTOM_WAIT_S_MAX)).contains(&wait) {
                return Err(de::Error::custom(RetriesError::OutOfRange));
            }
            seconds.push(wait as u32);
        }
        Retries::custom(seconds).map_err(de::Error::custom)
    }
}

/// Which statuses a webhook takes for success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Success {
    /// 200 to 299.
    #[default]
    #[serde(rename = "2xx")]
    Any2xx,
    /// Exactly 200.
    #[serde(rename = "200")]
    Only200,
}

impl Success {
    /// Whether an answer with this status counts as delivered.
    pub fn accepts(self, status: u16) -> bool {
        match self {
            Self::Any2xx => (200..300).contains(&status),
            Self::Only200 => status == 200,
        }
    }

    /// `2xx` or `200`, as in settings and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any2xx => "2xx",
            Self::Only200 => "200",
        }
    }

    /// Reads what [`Success::as_str`] gives.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Any2xx, Self::Only200].into_iter().find(|success| success.as_str() == word)
    }
}

/// What happens once the last retry has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenUsedUp {
    /// The delivery fails; the webhook goes on with others.
    #[default]
    Fail,
    /// The delivery fails and the webhook is disabled.
    Disable,
}

impl WhenUsedUp {
    /// `fail` or `disable`, as in settings and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Disable => "disable",
        }
    }

    /// Reads what [`WhenUsedUp::as_str`] gives.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Fail, Self::Disable].into_iter().find(|choice| choice.as_str() == word)
    }
}

/// Why a webhook is disabled by a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisableKind {
    /// The receiver answered 410: it wants no more.
    Gone,
    /// A delivery used up its retries and the webhook is set to stop then.
    RetriesUsedUp,
}

impl DisableKind {
    /// `gone` or `retries_used_up`, as in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::RetriesUsedUp => "retries_used_up",
        }
    }
}

/// What is known after an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    /// Retries made so far, the one that just failed included: 0 when the first attempt failed.
    pub retries_used: u32,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// What the answer's `Retry-After` asked for, see [`parse_retry_after`].
    pub retry_after: Option<Duration>,
}

/// What becomes of a delivery after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// `retrying`: due again after this time.
    RetryIn(Duration),
    /// `failed`, and the webhook disabled if it says why.
    GiveUp { disable: Option<DisableKind> },
}

/// Decides what follows a failed attempt; `random` in 0..1 spreads the retries by ±10 %.
///
/// 410 ends the delivery and disables the webhook, whatever retries are left. A `Retry-After` may lengthen the next
/// wait, up to 24 hours, never shorten it, and grants no retry beyond the schedule.
pub fn after_failure(retries: &Retries, when_used_up: WhenUsedUp, failed: Failed, random: f64) -> Next {
    if failed.status == Some(410) {
        return Next::GiveUp { disable: Some(DisableKind::Gone) };
    }
    match (retries.next_wait(failed.retries_used), when_used_up) {
        (Some(wait), _) => {
            let asked = failed.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
            Next::RetryIn(jittered(wait, random).max(asked))
        }
        (None, WhenUsedUp::Fail) => Next::GiveUp { disable: None },
        (None, WhenUsedUp::Disable) => Next::GiveUp { disable: Some(DisableKind::RetriesUsedUp) },
    }
}

/// A wait made up to 10 % shorter (`random` 0) or longer (`random` 1), so that what failed together does not come
/// back together.
pub fn jittered(wait: Duration, random: f64) -> Duration {
    wait.mul_f64(0.9 + 0.2 * random.clamp(0.0, 1.0))
}

/// Reads a `Retry-After` value: seconds, or a date as HTTP writes it (`Sun, 06 Nov 1994 08:49:37 GMT`).
///
/// At most 24 hours; a date that is past is no wait at all; anything else is none (RFC 9110, 10.2.3; of its date
/// forms the one that may still be sent).
pub fn parse_retry_after(value: &str, now: OffsetDateTime) -> Option<Duration> {
    let value = value.trim();
    let asked = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that overflow ask for longer than the cap.
        value.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs)
    } else {
        let at = OffsetDateTime::parse(value, &Rfc2822).ok()?;
        Duration::try_from(at - now).unwrap_or_default()
    };
    Some(asked.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests;
