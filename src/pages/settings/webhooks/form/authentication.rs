//! What requests carry beside the standard signature, as it is typed: secrets come from the form and never go back into
//! it, but into the page that refuses what was typed with them.
use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use crate::models::webhooks::{AuthenticationDraft, Problem, Settings};
use crate::rules::authentication::{Authentication, HEADERS_MAX, Hidden};
use crate::web::RawForm;

/// Rows for further headers, for whoever has no script to ask for more.
const SPARE_ROWS: usize = 2;

/// A secret as it was typed. Its debug output hides it.
#[derive(Clone, Default, PartialEq)]
pub struct TypedSecret(Zeroizing<String>);

impl std::hash::Hash for TypedSecret {
    fn hash<H: std::hash::Hasher>(&self, to: &mut H) {
        self.0.as_str().hash(to);
    }
}

impl TypedSecret {
    fn of(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was typed, or none if nothing was.
    fn draft(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.0.to_string())
    }
}

impl fmt::Display for TypedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TypedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedSecret(…)")
    }
}

/// How requests authenticate themselves; what belongs to a kind that is not chosen stays typed.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
#[allow(missing_docs)]
pub struct AuthenticationFields {
    /// `none`, `bearer`, `basic` or `api_key`.
    pub kind: String,
    pub token: TypedSecret,
    pub username: String,
    pub password: TypedSecret,
    pub header: String,
    /// Empty for a stored key, or for one that Callout makes.
    pub key: TypedSecret,
}

impl AuthenticationFields {
    /// What may be read of a stored one.
    pub fn of(stored: &Authentication) -> Self {
        let name = |kind: &str| if stored.kind() == kind { stored.name().to_owned() } else { String::new() };
        Self {
            kind: stored.kind().to_owned(),
            username: name("basic"),
            header: name("api_key"),
            ..Self::default()
        }
    }

    /// As a browser sends it.
    pub fn typed(raw: &RawForm) -> Self {
        Self {
            kind: raw.text("authentication").to_owned(),
            token: TypedSecret::of(raw.text("token")),
            username: raw.text("username").to_owned(),
            password: TypedSecret::of(raw.text("password")),
            header: raw.text("key_header").to_owned(),
            key: TypedSecret::of(raw.text("key")),
        }
    }

    /// What it asks for; a secret that was not typed stays as it is stored.
    pub fn draft(&self) -> Option<AuthenticationDraft> {
        match self.kind.as_str() {
            "none" => Some(AuthenticationDraft::None),
            "bearer" => Some(AuthenticationDraft::Bearer { token: self.token.draft() }),
            "basic" => Some(AuthenticationDraft::Basic {
                username: Some(self.username.trim().to_owned()),
                password: self.password.draft(),
            }),
            "api_key" => Some(AuthenticationDraft::ApiKey {
                header: Some(self.header.trim().to_owned()).filter(|name| !name.is_empty()),
                value: self.key.draft(),
            }),
            _ => None,
        }
    }

    /// Whether the chosen kind's secret was typed.
    pub fn has_secret(&self) -> bool {
        let secret = match self.kind.as_str() {
            "bearer" => &self.token,
            "basic" => &self.password,
            _ => &self.key,
        };
        !secret.is_empty()
    }
}

/// An extra header as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
#[allow(missing_docs)]
pub struct HeaderRow {
    pub name: String,
    pub value: TypedSecret,
}

impl HeaderRow {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.name.trim().is_empty() && self.value.is_empty()
    }
}

/// The rows of stored headers.
pub(super) fn rows_of(settings: &Settings) -> Vec<HeaderRow> {
    let row = |name: &String| HeaderRow { name: name.clone(), value: TypedSecret::default() };
    with_room(settings.headers.iter().map(|header| row(&header.name)).collect())
}

/// The rows as a browser sends them.
pub(super) fn rows_typed(raw: &RawForm) -> Vec<HeaderRow> {
    let pairs = raw.all("header_name").zip(raw.all("header_value"));
    let rows = pairs.map(|(name, value)| HeaderRow { name: name.to_owned(), value: TypedSecret::of(value) });
    with_room(rows.filter(|row| !row.is_empty()).collect())
}

fn with_room(mut rows: Vec<HeaderRow>) -> Vec<HeaderRow> {
    let spare = SPARE_ROWS.min(HEADERS_MAX.saturating_sub(rows.len()));
    rows.extend(std::iter::repeat_n(HeaderRow::default(), spare));
    rows
}

/// All that are asked for; a value that was not typed stays as it is stored.
pub(super) fn drafted(rows: &[HeaderRow]) -> Vec<(String, Option<String>)> {
    rows.iter().filter(|row| !row.is_empty()).map(|row| (row.name.clone(), row.value.draft())).collect()
}

/// What we show to a receiver that asks who we are, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
#[allow(missing_docs)]
pub struct CertificateFields {
    /// PEM, the chain.
    pub certificate: String,
    /// PEM.
    pub key: TypedSecret,
    /// Takes the stored one away.
    pub is_removed: bool,
}

impl CertificateFields {
    /// As a browser sends it.
    pub fn typed(raw: &RawForm) -> Self {
        let text = |name: &str| raw.text(name).replace("\r\n", "\n");
        Self {
            certificate: text("certificate"),
            key: TypedSecret::of(&text("certificate_key")),
            is_removed: raw.is_checked("certificate_removed"),
        }
    }

    /// What it asks for: nothing of what is stored if nothing was typed.
    pub fn draft(&self) -> Result<Option<Option<Option<String>>>, Problem> {
        let (certificate, key) = (self.certificate.trim(), self.key.0.trim());
        let wrong = |message: &str| Err(Problem::new("client_certificate", message));
        match (certificate.is_empty(), key.is_empty()) {
            (true, true) if self.is_removed => Ok(Some(None)),
            (true, true) => Ok(None),
            (true, false) => wrong("Paste the certificate too."),
            (false, true) => wrong("Paste the certificate's private key too."),
            (false, false) if !certificate.contains("-----BEGIN CERTIFICATE-----") => {
                wrong("A certificate in PEM form begins with -----BEGIN CERTIFICATE-----.")
            }
            (false, false) if !key.contains("PRIVATE KEY-----") => {
                wrong("A private key in PEM form begins with -----BEGIN PRIVATE KEY-----.")
            }
            (false, false) => Ok(Some(Some(Some(format!("{certificate}\n{key}\n"))))),
        }
    }
}

/// What may be said of secrets that are stored and are kept where nothing is typed.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    kind: &'static str,
    authentication: Option<String>,
    headers: BTreeMap<String, String>,
    /// Of certificate and key.
    pub certificate: Option<String>,
}

impl Kept {
    /// Of a webhook that exists, or that is copied.
    pub fn of(stored: Option<&Settings>) -> Self {
        let Some(stored) = stored else { return Self::default() };
        let fingerprint = |value: &Hidden| value.fingerprint().map(str::to_owned);
        Self {
            kind: stored.authentication.kind(),
            authentication: stored.authentication.value().and_then(fingerprint),
            headers: stored
                .headers
                .iter()
                .filter_map(|header| Some((header.name.clone(), fingerprint(&header.value)?)))
                .collect(),
            certificate: stored.client_certificate.as_ref().and_then(fingerprint),
        }
    }

    /// The fingerprint of the secret that this kind of authentication has.
    pub fn secret(&self, kind: &str) -> Option<&str> {
        self.authentication.as_deref().filter(|_| self.kind == kind)
    }

    /// The fingerprint of an extra header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.trim().to_ascii_lowercase()).map(String::as_str)
    }
}
