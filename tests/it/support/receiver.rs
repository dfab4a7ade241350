//! A receiver to aim webhooks at, on a free port of 127.0.0.1.
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

pub use callout::cli::receiver::{Behaviour, Misbehaviour, Options, Received, Receiver};

/// Longer than any test should take; a wait ends as soon as what it waits for happens.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// One that answers 200 at once.
pub fn start() -> Receiver {
    start_with(Behaviour::default())
}

/// One that answers as told.
pub fn start_with(behaviour: Behaviour) -> Receiver {
    Receiver::start(Options { behaviour, ..Options::default() }).expect("start a receiver")
}

/// Everything received, once `count` requests came in.
pub fn received(receiver: &Receiver, count: u64) -> Vec<Received> {
    assert!(receiver.wait_for(count, WAIT_MAX), "{} of {count} requests came in", receiver.count());
    receiver.received()
}

/// For webhooks' settings: the networks that must be allowed for the receivers of tests.
pub const ALLOW_TARGETS: &str = "127.0.0.0/8";

/// One that speaks TLS, and the certificate to trust for it (PEM). The names may be addresses.
pub fn start_tls(names: &[&str]) -> (Receiver, String) {
    let builder = rustls::ServerConfig::builder();
    start_tls_with(names, builder.with_no_client_auth())
}

/// One that speaks only this version of TLS and lets only those in who show a certificate under this authority.
pub fn start_tls_demanding(
    names: &[&str],
    authority: &CertificateDer<'static>,
    version: &'static rustls::SupportedProtocolVersion,
) -> (Receiver, String) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.clone()).expect("an authority");
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier");
    let builder = rustls::ServerConfig::builder_with_protocol_versions(&[version]);
    start_tls_with(names, builder.with_client_cert_verifier(verifier))
}

fn start_tls_with(
    names: &[&str],
    builder: rustls::ConfigBuilder<rustls::ServerConfig, rustls::server::WantsServerCert>,
) -> (Receiver, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let tls = builder.with_single_cert(vec![made.cert.der().clone()], key).expect("a TLS configuration");
    let options = Options { tls: Some(Arc::new(tls)), ..Options::default() };
    (Receiver::start(options).expect("start a receiver"), made.cert.pem())
}
