//! Which certificates are trusted and shown, and which protocols are spoken.
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, RootCertStore, SignatureScheme};
use time::OffsetDateTime;

use super::certificate::{self, CertificateError};
use super::stream::TRACE;

/// Sessions that a webhook with a certificate keeps to begin again faster: it calls one host.
const OWN_SESSIONS: usize = 4;

/// Why the extra certificates could not be read.
#[derive(Debug)]
pub struct TlsError {
    path: PathBuf,
    why: String,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(
            f,
            "CALLOUT_EXTRA_CA names {path}, which could not be read: {}. Give a PEM file of certificates.",
            self.why
        )
    }
}

impl std::error::Error for TlsError {}

/// How TLS is spoken: TLS 1.2 and 1.3, HTTP/1.1 only.
#[derive(Clone)]
pub struct Tls {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    /// For all webhooks without a certificate of their own.
    anonymous: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts Mozilla's roots and those in `extra_ca` (PEM).
    pub fn new(extra_ca: Option<&Path>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = extra_ca {
            let wrong = |why: String| TlsError { path: path.to_owned(), why };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
            let mut found = 0;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
                found += 1;
            }
            if found == 0 {
                return Err(wrong("it holds no certificate".to_owned()));
            }
        }
        let (roots, provider) = (Arc::new(roots), Arc::new(rustls::crypto::ring::default_provider()));
        let anonymous = config(&roots, &provider)
            .map_err(|error| TlsError { path: PathBuf::new(), why: error.to_string() })?;
        Ok(Self { roots, provider, anonymous: Arc::new(anonymous) })
    }

    /// For a webhook without a certificate.
    pub(super) fn anonymous(&self) -> Arc<ClientConfig> {
        self.anonymous.clone()
    }

    /// For a webhook that shows this chain, with its key (PEM).
    pub(super) fn identified(&self, pem: &str) -> Result<Arc<ClientConfig>, CertificateError> {
        let certified = certificate::read(pem, &self.provider)?;
        let mut config = config(&self.roots, &self.provider).map_err(|_| CertificateError::UnusableKey)?;
        config.client_auth_cert_resolver = Arc::new(Shown(Some(certified)));
        // A resumed session stays with whom it began with: none is shared between webhooks.
        config.resumption = Resumption::in_memory_sessions(OWN_SESSIONS);
        Ok(Arc::new(config))
    }

    /// Whether a chain with its key (PEM) can be shown to receivers at `now`; the sentence is worth saying.
    pub fn judge_certificate(
        &self,
        pem: &str,
        now: OffsetDateTime,
    ) -> Result<Option<String>, CertificateError> {
        let certified = certificate::read(pem, &self.provider)?;
        certificate::in_its_time(&certified, now)
    }
}

/// What is shown to receivers that ask who calls them; the exchange under way remembers that one did.
#[derive(Debug)]
struct Shown(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let _ = TRACE.try_with(|trace| trace.asked_who.set(true));
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

fn config(roots: &Arc<RootCertStore>, provider: &Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots.clone())
        .with_client_cert_resolver(Arc::new(Shown(None)));
    // Receivers gain nothing from HTTP/2, and the client cannot share its connections.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// What TLS has to say about an I/O error, if it comes from there. With TLS 1.3 a receiver that wants another certificate
/// says so only when the request is already under way.
pub(super) fn in_tls_words(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match error {
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "The receiver demands a client certificate, and was shown none.".to_owned()
        }
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied),
        ) => {
            format!(
                "The receiver does not accept the client certificate it was shown, or wants one (TLS alert {alert:?})."
            )
        }
        other => other.to_string(),
    })
}
