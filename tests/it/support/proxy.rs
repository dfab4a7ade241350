//! An outbound proxy: speaks CONNECT, remembers what it was asked, and leads wherever the test wants.
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What it does with whoever asks.
#[derive(Clone)]
pub enum Way {
    /// Opens a way that ends here, whichever address was asked for: so the public internet is at hand.
    To(SocketAddr),
    /// Answers this and closes.
    Answering(String),
    /// Says nothing until the other side gives up.
    Silent,
}

/// A proxy on a free port; it stops when dropped.
pub struct ConnectProxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ConnectProxy {
    /// One on 127.0.0.1.
    pub fn start(way: Way) -> Self {
        Self::start_on("127.0.0.1:0", way)
    }

    /// One that listens here.
    pub fn start_on(listen: &str, way: Way) -> Self {
        let listener = TcpListener::bind(listen).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, stopping) = (Arc::<Mutex<Vec<_>>>::default(), Arc::new(AtomicBool::new(false)));
        let (remembers, stops) = (asked.clone(), stopping.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stops.load(Ordering::SeqCst) {
                    return;
                }
                let (way, asked) = (way.clone(), remembers.clone());
                // Ends with its connection.
                std::thread::spawn(move || serve(stream, &way, &asked));
            }
        });
        Self { address, asked, stopping, thread: Some(thread) }
    }

    /// As in the settings, with these credentials if any: `user:password@`.
    pub fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}{}", self.address)
    }

    /// The heads of all requests so far, in lower-case lines.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Lets `accept` return.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Errors only mean that one side went away.
fn serve(mut stream: TcpStream, way: &Way, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(String::from_utf8_lossy(&head).trim_end().to_owned());
    match way {
        Way::Silent => drop(stream.read(&mut byte)),
        Way::Answering(answer) => stream.write_all(answer.as_bytes()).ok()?,
        Way::To(address) => {
            let there = TcpStream::connect(address).ok()?;
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nproxy-agent: test\r\n\r\n").ok()?;
            let (from, to) = (stream.try_clone().ok()?, there.try_clone().ok()?);
            let back = std::thread::spawn(move || pass(there, stream));
            pass(from, to);
            back.join().ok()?;
        }
    }
    Some(())
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
