//! A client certificate: what a webhook shows to receivers that ask who calls them.
use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use time::{Date, Month, OffsetDateTime, Time};

/// Longest text of a chain with its key.
const PEM_BYTES_MAX: usize = 48 * 1024;
/// Longest chain. Usual are two or three.
const CHAIN_MAX: usize = 10;

/// Why a text is no client certificate. None of the sentences repeats anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CertificateError {
    TooLong,
    /// Something between its lines is not what the lines say.
    Malformed,
    NoCertificate,
    ChainTooLong,
    /// This one of the chain, from 1.
    Unreadable(usize),
    NoKey,
    SeveralKeys,
    EncryptedKey,
    /// Damaged, or of a kind that is not supported.
    UnusableKey,
    /// The key is not that of the first certificate.
    NotItsKey,
    /// It ended then.
    Expired(OffsetDateTime),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("Certificate and key are too long: use at most 48 KiB."),
            Self::Malformed => f.write_str(
                "This is not readable as PEM. Paste whole files, with their lines of BEGIN and END.",
            ),
            Self::NoCertificate => f.write_str(
                "There is no certificate here. Paste it in PEM form: it begins with -----BEGIN CERTIFICATE-----.",
            ),
            Self::ChainTooLong => write!(f, "Give at most {CHAIN_MAX} certificates: your own and those above it."),
            Self::Unreadable(n) => write!(f, "Certificate {n} is damaged, or not an X.509 certificate."),
            Self::NoKey => f.write_str(
                "There is no private key here. Paste it in PEM form: it begins with -----BEGIN PRIVATE KEY-----, \
                 BEGIN EC PRIVATE KEY or BEGIN RSA PRIVATE KEY.",
            ),
            Self::SeveralKeys => f.write_str("There is more than one private key here. Give the certificate's own."),
            Self::EncryptedKey => f.write_str(
                "The private key is encrypted with a passphrase. Give it without one (openssl pkey -in key.pem); it \
                 is stored sealed.",
            ),
            Self::UnusableKey => f.write_str(
                "The private key is damaged, or of a kind that is not supported. Supported are RSA of 2048 to 4096 bits, \
                 ECDSA over P-256 and P-384, and Ed25519.",
            ),
            Self::NotItsKey => f.write_str(
                "The private key does not belong to the certificate. Where there are several certificates, your own \
                 comes first.",
            ),
            Self::Expired(at) => write!(f, "The certificate expired on {}. Give one that is valid.", at.date()),
        }
    }
}

impl std::error::Error for CertificateError {}

/// Reads certificates (the webhook's own first) and their private key (PKCS#8, SEC1 or PKCS#1, not encrypted) from one
/// PEM text, in any order, and sees that they fit. Whether they are valid now is not looked at.
pub(super) fn read(pem: &str, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, CertificateError> {
    if pem.len() > PEM_BYTES_MAX {
        return Err(CertificateError::TooLong);
    }
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(CertificateError::EncryptedKey);
    }
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|_| CertificateError::Malformed)?;
    match chain.len() {
        0 => return Err(CertificateError::NoCertificate),
        1..=CHAIN_MAX => {}
        _ => return Err(CertificateError::ChainTooLong),
    }
    if let Some(at) = chain.iter().position(|one| ParsedCertificate::try_from(one).is_err()) {
        return Err(CertificateError::Unreadable(at + 1));
    }
    let mut keys = PrivateKeyDer::pem_slice_iter(pem.as_bytes());
    let key = keys.next().ok_or(CertificateError::NoKey)?.map_err(|_| CertificateError::Malformed)?;
    if keys.next().is_some() {
        return Err(CertificateError::SeveralKeys);
    }
    match CertifiedKey::from_der(chain, key, provider) {
        Ok(certified) => Ok(Arc::new(certified)),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(CertificateError::NotItsKey),
        Err(_) => Err(CertificateError::UnusableKey),
    }
}

/// Whether a certificate holds at `now`, as far as that can be told. The sentence is worth saying, but no reason not to
/// use it.
pub(super) fn in_its_time(
    certified: &CertifiedKey,
    now: OffsetDateTime,
) -> Result<Option<String>, CertificateError> {
    let Some((from, until)) = certified.cert.first().and_then(|own| validity(own)) else { return Ok(None) };
    if until < now {
        return Err(CertificateError::Expired(until));
    }
    let early = || {
        format!("The client certificate is valid from {} on; receivers refuse it until then.", from.date())
    };
    Ok((now < from).then(early))
}

/// From when until when a certificate holds (RFC 5280, 4.1); none where it is not written as that says.
fn validity(certificate: &[u8]) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let (_, whole, _) = element(certificate)?;
    let (_, mut rest, _) = element(whole)?;
    // The version, left out in the first.
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, times, _) = element(rest)?;
    let (tag, from, times) = element(times)?;
    let (later_tag, until, _) = element(times)?;
    Some((moment(tag, from)?, moment(later_tag, until)?))
}

/// The tag, the content and what follows of the first DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` (UTCTime, 1950 to 2049) or `YYYYMMDDHHMMSSZ` (GeneralizedTime).
fn moment(tag: u8, text: &[u8]) -> Option<OffsetDateTime> {
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let digits = match (tag, digits.len()) {
        (0x17, 12) => format!("{}{digits}", if digits < "50" { "20" } else { "19" }),
        (0x18, 14) => digits.to_owned(),
        _ => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits[at..at + 2].parse::<u8>().ok();
    let month = Month::try_from(part(4)?).ok()?;
    let date = Date::from_calendar_date(digits[..4].parse().ok()?, month, part(6)?).ok()?;
    Some(date.with_time(Time::from_hms(part(8)?, part(10)?, part(12)?).ok()?).assume_utc())
}

#[cfg(test)]
mod tests;
