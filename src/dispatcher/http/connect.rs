//! Makes connections: looks the name up, judges every address, connects, speaks TLS.
//!
//! It takes the place of awc's own TCP connector, because a resolver alone never sees literal addresses. The address
//! that was judged is the one that is dialled, so a name that changes its mind finds no gap. TLS is spoken here and
//! not by awc, which lets us time it.
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use futures_util::future::LocalBoxFuture;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Egress;
use super::certificate::CertificateError;
use super::stream::{Inner, TRACE, Trace, Traced};
use super::tls::in_tls_words;
use crate::models::deliveries::{Failure, FailureKind};

/// Connects for one webhook.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) egress: Egress,
    /// Whether this webhook's address says `https`.
    pub(super) secure: bool,
    /// With the webhook's certificate, if it has one that can be used.
    pub(super) tls: Result<Arc<ClientConfig>, CertificateError>,
}

/// The connector said why in the trace; awc only needs to know that it is over.
#[derive(Debug)]
struct Explained;

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was not made")
    }
}

impl std::error::Error for Explained {}

impl Service<ConnectInfo<Uri>> for Guard {
    type Response = Connection<Uri, Traced>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, ConnectError>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let guard = self.clone();
        Box::pin(async move {
            let Ok(trace) = TRACE.try_with(Rc::clone) else { return Err(ConnectError::Unresolved) };
            let host = info.hostname().trim_matches(['[', ']']).to_owned();
            match guard.connect(&host, info.port(), &trace).await {
                Ok(stream) => Ok(Connection::new(info.request().clone(), stream)),
                Err(failure) => {
                    trace.failure.replace(Some(failure));
                    Err(ConnectError::Resolver(Box::new(Explained)))
                }
            }
        })
    }
}

impl Guard {
    async fn connect(&self, host: &str, port: u16, trace: &Trace) -> Result<Traced, Failure> {
        trace.connected.set(true);
        let addresses = self.judged(host, port, trace).await?;
        let tls = if self.secure { Some(self.tls()?) } else { None };
        let before = trace.watch.elapsed_us();
        let (stream, address) = self.dial(&addresses, trace).await?;
        trace.address.set(Some(address));
        trace.connect_us.set(Some(trace.watch.elapsed_us() - before));
        let inner = if let Some(tls) = tls {
            let before = trace.watch.elapsed_us();
            let stream = handshake(tls, host, stream).await?;
            trace.tls_us.set(Some(trace.watch.elapsed_us() - before));
            Inner::Tls(Box::new(stream))
        } else {
            Inner::Plain(stream)
        };
        Ok(Traced::new(inner, address))
    }

    /// The addresses of the host; one bad address condemns the name.
    async fn judged(&self, host: &str, port: u16, trace: &Trace) -> Result<Vec<SocketAddr>, Failure> {
        let addresses = match host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => {
                let before = trace.watch.elapsed_us();
                let found = self.egress.resolver.resolve(host, port).await;
                trace.dns_us.set(Some(trace.watch.elapsed_us() - before));
                found.map_err(|error| {
                    Failure::new(FailureKind::Dns, format!("{host} could not be looked up: {error}"))
                })?
            }
        };
        if addresses.is_empty() {
            return Err(Failure::new(FailureKind::Dns, format!("{host} has no address")));
        }
        for address in &addresses {
            if !self.egress.policy.permits(host, *address) {
                // Which one it is would tell about the inside of the network.
                let detail =
                    "The host leads to an address that may not be called (private, local or reserved).";
                return Err(Failure::new(FailureKind::RefusedAddress, detail));
            }
            if !self.secure && !self.egress.policy.permits_http(host, port, Some(*address)) {
                let detail = "Plain http may not be used to this address. Use https.";
                return Err(Failure::new(FailureKind::RefusedAddress, detail));
            }
        }
        Ok(addresses)
    }

    /// Nothing is sent to whom we cannot identify ourselves.
    fn tls(&self) -> Result<TlsConnector, Failure> {
        let unusable = |error: &CertificateError| {
            let detail =
                format!("Nothing was sent: the webhook's client certificate cannot be used. {error}");
            Failure::new(FailureKind::Tls, detail)
        };
        self.tls.as_ref().map(|tls| TlsConnector::from(tls.clone())).map_err(unusable)
    }

    async fn dial(
        &self,
        addresses: &[SocketAddr],
        trace: &Trace,
    ) -> Result<(TcpStream, SocketAddr), Failure> {
        let mut last = String::new();
        for address in addresses {
            let dialled = match &self.egress.proxy {
                Some(proxy) => {
                    trace.at_proxy.set(true);
                    let connected = proxy.connect(*address).await;
                    trace.at_proxy.set(false);
                    connected
                }
                None => direct(*address).await.map_err(|error| in_words(&error)),
            };
            match dialled {
                Ok(stream) => return Ok((stream, *address)),
                Err(why) => last = format!("{address}: {why}"),
            }
        }
        Err(Failure::new(FailureKind::Connect, last))
    }
}

async fn direct(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn handshake(
    connector: TlsConnector,
    host: &str,
    stream: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failure> {
    let failed = |why: String| Failure::new(FailureKind::Tls, why);
    // A name's root is not part of what certificates and SNI say (RFC 6066, 3).
    let name = host.strip_suffix('.').unwrap_or(host).to_owned();
    let name = ServerName::try_from(name).map_err(|error| failed(error.to_string()))?;
    let connected = connector.connect(name, stream).await;
    connected.map_err(|error| failed(in_tls_words(&error).unwrap_or_else(|| in_words(&error))))
}

/// An I/O error without the number that says nothing to most readers.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused: nothing listens there".to_owned(),
        io::ErrorKind::ConnectionReset => "the receiver reset the connection".to_owned(),
        io::ErrorKind::UnexpectedEof => "the receiver closed the connection too early".to_owned(),
        _ => error.to_string(),
    }
}
