//! How each kind of value is read. An error says what would be accepted, never what was given (it may be a secret).
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use url::Url;

use super::{LogFormat, SecretKey};

/// The value cannot be used.
pub(super) struct Wrong {
    pub(super) accepted: String,
}

fn accepted<T>(what: &str) -> Result<T, Wrong> {
    Err(Wrong { accepted: what.to_owned() })
}

/// `host:port`, where the host is an address (v6 in brackets) or a name; of a name's addresses v4 is preferred, since
/// `localhost` often has a v6 one that nothing can listen on.
pub(super) fn address(text: &str) -> Result<SocketAddr, Wrong> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let has_host = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(['/', ' ', '@']) && port.parse::<u16>().is_ok()
    });
    let found: Vec<SocketAddr> =
        if has_host { text.to_socket_addrs().map(Iterator::collect).unwrap_or_default() } else { Vec::new() };
    match found.iter().find(|a| a.is_ipv4()).or(found.first()) {
        Some(address) => Ok(*address),
        None => accepted("host:port, such as 127.0.0.1:8080, localhost:8080 or [::1]:8080"),
    }
}

/// The public URL for a listener that nobody named otherwise. A wildcard address is no place to go to: localhost is.
pub(super) fn url_of(listen: &str) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
        _ => format!("http://{listen}"),
    }
}

pub(super) fn public_url(text: &str) -> Result<String, Wrong> {
    const FORM: &str =
        "an http or https URL without user, query or fragment, such as https://callout.example.com";
    match Url::parse(text) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        _ => accepted(FORM),
    }
}

pub(super) fn database_url(text: &str) -> Result<String, Wrong> {
    let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    let is_pairs = ["host", "dbname", "service", "user", "port"]
        .iter()
        .any(|key| text.split_whitespace().any(|pair| pair.starts_with(&format!("{key}="))));
    if is_url || is_pairs {
        Ok(text.to_owned())
    } else {
        accepted("postgres://user:password@host:5432/database")
    }
}

/// 32 bytes in any of the usual spellings of base64.
pub(super) fn secret_key(text: &str) -> Result<SecretKey, Wrong> {
    let decoded = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| engine.decode(text).ok())
        .map(zeroize::Zeroizing::new);
    match decoded.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok()) {
        Some(bytes) => Ok(SecretKey::new(bytes)),
        None => accepted("32 bytes in base64 (44 characters), as from `openssl rand -base64 32`"),
    }
}

pub(super) fn smtp_url(text: &str) -> Result<String, Wrong> {
    match Url::parse(text) {
        Ok(url)
            if matches!(url.scheme(), "smtp" | "smtps") && url.host_str().is_some_and(|h| !h.is_empty()) =>
        {
            Ok(text.to_owned())
        }
        _ => accepted("smtp://host:25 or smtps://user:password@host:465"),
    }
}

/// An address, alone or after a name: `a@b` or `Callout <a@b>`. The mailer reads it in full.
pub(super) fn mail_from(text: &str) -> Result<String, Wrong> {
    let address = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
        None => text,
    };
    let is_address = address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !address.contains(char::is_whitespace);
    if is_address && !text.contains(['\r', '\n']) {
        Ok(text.to_owned())
    } else {
        accepted("an address such as callout@example.com or Callout <callout@example.com>")
    }
}

pub(super) fn boolean(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => accepted("true or false"),
    }
}

pub(super) fn proxy_url(text: &str) -> Result<String, Wrong> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.has_host() && url.path() == "/" && url.query().is_none() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => accepted("http://host:port or http://user:password@host:port"),
    }
}

pub(super) fn pem_file(text: &str) -> Result<PathBuf, Wrong> {
    match std::fs::read(text) {
        Ok(bytes) if String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") => {
            Ok(text.into())
        }
        Ok(_) => accepted("a PEM file with at least one `BEGIN CERTIFICATE` (this file has none)"),
        Err(error) => accepted(&format!("a PEM file that can be read (this one: {error})")),
    }
}

pub(super) fn number<T: FromStr + PartialOrd + std::fmt::Display + Copy>(
    min: T,
    max: T,
) -> impl Fn(&str) -> Result<T, Wrong> {
    move |text| match text.parse::<T>() {
        Ok(number) if number >= min && number <= max => Ok(number),
        _ => accepted(&format!("a whole number from {min} to {max}")),
    }
}

pub(super) fn log_filter(text: &str) -> Result<String, Wrong> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => accepted("error, warn, info, debug, trace, or a list such as info,callout=debug"),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => accepted("text or json"),
    }
}

/// The text with every password in it replaced: `scheme://user:****@host`, `?password=****`, `password=****`.
pub(super) fn masked(text: &str) -> String {
    let mut shown = text.to_owned();
    if let Some((scheme, rest)) = text.split_once("://") {
        // The very last `@`, so that a password that was not percent-encoded is hidden whole.
        if let Some(at) = rest.rfind('@')
            && let Some(colon) = rest[..at].find(':')
        {
            shown = format!("{scheme}://{}:****{}", &rest[..colon], &rest[at..]);
        }
    }
    let Some(start) = shown.to_ascii_lowercase().find("password=") else { return shown };
    let value = start + "password=".len();
    let end = if shown[value..].starts_with('\'') {
        shown[value + 1..].find('\'').map_or(shown.len(), |i| value + i + 2)
    } else {
        shown[value..].find(['&', ' ', '#']).map_or(shown.len(), |i| value + i)
    };
    format!("{}****{}", &shown[..value], &shown[end..])
}
