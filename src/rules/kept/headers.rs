//! How the headers of an exchange are kept: name for name and value for value, but in few bytes.
//!
//! There is an attempt for every delivery, and most of what its headers say is known from its row: its id, when it
//! began, where it went. Each header is a byte for its name and one for its value, with text after those that are not
//! known. The numbers are in databases: they never change, new ones are added at the end.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use time::OffsetDateTime;
use url::Url;

use crate::rules::request::http_date;

/// Names that a byte stands for.
const NAMES: [&str; 23] = [
    "host",
    "content-type",
    "user-agent",
    "accept-encoding",
    "date",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-callout-event",
    "content-length",
    "server",
    "connection",
    "cache-control",
    "vary",
    "etag",
    "set-cookie",
    "strict-transport-security",
    "x-content-type-options",
    "transfer-encoding",
    "retry-after",
    "x-voucherify-signature",
    "authorization",
    "x-api-key",
];
/// Values that a byte stands for.
const VALUES: [&str; 6] =
    ["application/json", "identity", "keep-alive", "close", "text/plain; charset=utf-8", "chunked"];

/// A name or a value with its text after it: its length in two bytes (little end first), then its bytes.
const TEXT: u8 = 0;
/// The attempt's id, the same as the delivery's.
const ID: u8 = 1;
/// The second in which the attempt began.
const SECONDS: u8 = 2;
/// The same as an HTTP date.
const DATE: u8 = 3;
/// The host (and port) of the address.
const HOST: u8 = 4;
/// A Standard Webhooks signature; its 32 bytes follow.
const SIGNATURE: u8 = 5;
/// The first of the [`VALUES`].
const FIRST_VALUE: u8 = 32;
/// Before the base64 of a signature.
const SIGNATURE_MARK: &str = "v1,";
/// Longer names and values are cut: more than a client or server lets through.
const TEXT_MAX: usize = u16::MAX as usize;

/// What is known of an attempt without its headers.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Facts<'a> {
    pub id: &'a str,
    pub started_at: OffsetDateTime,
    pub url: &'a str,
}

impl Facts<'_> {
    /// Each known value with its number.
    fn values(&self) -> [(u8, String); 4] {
        [
            (ID, self.id.to_owned()),
            (SECONDS, self.started_at.unix_timestamp().to_string()),
            (DATE, http_date(self.started_at)),
            (HOST, host_of(self.url)),
        ]
    }
}

/// Headers, as names in small letters and values, in few bytes.
pub fn pack(headers: &[(String, String)], facts: Facts<'_>) -> Vec<u8> {
    let known = facts.values();
    let mut packed = Vec::with_capacity(headers.len() * 8 + 64);
    for (name, value) in headers {
        match NAMES.iter().position(|known| known == name) {
            Some(n) => packed.push(n as u8 + 1),
            None => push_text(&mut packed, name),
        }
        if let Some(n) = VALUES.iter().position(|known| known == value) {
            packed.push(FIRST_VALUE + n as u8);
        } else if let Some((number, _)) = known.iter().find(|(_, known)| known == value) {
            packed.push(*number);
        } else if let Some(signature) = signature_of(value) {
            packed.push(SIGNATURE);
            packed.extend_from_slice(&signature);
        } else {
            push_text(&mut packed, value);
        }
    }
    packed
}

/// The headers that were packed with these facts; none of what is left if something cannot be read.
pub fn unpack(packed: &[u8], facts: Facts<'_>) -> Vec<(String, String)> {
    // Rows from before headers were packed: no name has this number.
    if packed.starts_with(b"[") {
        return serde_json::from_slice(packed).unwrap_or_default();
    }
    let known = facts.values();
    let (mut rest, mut headers) = (packed, Vec::new());
    while let Some(header) = next(&mut rest, &known) {
        headers.push(header);
    }
    headers
}

fn next(rest: &mut &[u8], known: &[(u8, String)]) -> Option<(String, String)> {
    let name = match *rest.split_off_first()? {
        TEXT => text(rest)?,
        n => (*NAMES.get(usize::from(n) - 1)?).to_owned(),
    };
    let value = match *rest.split_off_first()? {
        TEXT => text(rest)?,
        SIGNATURE => format!("{SIGNATURE_MARK}{}", BASE64.encode(rest.split_off(..32)?)),
        n if n >= FIRST_VALUE => (*VALUES.get(usize::from(n - FIRST_VALUE))?).to_owned(),
        n => known.iter().find(|(number, _)| *number == n)?.1.clone(),
    };
    Some((name, value))
}

fn push_text(packed: &mut Vec<u8>, text: &str) {
    let text = &text.as_bytes()[..text.floor_char_boundary(TEXT_MAX)];
    packed.push(TEXT);
    packed.extend_from_slice(&(text.len() as u16).to_le_bytes());
    packed.extend_from_slice(text);
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let length = u16::from_le_bytes(rest.split_off(..2)?.try_into().ok()?);
    Some(String::from_utf8_lossy(rest.split_off(..usize::from(length))?).into_owned())
}

/// The bytes of a value that is one signature and nothing else.
fn signature_of(value: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(value.strip_prefix(SIGNATURE_MARK)?).ok()?;
    // Only what is spelled the same way again.
    (bytes.len() == 32).then_some(bytes)
}

/// As the `host` header has it.
fn host_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;
    use crate::rules::request::{Head, USER_AGENT};

    const AT: OffsetDateTime = datetime!(2026-11-21 12:00:00.999999 UTC);
    const FACTS: Facts<'_> = Facts { id: "whs_1", started_at: AT, url: "https://shop.example:8443/in?x=1" };

    #[test]
    fn what_we_send_takes_few_bytes() {
        let signature = format!("v1,{}", BASE64.encode([7; 32]));
        let head = Head {
            host: "shop.example:8443",
            at: AT,
            id: "whs_1",
            signature: &signature,
            event_type: "customer.rewarded",
        };
        let headers: Vec<(String, String)> =
            head.headers().into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
        let packed = pack(&headers, FACTS);
        assert_eq!(unpack(&packed, FACTS), headers);
        let texts = "customer.rewarded".len() + USER_AGENT.len();
        assert!(packed.len() <= 2 * 9 + 32 + 2 * 2 + texts, "{} bytes", packed.len());
    }

    #[test]
    fn what_is_cut_short_gives_what_was_whole() {
        let headers = vec![("date".to_owned(), "x".to_owned()), ("a".to_owned(), "b".to_owned())];
        let packed = pack(&headers, FACTS);
        assert_eq!(unpack(&packed[..packed.len() - 1], FACTS), headers[..1]);
        assert_eq!(unpack(&[255, 255], FACTS), []);
    }

    #[test]
    fn headers_of_rows_from_before_they_were_packed_are_read() {
        assert_eq!(unpack(br#"[["a","b"]]"#, FACTS), [("a".to_owned(), "b".to_owned())]);
        assert!(NAMES.len() < usize::from(b'['), "or a packed row would be taken for one");
    }

    proptest! {
        #[test]
        fn every_header_comes_back_as_it_was(
            headers in proptest::collection::vec(("[a-z-]{1,20}|host|date|webhook-id", ".{0,80}|whs_1|v1,[A-Za-z0-9+/]{43}="), 0..20)
        ) {
            prop_assert_eq!(unpack(&pack(&headers, FACTS), FACTS), headers);
        }
    }
}
