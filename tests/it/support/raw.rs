//! Receivers that do not even speak HTTP: a listener that answers every connection with given bytes and closes it.
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// No sender of tests takes this long for a request's head.
const HEAD_MAX: Duration = Duration::from_secs(10);
const DRAIN_MAX: Duration = Duration::from_millis(200);

/// A listener on a free port of 127.0.0.1; it stops when dropped.
pub struct RawReceiver {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    connections: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl RawReceiver {
    /// Reads up to the end of a request's head (or of the connection), writes `answer`, closes.
    pub fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stopping, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stops, counts, answer) = (stopping.clone(), connections.clone(), answer.into());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stops.load(Ordering::SeqCst) {
                    return;
                }
                counts.fetch_add(1, Ordering::SeqCst);
                // The sender may be gone already: that is its matter.
                let _ = answer_one(stream, &answer);
            }
        });
        Self { address, stopping, connections, thread: Some(thread) }
    }

    /// `http://address` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections came.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for RawReceiver {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Lets `accept` return.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer_one(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(HEAD_MAX))?;
    let mut head = Vec::new();
    let mut part = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => break,
            n => head.extend_from_slice(&part[..n]),
        }
        // A TLS greeting has no such end.
        if head.first() == Some(&0x16) {
            break;
        }
    }
    stream.write_all(answer)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Closing with unread bytes would reset the connection; whoever reads the answer should get all of it. A sender
    // that keeps its side open has had the time.
    stream.set_read_timeout(Some(DRAIN_MAX))?;
    while stream.read(&mut part)? > 0 {}
    Ok(())
}

/// A port of 127.0.0.1 where nothing listens, at least for the moment.
pub fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}
