//! What a request carries for its receiver to know us by, beside the signature: authentication and extra headers.
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Header of a generated API key (the loyalty guide).
pub const API_KEY_HEADER: &str = "x-api-key";
/// A webhook has at most so many extra headers.
pub const HEADERS_MAX: usize = 20;
/// Bytes in a header's name.
pub const HEADER_NAME_BYTES_MAX: usize = 128;
/// Bytes in the value of a header, a token, a key, a user's name or a password.
pub const VALUE_BYTES_MAX: usize = 4_096;

/// Random bytes in a generated key: 64 hex digits.
const KEY_BYTES: usize = 32;
/// Headers that a request has anyway or that steer the connection: nobody sets them.
const RESERVED: [&str; 21] = [
    "host",
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "date",
    "accept-encoding",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-callout-event",
    "x-voucherify-signature",
];

/// A value that is written and never read back.
#[derive(Clone, PartialEq, Eq)]
pub enum Hidden {
    /// It is stored; this much may be shown of it.
    Kept {
        /// Tells values apart without giving them away.
        fingerprint: String,
    },
    /// It is to be stored.
    New(Zeroizing<String>),
}

impl Hidden {
    /// A value that is to be stored.
    pub fn new(text: &str) -> Self {
        Self::New(Zeroizing::new(text.to_owned()))
    }

    /// What may be shown of one that is stored.
    pub fn fingerprint(&self) -> Option<&str> {
        match self {
            Self::Kept { fingerprint } => Some(fingerprint),
            Self::New(_) => None,
        }
    }

    /// The text of one that is to be stored.
    pub fn as_new(&self) -> Option<&str> {
        match self {
            Self::Kept { .. } => None,
            Self::New(text) => Some(text),
        }
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept { fingerprint } => write!(f, "Kept({fingerprint})"),
            Self::New(_) => f.write_str("New(…)"),
        }
    }
}

/// How requests authenticate themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Authentication {
    #[default]
    None,
    /// `authorization: Bearer …`
    Bearer { token: Hidden },
    /// `authorization: Basic …`
    Basic { username: String, password: Hidden },
    /// A key in a header of its own.
    ApiKey { header: String, value: Hidden },
}

impl Authentication {
    /// A new key of 64 hex digits in [`API_KEY_HEADER`].
    ///
    /// # Panics
    /// When the operating system has no random numbers to give; nothing safe could be done then.
    pub fn generated_api_key() -> Self {
        let mut key = Zeroizing::new([0u8; KEY_BYTES]);
        getrandom::fill(key.as_mut()).expect("the operating system gives random bytes");
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::ApiKey { header: API_KEY_HEADER.to_owned(), value: Hidden::New(Zeroizing::new(hex)) }
    }

    /// Whether a key looks like one of [`Authentication::generated_api_key`].
    pub fn is_generated_api_key(text: &[u8]) -> bool {
        let is_hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        text.len() == 2 * KEY_BYTES && text.iter().all(is_hex)
    }

    /// The word in settings and API.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer { .. } => "bearer",
            Self::Basic { .. } => "basic",
            Self::ApiKey { .. } => "api_key",
        }
    }

    /// The user's or the header's name; empty where the kind says all.
    pub fn name(&self) -> &str {
        match self {
            Self::None | Self::Bearer { .. } => "",
            Self::Basic { username, .. } => username,
            Self::ApiKey { header, .. } => header,
        }
    }

    /// Its secret part.
    pub fn value(&self) -> Option<&Hidden> {
        match self {
            Self::None => None,
            Self::Bearer { token } => Some(token),
            Self::Basic { password, .. } => Some(password),
            Self::ApiKey { value, .. } => Some(value),
        }
    }

    /// The header that it takes; none for none.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Bearer { .. } | Self::Basic { .. } => Some("authorization"),
            Self::ApiKey { header, .. } => Some(header),
        }
    }

    /// What it is made of, as [`Authentication::kind`], [`Authentication::name`] and [`Authentication::value`] tell.
    pub fn of(kind: &str, name: String, value: Hidden) -> Option<Self> {
        match kind {
            "bearer" => Some(Self::Bearer { token: value }),
            "basic" => Some(Self::Basic { username: name, password: value }),
            "api_key" => Some(Self::ApiKey { header: name, value }),
            _ => None,
        }
    }
}

/// The value of the header of an authentication of this kind and name with this secret (RFC 6750, RFC 7617).
pub fn header_value(kind: &str, name: &str, secret: &str) -> Zeroizing<String> {
    Zeroizing::new(match kind {
        "bearer" => format!("Bearer {secret}"),
        "basic" => {
            let pair = Zeroizing::new(format!("{name}:{secret}"));
            format!("Basic {}", STANDARD.encode(pair.as_bytes()))
        }
        _ => secret.to_owned(),
    })
}

/// A header beside those that every request has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraHeader {
    /// In small letters.
    pub name: String,
    /// What it says.
    pub value: Hidden,
}

/// Checks a header's name and gives it in small letters, or says what is wrong with it.
pub fn header_name(text: &str) -> Result<String, String> {
    let name = text.trim().to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() {
        return Err("Enter the header's name.".to_owned());
    }
    if name.len() > HEADER_NAME_BYTES_MAX {
        return Err(format!("A header's name has at most {HEADER_NAME_BYTES_MAX} characters."));
    }
    if !name.bytes().all(is_token) {
        return Err("A header's name is letters, digits and dashes, such as x-shop.".to_owned());
    }
    if RESERVED.contains(&name.as_str()) || name.starts_with("webhook-") {
        return Err(format!("{name} is set by Callout itself: choose another name."));
    }
    Ok(name)
}

/// Checks a header's value, a token, a key or a password, or says what is wrong with it.
pub fn header_text(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("Enter a value.".to_owned());
    }
    if text.len() > VALUE_BYTES_MAX {
        return Err("A value has at most 4,096 bytes.".to_owned());
    }
    if text.trim() != text {
        return Err("Leave out the blanks before or after it: they would be lost on the way.".to_owned());
    }
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(
            "A value is letters, digits and signs of ASCII in one line: others do not arrive safely."
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_those_of_the_standards() {
        // RFC 7617, 2.
        assert_eq!(*header_value("basic", "Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(*header_value("bearer", "", "mF_9.B5f-4.1JqM"), "Bearer mF_9.B5f-4.1JqM");
        assert_eq!(*header_value("api_key", "x-api-key", "k"), "k");
    }

    #[test]
    fn a_generated_key_is_64_hex_digits_and_never_the_same() {
        let text = |authentication: &Authentication| {
            authentication.value().and_then(Hidden::as_new).unwrap_or_default().to_owned()
        };
        let (one, other) = (Authentication::generated_api_key(), Authentication::generated_api_key());
        assert_eq!((one.header(), text(&one).len()), (Some("x-api-key"), 64));
        assert!(text(&one).bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        assert_ne!(text(&one), text(&other));
        assert!(!format!("{one:?}").contains(&text(&one)), "it hides in debug output");
    }

    #[test]
    fn a_header_that_steers_the_request_cannot_be_set() {
        assert_eq!(header_name(" X-Shop "), Ok("x-shop".to_owned()));
        for wrong in
            ["", "a b", "host", "Content-Length", "webhook-id", "webhook-anything", "ä", "a:b", "a\nb"]
        {
            assert!(header_name(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", " a", "a\r\nx: y", "ü", "a\0"] {
            assert!(header_text(wrong).is_err(), "{wrong:?}");
        }
        assert!(header_text(&"x".repeat(VALUE_BYTES_MAX)).is_ok());
        assert!(header_text(&"x".repeat(VALUE_BYTES_MAX + 1)).is_err());
    }
}
