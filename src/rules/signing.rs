//! Signatures that let a receiver know a request came from here.
//!
//! Two wire formats: [Standard Webhooks](https://www.standardwebhooks.com) on every request, and, where a webhook
//! asks for it, the older one that Voucherify documents for `x-voucherify-signature`.
//! The body is taken in slices, so that an envelope can be signed around event data without copying them together.

use std::fmt;
use std::io::Write as _;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

type HmacSha256 = Hmac<Sha256>;

/// What every secret's text starts with (Standard Webhooks).
pub const SECRET_PREFIX: &str = "whsec_";
/// How far a received timestamp may lie from now, in seconds: the five minutes that Standard Webhooks recommends.
pub const TOLERANCE_S: i64 = 5 * 60;

/// A signature beside the standard one, for receivers that were written to another guide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraSignature {
    #[default]
    None,
    /// `x-voucherify-signature`, see [`voucherify_signature`].
    Voucherify,
}

impl ExtraSignature {
    /// `none` or `voucherify`, as in settings and API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Voucherify => "voucherify",
        }
    }
}

/// Key length of the secrets made here.
const GENERATED_BYTES: usize = 32;
/// Enough to tell a handful of secrets apart, too little to check guesses of anything but 32 random bytes.
const FINGERPRINT_BYTES: usize = 6;
/// What Standard Webhooks allows; secrets brought from elsewhere may have other lengths than ours.
const ACCEPTED_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A webhook's signing secret: `whsec_` and the base64 of 32 random bytes.
///
/// Never shows itself in `Debug`; only [`Secret::as_text`] gives it away. Memory is wiped on drop.
/// Both HMAC key states are computed once here, so that signing costs only the hashing of the message.
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    standard: HmacSha256,
    voucherify: HmacSha256,
}

/// Why a text is not a signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretError {
    /// It does not start with `whsec_`.
    Prefix,
    /// What follows `whsec_` is not padded standard base64.
    Base64,
    /// It decodes to fewer than 24 or more than 64 bytes.
    Length,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prefix => "A signing secret starts with whsec_.",
            Self::Base64 => "After whsec_, a signing secret is base64.",
            Self::Length => "A signing secret holds 24 to 64 bytes after whsec_.",
        })
    }
}

impl std::error::Error for SecretError {}

impl Secret {
    /// A new secret from the operating system's random numbers.
    ///
    /// # Panics
    /// When the operating system has none to give; nothing safe could be done then.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0u8; GENERATED_BYTES]);
        getrandom::fill(key.as_mut()).expect("the operating system gives random bytes");
        let mut text = String::with_capacity(SECRET_PREFIX.len() + GENERATED_BYTES.div_ceil(3) * 4);
        text.push_str(SECRET_PREFIX);
        STANDARD.encode_string(key.as_ref(), &mut text);
        Self::of(Zeroizing::new(text), key.as_ref())
    }

    /// Reads `whsec_…`; accepts the 24 to 64 bytes that Standard Webhooks allows.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(SecretError::Prefix)?;
        let key = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| SecretError::Base64)?);
        if !ACCEPTED_BYTES.contains(&key.len()) {
            return Err(SecretError::Length);
        }
        Ok(Self::of(Zeroizing::new(text.to_owned()), &key))
    }

    /// The secret itself, `whsec_…`, to be sealed or shown once.
    pub fn as_text(&self) -> &str {
        &self.text
    }

    /// Tells secrets apart without giving them away: the first 12 hex digits of the SHA-256 of the whole text, as
    /// `printf %s "$SECRET" | sha256sum` begins.
    pub fn fingerprint(&self) -> String {
        use sha2::Digest as _;
        Sha256::digest(self.text.as_bytes())[..FINGERPRINT_BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn of(text: Zeroizing<String>, key: &[u8]) -> Self {
        let voucherify = keyed(text.as_bytes());
        Self { text, standard: keyed(key), voucherify }
    }

    /// The value of `x-voucherify-signature` for a body: [`voucherify_signature`] with this secret's whole text
    /// (its `whsec_` included, as the receiver was shown it) for a key.
    pub fn voucherify_signature(&self, body: &[&[u8]]) -> String {
        hex_over(self.voucherify.clone(), body)
    }

    fn standard_signature(&self, id: &str, timestamp: i64, body: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.standard.clone();
        mac.update(id.as_bytes());
        // ".", an i64 of at most 20 characters, ".".
        let mut middle = [0u8; 22];
        let mut rest = &mut middle[..];
        let _ = write!(rest, ".{timestamp}.");
        let unused = rest.len();
        mac.update(&middle[..middle.len() - unused]);
        for slice in body {
            mac.update(slice);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        Self::parse(text)
    }
}

/// The value of `webhook-signature`: one `v1,<base64>` a secret, in their order, separated by spaces.
///
/// Each is HMAC-SHA256 over `{id}.{timestamp}.{body}`, the timestamp in seconds since 1970, keyed by the secret's
/// decoded bytes (Standard Webhooks). The body is the slices one after another.
pub fn sign<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
    id: &str,
    timestamp: i64,
    body: &[&[u8]],
) -> String {
    let mut header = String::with_capacity(2 * 48);
    for secret in secrets {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        STANDARD.encode_string(secret.standard_signature(id, timestamp, body), &mut header);
    }
    header
}

/// The three headers of a received request.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`, seconds since 1970
    pub timestamp: i64,
    /// `webhook-signature`
    pub signature: &'a str,
}

/// Why a received request is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyError {
    /// Signed too long ago: a replay, or a clock that runs ahead here.
    TooOld,
    /// Signed in the future: a clock that runs behind here.
    TooNew,
    /// None of the `v1` signatures is this secret's for this body.
    NoMatch,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooOld => "The timestamp is too old: a replayed request, or this machine's clock is wrong.",
            Self::TooNew => "The timestamp lies in the future: one of the two clocks is wrong.",
            Self::NoMatch => {
                "No signature matches: another secret, or the body was changed after it was received."
            }
        })
    }
}

impl std::error::Error for VerifyError {}

/// Checks a received request as a receiver should: the timestamp within `tolerance_s` (usually [`TOLERANCE_S`]) of
/// `now`, both in seconds, and one `v1` signature that is this secret's. Compares in constant time.
pub fn verify(
    secret: &Secret,
    received: &Received<'_>,
    body: &[&[u8]],
    now: i64,
    tolerance_s: i64,
) -> Result<(), VerifyError> {
    if now.saturating_sub(received.timestamp) > tolerance_s {
        return Err(VerifyError::TooOld);
    }
    if received.timestamp.saturating_sub(now) > tolerance_s {
        return Err(VerifyError::TooNew);
    }
    let expected = STANDARD.encode(secret.standard_signature(received.id, received.timestamp, body));
    let is_ours = |signature: &str| {
        signature.strip_prefix("v1,").is_some_and(|given| given.as_bytes().ct_eq(expected.as_bytes()).into())
    };
    if received.signature.split_ascii_whitespace().any(is_ours) { Ok(()) } else { Err(VerifyError::NoMatch) }
}

/// `x-voucherify-signature`: lower-case hex of HMAC-SHA256 over the body alone, keyed by the secret's text as UTF-8
/// (Voucherify, introduction to webhooks). The body is the slices one after another.
/// For a [`Secret`], its method of the same name has the key state at hand.
pub fn voucherify_signature(secret_text: &str, body: &[&[u8]]) -> String {
    hex_over(keyed(secret_text.as_bytes()), body)
}

fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn hex_over(mut mac: HmacSha256, body: &[&[u8]]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for slice in body {
        mac.update(slice);
    }
    let mut hex = String::with_capacity(64);
    for byte in mac.finalize().into_bytes() {
        hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hex.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "whs_1137d0b09947963a2d";
    const NOW: i64 = 1_763_700_000;

    #[test]
    fn a_signature_is_the_one_of_the_standard_webhooks_library() {
        for body in ["", "{}", r#"{"name":"Zoë","n":[1,2,3]}"#] {
            let secret = Secret::generate();
            let oracle = standardwebhooks::Webhook::new(secret.as_text()).unwrap();
            for timestamp in [0, NOW, i64::MAX] {
                let expected = oracle.sign(ID, timestamp, body.as_bytes()).unwrap();
                assert_eq!(sign([&secret], ID, timestamp, &[body.as_bytes()]), expected);
            }
        }
    }

    #[test]
    fn the_published_standard_webhooks_vector_holds() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let header = sign([&secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, &[body]);
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_body_in_slices_signs_like_the_whole() {
        let secret = Secret::generate();
        let whole = sign([&secret], ID, NOW, &[b"prefix{}suffix"]);
        assert_eq!(sign([&secret], ID, NOW, &[b"prefix", b"{}", b"", b"suffix"]), whole);
        assert_eq!(
            secret.voucherify_signature(&[b"prefix", b"{}suffix"]),
            secret.voucherify_signature(&[b"prefix{}suffix"])
        );
    }

    #[test]
    fn each_live_secret_signs_and_either_one_verifies() {
        let secrets = [Secret::generate(), Secret::generate()];
        let header = sign(&secrets, ID, NOW, &[b"{}"]);
        assert_eq!(header.split(' ').count(), 2);
        let received = Received { id: ID, timestamp: NOW, signature: &header };
        for secret in &secrets {
            assert_eq!(verify(secret, &received, &[b"{", b"}"], NOW, TOLERANCE_S), Ok(()));
        }
        let stranger = Secret::generate();
        assert_eq!(verify(&stranger, &received, &[b"{}"], NOW, TOLERANCE_S), Err(VerifyError::NoMatch));
    }

    #[test]
    fn a_changed_body_id_timestamp_or_version_does_not_verify() {
        let secret = Secret::generate();
        let header = sign([&secret], ID, NOW, &[b"{}"]);
        let good = Received { id: ID, timestamp: NOW, signature: &header };
        let as_v2 = header.replace("v1,", "v2,");
        for (received, body) in [
            (good, &b"{ }"[..]),
            (Received { id: "whs_other", ..good }, b"{}"),
            (Received { timestamp: NOW + 1, ..good }, b"{}"),
            (Received { signature: &as_v2, ..good }, b"{}"),
            (Received { signature: "", ..good }, b"{}"),
        ] {
            assert_eq!(verify(&secret, &received, &[body], NOW, TOLERANCE_S), Err(VerifyError::NoMatch));
        }
    }

    #[test]
    fn a_timestamp_is_good_for_five_minutes_either_way() {
        let secret = Secret::generate();
        let header = sign([&secret], ID, NOW, &[b"{}"]);
        let received = Received { id: ID, timestamp: NOW, signature: &header };
        let at = |now| verify(&secret, &received, &[b"{}"], now, TOLERANCE_S);
        assert_eq!(at(NOW + 300), Ok(()));
        assert_eq!(at(NOW - 300), Ok(()));
        assert_eq!(at(NOW + 301), Err(VerifyError::TooOld));
        assert_eq!(at(NOW - 301), Err(VerifyError::TooNew));
        assert_eq!(at(i64::MIN), Err(VerifyError::TooNew));
    }

    #[test]
    fn the_published_voucherify_vectors_hold() {
        for (body, expected) in [
            (r#"{"a":1}"#, "a17d2ac229d1ebbb5f10e839c7985c4818e5986eab297f7e5979196d4d7d3ed2"),
            (r#"{"a\"b":1}"#, "f7cf97814a03146abedb9793f56e1dec34f618f82d10395310d053f749483ffb"),
            ("  message  ", "53ff92957e1427ce23ad5bda9d0c5f2f4ff384d0806b83eeacb510c842d3a358"),
        ] {
            assert_eq!(voucherify_signature("secretKey", &[body.as_bytes()]), expected);
        }
    }

    #[test]
    fn a_secret_signs_for_voucherify_with_its_whole_text() {
        let secret = Secret::generate();
        assert_eq!(secret.voucherify_signature(&[b"{}"]), voucherify_signature(secret.as_text(), &[b"{}"]));
    }

    #[test]
    fn a_secret_is_whsec_and_32_bytes_reads_back_and_hides_in_debug() {
        let secret = Secret::generate();
        assert_eq!(STANDARD.decode(&secret.as_text()["whsec_".len()..]).unwrap().len(), 32);
        assert_ne!(secret.as_text(), Secret::generate().as_text());
        let again = Secret::parse(secret.as_text()).unwrap();
        assert_eq!(sign([&again], ID, NOW, &[b"{}"]), sign([&secret], ID, NOW, &[b"{}"]));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn what_is_not_a_secret_is_refused() {
        let of = |text: &str| Secret::parse(text).map(|_| ()).unwrap_err();
        assert_eq!(of(""), SecretError::Prefix);
        assert_eq!(of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), SecretError::Prefix);
        assert_eq!(of("whsec_MfKQ*"), SecretError::Base64);
        assert_eq!(of(&format!("whsec_{}", STANDARD.encode([7; 23]))), SecretError::Length);
        assert_eq!(of(&format!("whsec_{}", STANDARD.encode([7; 65]))), SecretError::Length);
    }
}
