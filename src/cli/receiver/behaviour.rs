//! How a receiver answers, for all requests or, by the query of its URL, for one webhook.
use std::time::Duration;

use bytes::Bytes;

/// A way to be a bad receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Misbehaviour {
    /// A byte now and then, for ever.
    Drip,
    /// An answer without end, as fast as it is read.
    Huge,
    /// No answer at all.
    Hang,
    /// The connection is reset once the request was read.
    Reset,
    /// 302 to itself.
    Redirect,
}

impl Misbehaviour {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drip => "drip",
            Self::Huge => "huge",
            Self::Hang => "hang",
            Self::Reset => "reset",
            Self::Redirect => "redirect",
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::Drip, Self::Huge, Self::Hang, Self::Reset, Self::Redirect]
            .into_iter()
            .find(|m| m.name() == name)
    }
}

/// How a receiver answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// The status of an ordinary answer.
    pub status: u16,
    /// Waited before the answer.
    pub delay: Duration,
    /// Up to so much more is waited, differently each time.
    pub delay_spread: Duration,
    /// Of a hundred requests, so many are answered 500 instead.
    pub fail_percent: u8,
    /// Sent as `Retry-After`: seconds or an HTTP date.
    pub retry_after: Option<String>,
    /// Takes the place of an ordinary answer.
    pub misbehave: Option<Misbehaviour>,
    /// More headers of an ordinary answer.
    pub headers: Vec<(String, String)>,
    /// The body of an ordinary answer.
    pub body: Bytes,
    /// The body where `fail_percent` makes it a failure.
    pub failure_body: Bytes,
    /// Other behaviours for some paths (`/crm`), instead of this one.
    pub paths: Vec<(String, Behaviour)>,
}

impl Default for Behaviour {
    /// Answers 200 at once.
    fn default() -> Self {
        Self {
            status: 200,
            delay: Duration::ZERO,
            delay_spread: Duration::ZERO,
            fail_percent: 0,
            retry_after: None,
            misbehave: None,
            headers: Vec::new(),
            body: Bytes::from_static(b"received\n"),
            failure_body: Bytes::from_static(b"failed\n"),
            paths: Vec::new(),
        }
    }
}

impl Behaviour {
    /// Answers with this status at once.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// Misbehaves on every request.
    pub fn misbehaving(how: Misbehaviour) -> Self {
        Self { misbehave: Some(how), ..Self::default() }
    }

    /// The behaviour for a path, changed by the query of a request's path: `?status=503&delay_ms=20&fail_percent=50&
    /// retry_after=5&misbehave=hang`. So webhooks with different URLs find different receivers at one address.
    pub(super) fn for_path(&self, path: &str) -> Self {
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let own = self.paths.iter().find(|(path, _)| path == bare);
        let mut changed = own.map_or(self, |(_, behaviour)| behaviour).clone();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "status" => changed.status = number_in(&value, 200, 599).unwrap_or(changed.status),
                "delay_ms" => {
                    changed.delay =
                        number_in(&value, 0, 3_600_000).map_or(changed.delay, Duration::from_millis);
                }
                "fail_percent" => {
                    changed.fail_percent = number_in(&value, 0, 100).unwrap_or(changed.fail_percent);
                }
                "retry_after" => changed.retry_after = Some(value.replace(['\r', '\n'], " ")),
                "misbehave" => changed.misbehave = Misbehaviour::of(&value),
                _ => {}
            }
        }
        changed
    }
}

fn number_in<T: std::str::FromStr + PartialOrd>(text: &str, min: T, max: T) -> Option<T> {
    text.parse().ok().filter(|number| *number >= min && *number <= max)
}
