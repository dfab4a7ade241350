//! The receiver of a run: answers everything 200 at once (or 503 while it is away), writes down what came, and verifies a
//! sample of signatures.
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::connection::{BLANK_LINE, find, header};
use super::ledger::Ledger;
use crate::base::clock::Clock;
use crate::rules::signing::{self, Received, Secret, TOLERANCE_S};

/// One of so many requests has its signature verified.
const VERIFY_ONE_OF: u64 = 64;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nok";
const AWAY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\ncontent-type: text/plain\r\n\r\naway";
/// What stands before an event's number in a body.
const MARK: &[u8] = br#""bench_event":""#;
/// The paths of the webhooks, each with its number behind.
const PATH: &str = "/webhook/";

struct Shared {
    ledger: Arc<Ledger>,
    /// By the webhook's number; known once the webhooks are made.
    secrets: OnceLock<Vec<Secret>>,
    is_away: AtomicBool,
    came: AtomicU64,
    verified: AtomicU64,
    wrong: AtomicU64,
}

/// A running receiver; it ends with the program.
pub(super) struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Sink {
    /// Listens on a free port of 127.0.0.1, on a thread of its own.
    pub(super) fn start(ledger: Arc<Ledger>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            ledger,
            secrets: OnceLock::new(),
            is_away: AtomicBool::new(false),
            came: AtomicU64::new(0),
            verified: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let kept = shared.clone();
        std::thread::Builder::new().name("receiver".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, kept.clone()));
                }
            });
        })?;
        Ok(Self { address, shared })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the webhook of this number is to call.
    pub(super) fn target_url(&self, webhook: u16) -> String {
        format!("http://{}{PATH}{webhook}", self.address)
    }

    /// The secrets of the webhooks, in the order of their numbers.
    pub(super) fn expect_secrets(&self, secrets: Vec<Secret>) {
        let _ = self.shared.secrets.set(secrets);
    }

    /// From now on it answers 503.
    pub(super) fn go_away(&self) {
        self.shared.is_away.store(true, Relaxed);
    }

    /// From now on it answers 200 again.
    pub(super) fn come_back(&self) {
        self.shared.is_away.store(false, Relaxed);
    }

    /// How many signatures were verified, and how many were wrong.
    pub(super) fn signatures(&self) -> (u64, u64) {
        (self.shared.verified.load(Relaxed), self.shared.wrong.load(Relaxed))
    }
}

/// Serves one connection. Errors only mean that the sender went away.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = BytesMut::with_capacity(8 * 1024);
    loop {
        let whole = find(&buffer, BLANK_LINE).and_then(|end| {
            let body = end + BLANK_LINE.len();
            let length: usize = header(&buffer[..end], "content-length")?.parse().ok()?;
            (buffer.len() >= body + length).then_some((body, length))
        });
        let Some((body, length)) = whole else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let request = buffer.split_to(body + length);
        let answer = shared.note(&request[..body], &request[body..]);
        stream.write_all(answer).await?;
    }
}

impl Shared {
    /// Writes a request down and tells the answer.
    fn note(&self, head: &[u8], body: &[u8]) -> &'static [u8] {
        // Of the baseline: in no book.
        let Some(webhook) = webhook_of(head) else { return ANSWER };
        let event = event_of(body).unwrap_or(u32::MAX);
        if self.is_away.load(Relaxed) {
            self.ledger.turned_away(event, webhook);
            return AWAY;
        }
        let id = header(head, "webhook-id").unwrap_or_default();
        self.ledger.arrived(event, webhook, hash(id));
        if self.came.fetch_add(1, Relaxed).is_multiple_of(VERIFY_ONE_OF) {
            self.verify(head, body, webhook, id);
        }
        ANSWER
    }

    fn verify(&self, head: &[u8], body: &[u8], webhook: usize, id: &str) {
        let Some(secret) = self.secrets.get().and_then(|secrets| secrets.get(webhook)) else { return };
        let timestamp =
            header(head, "webhook-timestamp").and_then(|text| text.parse().ok()).unwrap_or_default();
        let signature = header(head, "webhook-signature").unwrap_or_default();
        let now = Clock::system().now().unix_timestamp();
        let received = Received { id, timestamp, signature };
        self.verified.fetch_add(1, Relaxed);
        if signing::verify(secret, &received, &[body], now, TOLERANCE_S).is_err() {
            self.wrong.fetch_add(1, Relaxed);
        }
    }
}

/// The number behind [`PATH`].
fn webhook_of(head: &[u8]) -> Option<usize> {
    let path = head.strip_prefix(b"POST ")?.strip_prefix(PATH.as_bytes())?;
    let digits = path.split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn event_of(body: &[u8]) -> Option<u32> {
    let begin = find(body, MARK)? + MARK.len();
    std::str::from_utf8(body.get(begin..begin + 10)?).ok()?.parse().ok()
}

/// FNV-1a: only to tell ids apart.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_its_webhook_and_its_event() {
        assert_eq!(webhook_of(b"POST /webhook/12 HTTP/1.1\r\n"), Some(12));
        assert_eq!(webhook_of(b"POST /v1/events HTTP/1.1\r\n"), None);
        assert_eq!(event_of(br#"{"data":{"bench_event":"0000000042","id":1}}"#), Some(42));
        assert_eq!(event_of(br#"{"data":{"bench_event":"12"#), None);
    }
}
