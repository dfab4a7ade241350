//! One connection to the receiver: reads requests, records each, and answers as it was told to behave.
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wire::{self, Parsed, Request};
use super::{Behaviour, Misbehaviour, Shared};

/// How long a dripping answer waits between two bytes: well under any idle time-out, well over a time limit in sum.
const DRIP_EVERY: Duration = Duration::from_millis(100);
const HUGE_CHUNK_BYTES: usize = 64 * 1024;

/// A stream that can be cut off with a reset.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Serves the connection until either side closes it. Errors only mean that the sender went away.
pub(super) async fn serve(mut stream: impl Stream, shared: Arc<Shared>) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(8 * 1024);
    loop {
        match wire::take_request(&mut buffer) {
            Parsed::Request(request) => {
                let keeps_alive = request.keeps_alive;
                let goes_on = if request.path.starts_with("/_received") {
                    stream.write_all(&about_received(&request, &shared)).await?;
                    true
                } else {
                    answer(&mut stream, request, &shared).await?
                };
                if !(goes_on && keeps_alive) {
                    return stream.shutdown().await;
                }
            }
            Parsed::Partial { waits_for_go } => {
                if waits_for_go {
                    stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                }
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
            Parsed::Refused(why) => {
                stream.write_all(&wire::answer(400, &[("connection", "close")], why.as_bytes())).await?;
                return stream.shutdown().await;
            }
        }
    }
}

/// `GET /_received` tells what came, `DELETE /_received` forgets it.
fn about_received(request: &Request, shared: &Shared) -> Vec<u8> {
    let json = [("content-type", "application/json")];
    match request.method.as_str() {
        "GET" => wire::answer(200, &json, &shared.received_json()),
        "DELETE" => {
            shared.clear();
            wire::answer(204, &[], b"")
        }
        _ => wire::answer(405, &[("allow", "GET, DELETE")], b""),
    }
}

/// Answers one request; false when the connection is no longer of use.
async fn answer(stream: &mut impl Stream, request: Request, shared: &Shared) -> io::Result<bool> {
    let behaviour = shared.behaviour_for(&request.path);
    let drawn = shared.drawn();
    let is_to_fail = drawn % 100 < u64::from(behaviour.fail_percent);
    let status = if is_to_fail { 500 } else { behaviour.status };
    let path = request.path.clone();
    // Recorded before the answer: whoever has the answer finds the request among those received.
    shared.record(request, &behaviour, status);
    let delay = behaviour.delay + behaviour.delay_spread.mul_f64((drawn % 1_000) as f64 / 1_000.0);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match behaviour.misbehave {
        None => {
            stream.write_all(&ordinary(&behaviour, status, is_to_fail)).await?;
            Ok(true)
        }
        Some(Misbehaviour::Redirect) => {
            stream.write_all(&wire::answer(302, &[("location", &path)], b"")).await?;
            Ok(true)
        }
        Some(Misbehaviour::Hang) => {
            let mut sink = [0; 1024];
            while stream.read(&mut sink).await? > 0 {}
            Ok(false)
        }
        Some(Misbehaviour::Reset) => {
            stream.tcp().set_zero_linger()?;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Some(Misbehaviour::Drip) => {
            stream.write_all(&endless_head(status)).await?;
            loop {
                stream.write_all(b"1\r\n.\r\n").await?;
                stream.flush().await?;
                tokio::time::sleep(DRIP_EVERY).await;
            }
        }
        Some(Misbehaviour::Huge) => {
            stream.write_all(&endless_head(status)).await?;
            let mut chunk = format!("{HUGE_CHUNK_BYTES:x}\r\n").into_bytes();
            chunk.resize(chunk.len() + HUGE_CHUNK_BYTES, b'x');
            chunk.extend_from_slice(b"\r\n");
            loop {
                stream.write_all(&chunk).await?;
            }
        }
    }
}

fn ordinary(behaviour: &Behaviour, status: u16, is_to_fail: bool) -> Vec<u8> {
    let retry_after = behaviour.retry_after.clone().unwrap_or_default();
    let mut headers = Vec::new();
    if !behaviour.headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type", "text/plain; charset=utf-8"));
    }
    if !retry_after.is_empty() {
        headers.push(("retry-after", &retry_after));
    }
    headers.extend(behaviour.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    wire::answer(status, &headers, if is_to_fail { &behaviour.failure_body } else { &behaviour.body })
}

fn endless_head(status: u16) -> Vec<u8> {
    let mut head = wire::head(status, &[("content-type", "text/plain"), ("transfer-encoding", "chunked")]);
    head.extend_from_slice(b"\r\n");
    head
}
