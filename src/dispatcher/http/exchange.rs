//! One request and its response, within a limit over the whole of it.
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use awc::error::{PayloadError, SendRequestError};
use awc::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::Egress;
use super::connect::{Guard, in_words};
use super::stream::{TRACE, Trace};
use super::tls::in_tls_words;
use crate::models::deliveries::{Failure, FailureKind, Response, Timings};
use crate::rules::request::RESPONSE_BYTES_MAX;
use crate::rules::target::Target;

/// An idle connection is used again for so long. Common servers close after 60 s and more; below, some after 5.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Bounds how long a verdict on an address lives.
const CONNECTION_LIFETIME: Duration = Duration::from_secs(75);
/// awc wants a limit of its own per step; ours covers the whole and is always shorter.
const STEP_MAX: Duration = Duration::from_secs(60);

/// How many kept connections that turn out to be closed are passed over.
const STALE_CONNECTIONS_MAX: u32 = 3;

type Answer = awc::ClientResponse<Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>>;

/// Sends to one webhook. Not `Send`: it lives on its dispatcher thread, and dropping it closes its connections.
pub struct Sender {
    client: awc::Client,
    url: String,
    host: HeaderValue,
    egress: Egress,
}

/// What is sent.
#[derive(Debug)]
pub struct Request {
    /// Name and value, ready to send.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The whole body.
    pub body: Bytes,
    /// Covers look-up, connection, TLS, request and response with its body.
    pub limit: Duration,
}

/// What came of it.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Exchanged {
    pub address: Option<String>,
    /// As far as it came, also when something failed after the head.
    pub response: Option<Response>,
    pub failure: Option<Failure>,
    pub timings: Timings,
}

impl Sender {
    /// A client of at most `connections_max` connections to `target`, where it shows `certificate` (a chain and its key,
    /// PEM) to whoever asks for one. With one that cannot be used, every exchange fails.
    pub fn new(egress: &Egress, target: &Target, certificate: Option<&str>, connections_max: usize) -> Self {
        let secure = !target.is_plain_http();
        let tls = match certificate {
            Some(pem) if secure => egress.tls.identified(pem),
            _ => Ok(egress.tls.anonymous()),
        };
        let connector = awc::Connector::new()
            .connector(Guard { egress: egress.clone(), secure, tls })
            .limit(connections_max)
            .timeout(STEP_MAX)
            .handshake_timeout(STEP_MAX)
            .conn_keep_alive(KEEP_ALIVE)
            .conn_lifetime(CONNECTION_LIFETIME);
        // The connector speaks TLS itself, so to awc every address is a plain one with its port.
        let plain = format!("http://{}:{}{}", target.host(), target.port(), target.path_and_query());
        let host = target.authority();
        let client = awc::Client::builder()
            .connector(connector)
            .disable_redirects()
            .disable_timeout()
            .no_default_headers()
            .finish();
        // A parsed URL's host is ASCII without control characters.
        let host = HeaderValue::from_str(&host).unwrap_or_else(|_| HeaderValue::from_static("invalid"));
        Self { client, url: plain, host, egress: egress.clone() }
    }

    /// The `host` header.
    pub fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Sends and reads the answer. Whatever happens is in the result.
    pub async fn exchange(&self, request: &Request) -> Exchanged {
        let trace = Rc::new(Trace::new(self.egress.clock.stopwatch()));
        let mut response = None;
        let within = tokio::time::timeout(
            request.limit,
            TRACE.scope(trace.clone(), self.attempt(request, &trace, &mut response)),
        );
        let failure = match within.await {
            Ok(result) => result.err(),
            Err(_) => Some(timed_out(request.limit, &trace, response.is_some())),
        };
        Exchanged {
            address: trace.address.get().map(|address| address.to_string()),
            response,
            failure,
            timings: Timings {
                dns_us: trace.dns_us.get(),
                connect_us: trace.connect_us.get(),
                tls_us: trace.tls_us.get(),
                first_byte_us: trace.first_byte_us.get(),
                total_us: trace.watch.elapsed_us(),
            },
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        trace: &Trace,
        place: &mut Option<Response>,
    ) -> Result<(), Failure> {
        let mut sent = self.send(request).await;
        // A kept connection may have been closed by the receiver while idle; that says nothing about the receiver.
        let mut tries_left = STALE_CONNECTIONS_MAX;
        while sent.is_err() && tries_left > 0 && !trace.connected.get() && trace.first_byte_us.get().is_none()
        {
            tries_left -= 1;
            sent = self.send(request).await;
        }
        let mut answer = match sent {
            Ok(answer) => answer,
            Err(error) => return Err(trace.failure.take().unwrap_or_else(|| told(explained(error), trace))),
        };
        let response = place.insert(Response {
            status: answer.status().as_u16(),
            headers: readable(answer.headers()),
            body: Vec::new(),
            truncated: false,
        });
        while let Some(chunk) = answer.next().await {
            let chunk = chunk
                .map_err(|error| Failure::new(FailureKind::Body, format!("The answer broke off: {error}")))?;
            let room = RESPONSE_BYTES_MAX - response.body.len();
            if chunk.len() > room {
                response.body.extend_from_slice(&chunk[..room]);
                response.truncated = true;
                break;
            }
            response.body.extend_from_slice(&chunk);
        }
        // awc takes a connection that ends for the end of the body, also where a length or the last chunk is missing.
        let has_end = answer.headers().contains_key(header::CONTENT_LENGTH)
            || answer.headers().contains_key(header::TRANSFER_ENCODING);
        if trace.closed.get() && has_end && !response.truncated {
            let detail = "The receiver closed the connection before its answer was complete.";
            return Err(Failure::new(FailureKind::Body, detail));
        }
        Ok(())
    }

    async fn send(&self, request: &Request) -> Result<Answer, SendRequestError> {
        let mut building = self.client.post(&self.url);
        for (name, value) in &request.headers {
            building = building.append_header((name.clone(), value.clone()));
        }
        building.no_decompress().send_body(request.body.clone()).await
    }
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

fn timed_out(limit: Duration, trace: &Trace, head_came: bool) -> Failure {
    let where_it_stood = if head_came {
        "the answer's body was not complete"
    } else if trace.first_byte_us.get().is_some() {
        "the answer's head was not complete"
    } else if trace.address.get().is_some() {
        "connected, but no answer came"
    } else if trace.at_proxy.get() {
        "the outbound proxy gave no connection"
    } else {
        "no connection came about"
    };
    let seconds = limit.as_secs_f64();
    Failure::new(FailureKind::Timeout, format!("Not done within {seconds} s: {where_it_stood}."))
}

fn explained(error: SendRequestError) -> Failure {
    use actix_http::error::ParseError;
    use awc::error::ConnectError;
    match error {
        SendRequestError::Connect(ConnectError::Disconnected) => {
            Failure::new(FailureKind::Reset, "The receiver closed the connection without an answer.")
        }
        SendRequestError::Connect(ConnectError::Io(error)) | SendRequestError::Send(error) => {
            broken_off(&error)
        }
        SendRequestError::Response(ParseError::Io(error)) => broken_off(&error),
        SendRequestError::Connect(error) => Failure::new(FailureKind::Connect, error.to_string()),
        SendRequestError::Response(error) => {
            Failure::new(FailureKind::Body, format!("The answer was not understood as HTTP: {error}"))
        }
        other => Failure::new(FailureKind::Reset, other.to_string()),
    }
}

/// Who is not let in for want of the right certificate may see no more of it than a connection that ends: with TLS 1.3 the
/// request is under way by then, and the receiver's word can get lost.
fn told(failure: Failure, trace: &Trace) -> Failure {
    let is_at_the_door = trace.asked_who.get() && trace.first_byte_us.get().is_none();
    if failure.kind != FailureKind::Reset || !is_at_the_door {
        return failure;
    }
    let detail = "The receiver asked for a client certificate and then broke off the connection: it was shown none, or \
                  none that it accepts.";
    Failure::new(FailureKind::Tls, detail)
}

fn broken_off(error: &std::io::Error) -> Failure {
    match in_tls_words(error) {
        Some(why) => Failure::new(FailureKind::Tls, why),
        None => Failure::new(FailureKind::Reset, in_words(error)),
    }
}
