//! A receiver that decides for itself: what it answers follows from what came, as in a program that somebody wrote to a
//! guide.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::wait::eventually;

/// No request of a test takes this long.
const READ_MAX: Duration = Duration::from_secs(20);

/// A request as such a program sees it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    /// The value of a header, if it came once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(its, _)| its == name);
        let first = found.next()?;
        found.next().is_none().then_some(first.1.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A listener on a free port of 127.0.0.1; it stops when dropped.
pub struct Judge {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<(Asked, u16)>>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Judge {
    /// Answers each request with the status that `judge` gives.
    pub fn start(judge: impl Fn(&Asked) -> u16 + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (seen, stopping) = (Arc::<Mutex<Vec<_>>>::default(), Arc::new(AtomicBool::new(false)));
        let (sees, stops) = (seen.clone(), stopping.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stops.load(Ordering::SeqCst) {
                    return;
                }
                let Some(asked) = read(&stream) else { continue };
                let status = judge(&asked);
                sees.lock().unwrap_or_else(PoisonError::into_inner).push((asked, status));
                let answer =
                    format!("HTTP/1.1 {status} Judged\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                // The sender may be gone already: that is its matter.
                let _ = (&stream).write_all(answer.as_bytes());
            }
        });
        Self { address, seen, stopping, thread: Some(thread) }
    }

    /// Where webhooks lead.
    pub fn url(&self) -> String {
        format!("http://{}/webhook", self.address)
    }

    /// What came, and what was answered, once it is so many.
    pub fn wait_for(&self, count: usize) -> Vec<(Asked, u16)> {
        eventually("requests at the receiver", || {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            (seen.len() >= count).then(|| seen.clone())
        })
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Lets `accept` return.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    stream.set_read_timeout(Some(READ_MAX)).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body })
}
