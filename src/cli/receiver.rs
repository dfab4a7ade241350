//! `callout receiver`: something to aim webhooks at, which can be told to fail in every way. Tests run it in-process.
use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use crate::base::clock::Clock;

mod behaviour;
mod command;
mod connection;
mod wire;

pub use behaviour::{Behaviour, Misbehaviour};
pub use command::{Args, run};

/// Requests that `GET /_received` can tell; older ones are forgotten.
pub const RECEIVED_MAX: usize = 10_000;
/// The same in bytes of body, so that big bodies cannot fill the memory.
const RECEIVED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What a receiver is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How it answers until told otherwise.
    pub behaviour: Behaviour,
    /// Whether each request is a line on stdout.
    pub prints: bool,
    /// Requests kept for [`Receiver::received`], at most [`RECEIVED_MAX`]; 0 only counts them.
    pub keep: usize,
    /// With a certificate it speaks TLS instead of plain HTTP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Default for Options {
    /// A silent one that answers 200 on a free port of 127.0.0.1.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            behaviour: Behaviour::default(),
            prints: false,
            keep: RECEIVED_MAX,
            tls: None,
        }
    }
}

/// One request that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it was read whole.
    pub at: OffsetDateTime,
    /// As sent.
    pub method: String,
    /// With its query.
    pub path: String,
    /// In the order they came, names in small letters.
    pub headers: Vec<(String, String)>,
    /// As sent, chunks put together.
    pub body: Bytes,
}

impl Received {
    /// The first header of this name (small letters), if it came.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A running receiver; it stops when dropped.
pub struct Receiver {
    address: SocketAddr,
    is_tls: bool,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Receiver {
    /// Listens at once, on a thread of its own. Fails when the address cannot be had.
    pub fn start(options: Options) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::new(Shared::new(&options));
        let (stop, stopped) = oneshot::channel();
        let (for_thread, is_tls) = (Arc::clone(&shared), options.tls.is_some());
        let thread = std::thread::Builder::new().name("receiver".to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    _ = accept(listener, options.tls, for_thread) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, is_tls, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://address` and the path (which begins with a slash), or `https` with a certificate.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.is_tls { "https" } else { "http" }, self.address)
    }

    /// What came in, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().received.iter().cloned().collect()
    }

    /// How many came in since the start or the last [`Receiver::clear`], kept or not.
    pub fn count(&self) -> u64 {
        self.shared.lock().count
    }

    /// Forgets what came in.
    pub fn clear(&self) {
        self.shared.clear();
    }

    /// Answers differently from the next request on.
    pub fn set(&self, behaviour: Behaviour) {
        self.shared.lock().behaviour = behaviour;
    }

    /// Waits until `count` requests came in; false when `limit` ran out first.
    pub fn wait_for(&self, count: u64, limit: Duration) -> bool {
        let state = self.shared.lock();
        let waited = self.shared.arrival.wait_timeout_while(state, limit, |state| state.count < count);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// As [`Receiver::wait_for`], without a limit, for asynchronous code.
    pub async fn arrived(&self, count: u64) {
        let mut counts = self.shared.counts.subscribe();
        // The sender lives in `shared`, so this cannot fail.
        let _ = counts.wait_for(|now| *now >= count).await;
    }

    /// Closes the listener and every connection, and waits until that is done.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.end();
    }
}

async fn accept(
    listener: std::net::TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    shared: Arc<Shared>,
) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let tls = tls.map(tokio_rustls::TlsAcceptor::from);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some connection has to end first.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            match tls {
                None => connection::serve(stream, shared).await,
                Some(tls) => connection::serve(tls.accept(stream).await?, shared).await,
            }
        });
    }
}

struct State {
    behaviour: Behaviour,
    received: VecDeque<Received>,
    received_bytes: usize,
    count: u64,
}

struct Shared {
    state: Mutex<State>,
    arrival: Condvar,
    counts: watch::Sender<u64>,
    answered: AtomicU64,
    clock: Clock,
    prints: bool,
    keep: usize,
}

impl Shared {
    fn new(options: &Options) -> Self {
        let state = State {
            behaviour: options.behaviour.clone(),
            received: VecDeque::new(),
            received_bytes: 0,
            count: 0,
        };
        Self {
            state: Mutex::new(state),
            arrival: Condvar::new(),
            counts: watch::Sender::new(0),
            answered: AtomicU64::new(0),
            clock: Clock::system(),
            prints: options.prints,
            keep: options.keep.min(RECEIVED_MAX),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn behaviour_for(&self, path: &str) -> Behaviour {
        self.lock().behaviour.for_path(path)
    }

    /// A number for the next request, in no visible pattern, but the same in every run.
    fn drawn(&self) -> u64 {
        let number = self.answered.fetch_add(1, Ordering::Relaxed);
        // Fibonacci hashing (Knuth, TAOCP 6.4) spreads neighbouring numbers.
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
    }

    fn clear(&self) {
        let mut state = self.lock();
        state.received.clear();
        (state.received_bytes, state.count) = (0, 0);
        self.counts.send_replace(0);
    }

    fn record(&self, request: wire::Request, behaviour: &Behaviour, status: u16) {
        let wire::Request { method, path, headers, body, .. } = request;
        let received = Received { at: self.clock.now(), method, path, headers, body };
        if self.prints {
            // A reader that went away (`| head`) is no reason to stop receiving.
            let _ = writeln!(io::stdout().lock(), "{}", command::line_of(&received, behaviour, status));
        }
        let mut state = self.lock();
        state.count += 1;
        if self.keep > 0 {
            state.received_bytes += received.body.len();
            state.received.push_back(received);
            while state.received.len() > self.keep || state.received_bytes > RECEIVED_BYTES_MAX {
                let Some(oldest) = state.received.pop_front() else { break };
                state.received_bytes -= oldest.body.len();
            }
        }
        self.counts.send_replace(state.count);
        self.arrival.notify_all();
    }

    /// `[{"at", "method", "path", "headers": {name: value}, "body"}]`, oldest first; doubled headers joined by a comma.
    fn received_json(&self) -> Vec<u8> {
        let received = self.received_list();
        let list: Vec<serde_json::Value> = received
            .iter()
            .map(|one| {
                let mut headers = serde_json::Map::new();
                for (name, value) in &one.headers {
                    let joined = match headers.get(name).and_then(|old| old.as_str()) {
                        Some(old) => format!("{old}, {value}"),
                        None => value.clone(),
                    };
                    headers.insert(name.clone(), joined.into());
                }
                serde_json::json!({
                    "at": one.at.format(&Rfc3339).unwrap_or_default(),
                    "method": one.method,
                    "path": one.path,
                    "headers": headers,
                    "body": one.text(),
                })
            })
            .collect();
        serde_json::Value::Array(list).to_string().into_bytes()
    }

    fn received_list(&self) -> Vec<Received> {
        self.lock().received.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
