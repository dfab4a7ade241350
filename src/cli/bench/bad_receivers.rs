//! Three receivers that a webhook product must bear: one hangs, one drips its answer byte by byte, one refuses.
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Between two bytes of the answer that drips.
const DRIP_EVERY: Duration = Duration::from_millis(100);
/// Its beginning; the body never ends.
const DRIPPING: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 10000000\r\n\r\n";

/// The three, running; they end with the program.
pub(super) struct BadReceivers {
    hangs: SocketAddr,
    drips: SocketAddr,
    refuses: SocketAddr,
    requests: Arc<Requests>,
    /// Bound and never listening: the port stays ours, and every connection to it is refused.
    _unheard: TcpSocket,
}

/// Connections that came, each for one request. Those that were refused nobody can count.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) hung: AtomicU64,
    pub(super) dripped: AtomicU64,
}

impl BadReceivers {
    /// Starts them on free ports of 127.0.0.1, on a thread of their own.
    pub(super) fn start() -> io::Result<Self> {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let unheard = TcpSocket::new_v4()?;
        unheard.bind(free)?;
        let listen = || -> io::Result<_> {
            let listener = std::net::TcpListener::bind(free)?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let ((hangs, hanging), (drips, dripping)) = (listen()?, listen()?);
        let requests = Arc::new(Requests::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let counted = requests.clone();
        std::thread::Builder::new().name("bad receivers".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let (hanging, dripping) = (TcpListener::from_std(hanging), TcpListener::from_std(dripping));
                let (Ok(hanging), Ok(dripping)) = (hanging, dripping) else { return };
                loop {
                    tokio::select! {
                        Ok((stream, _)) = hanging.accept() => {
                            counted.hung.fetch_add(1, Relaxed);
                            tokio::spawn(hang(stream));
                        }
                        Ok((stream, _)) = dripping.accept() => {
                            counted.dripped.fetch_add(1, Relaxed);
                            tokio::spawn(drip(stream));
                        }
                        else => return,
                    }
                }
            });
        })?;
        Ok(Self { hangs, drips, refuses: unheard.local_addr()?, requests, _unheard: unheard })
    }

    /// Each with what it does.
    pub(super) fn addresses(&self) -> [(&'static str, SocketAddr); 3] {
        [("hangs", self.hangs), ("drips", self.drips), ("refuses", self.refuses)]
    }

    /// What came.
    pub(super) fn requests(&self) -> &Requests {
        &self.requests
    }
}

/// Takes the request and says nothing, until the sender has had enough.
async fn hang(mut stream: TcpStream) -> io::Result<()> {
    let mut taken = [0; 4 * 1024];
    while stream.read(&mut taken).await? > 0 {}
    Ok(())
}

/// Answers a byte at a time, until the sender has had enough.
async fn drip(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut taken = [0; 4 * 1024];
    if stream.read(&mut taken).await? == 0 {
        return Ok(());
    }
    for byte in DRIPPING.iter().chain(std::iter::repeat(&b'.')) {
        stream.write_all(&[*byte]).await?;
        tokio::time::sleep(DRIP_EVERY).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn one_says_nothing_one_says_it_slowly_and_one_is_not_there() {
        let bad = BadReceivers::start().expect("receivers");
        let [(_, hangs), (_, drips), (_, refuses)] = bad.addresses();
        let refused = std::net::TcpStream::connect(refuses).expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let ask = |address| {
            let mut stream = std::net::TcpStream::connect(address).expect("a connection");
            stream.set_read_timeout(Some(Duration::from_millis(250))).expect("a time limit");
            stream.write_all(b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n").expect("sent");
            let mut answer = [0; 64];
            stream.read(&mut answer).map(|n| String::from_utf8_lossy(&answer[..n]).into_owned())
        };
        let dripped = ask(drips).expect("a byte");
        assert!(!dripped.is_empty() && DRIPPING.starts_with(dripped.as_bytes()), "{dripped}");
        assert!(ask(hangs).is_err());
        let came = bad.requests();
        assert_eq!((came.hung.load(Relaxed), came.dripped.load(Relaxed)), (1, 1));
    }
}
