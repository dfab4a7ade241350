//! The head of a request to a receiver, in one place for those who send it and those who explain it.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

/// Every request is one.
pub const METHOD: &str = "POST";
/// Told to every receiver.
pub const USER_AGENT: &str = concat!("Callout/", env!("CARGO_PKG_VERSION"));
/// A response's body is read up to here; the rest is not wanted.
pub const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// The delivery's id, the same on every attempt and resend (Standard Webhooks).
pub const ID: &str = "webhook-id";
/// When this attempt was made, in seconds since 1970 (Standard Webhooks).
pub const TIMESTAMP: &str = "webhook-timestamp";
/// One signature a live secret, as [`sign`](super::signing::sign) gives them (Standard Webhooks).
pub const SIGNATURE: &str = "webhook-signature";
/// The event's type.
pub const EVENT: &str = "x-callout-event";

/// The signature of the project webhook's guide, where a webhook asks for it: see
/// [`voucherify_signature`](super::signing::voucherify_signature).
pub const VOUCHERIFY_SIGNATURE: &str = "x-voucherify-signature";

/// RFC 9110, 5.6.7.
const HTTP_DATE: &[FormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// A time in UTC as HTTP has it, to the second.
pub fn http_date(at: OffsetDateTime) -> String {
    // Formatting into a String cannot fail.
    at.format(HTTP_DATE).unwrap_or_default()
}

/// What differs from one request to the next.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Name and port of the receiver.
    pub host: &'a str,
    /// When the attempt starts, in UTC.
    pub at: OffsetDateTime,
    /// The delivery's id.
    pub id: &'a str,
    /// See [`SIGNATURE`].
    pub signature: &'a str,
    /// The event's type.
    pub event_type: &'a str,
}

impl<'a> Head<'a> {
    /// Names in small letters, and values. `content-length` comes with the body, whoever sends it.
    pub fn headers(&self) -> [(&'static str, Cow<'a, str>); 9] {
        let date = http_date(self.at);
        [
            ("host", self.host.into()),
            ("content-type", "application/json".into()),
            ("user-agent", USER_AGENT.into()),
            ("accept-encoding", "identity".into()),
            ("date", date.into()),
            (ID, self.id.into()),
            (TIMESTAMP, self.at.unix_timestamp().to_string().into()),
            (SIGNATURE, self.signature.into()),
            (EVENT, self.event_type.into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_head_says_who_sends_what_and_when() {
        let at = datetime!(2026-11-21 12:00:00.5 UTC);
        let head = Head { host: "shop.example", at, id: "whs_1", signature: "v1,x", event_type: "a.b" };
        let headers = head.headers();
        let value = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_ref());
        assert_eq!(value("date"), Some("Sat, 21 Nov 2026 12:00:00 GMT"));
        assert_eq!(value(TIMESTAMP), Some("1795262400"));
        assert_eq!(value("user-agent"), Some(USER_AGENT));
        assert_eq!((value(ID), value(SIGNATURE), value(EVENT)), (Some("whs_1"), Some("v1,x"), Some("a.b")));
    }
}
