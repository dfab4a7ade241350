//! A connection that tells the exchange under way where it goes and when it is answered.
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_rt::net::{ActixStream, Ready, TcpStream};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::interim::stripped;
use crate::base::clock::Stopwatch;
use crate::models::deliveries::Failure;

/// What is learnt about an exchange while it runs. The pool hands out connections silently, so the connections
/// themselves leave their traces here.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) watch: Stopwatch,
    pub(super) address: Cell<Option<SocketAddr>>,
    /// A connection was made for this exchange; else a kept one was used.
    pub(super) connected: Cell<bool>,
    pub(super) dns_us: Cell<Option<i32>>,
    pub(super) connect_us: Cell<Option<i32>>,
    pub(super) tls_us: Cell<Option<i32>>,
    pub(super) first_byte_us: Cell<Option<i32>>,
    /// The outbound proxy has been asked for a connection and has not answered yet.
    pub(super) at_proxy: Cell<bool>,
    /// The receiver asked for a client certificate.
    pub(super) asked_who: Cell<bool>,
    /// The receiver closed the connection.
    pub(super) closed: Cell<bool>,
    /// What the connector has to say about a connection that did not come about.
    pub(super) failure: RefCell<Option<Failure>>,
}

impl Trace {
    pub(super) fn new(watch: Stopwatch) -> Self {
        Self {
            watch,
            address: Cell::new(None),
            connected: Cell::new(false),
            dns_us: Cell::new(None),
            connect_us: Cell::new(None),
            tls_us: Cell::new(None),
            first_byte_us: Cell::new(None),
            at_proxy: Cell::new(false),
            asked_who: Cell::new(false),
            closed: Cell::new(false),
            failure: RefCell::new(None),
        }
    }
}

tokio::task_local! {
    /// The exchange that is being polled; connections are polled within it.
    pub(super) static TRACE: Rc<Trace>;
}

/// Plain or TLS.
pub(super) enum Inner {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection to a receiver.
pub(super) struct Traced {
    inner: Inner,
    address: SocketAddr,
    /// What came since the last request, until it is known to be the final answer.
    held: Vec<u8>,
    /// The final answer has begun.
    is_final: bool,
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traced({})", self.address)
    }
}

impl Traced {
    pub(super) fn new(inner: Inner, address: SocketAddr) -> Self {
        Self { inner, address, held: Vec::new(), is_final: false }
    }

    fn tcp(&self) -> &TcpStream {
        match &self.inner {
            Inner::Plain(stream) => stream,
            Inner::Tls(stream) => stream.get_ref().0,
        }
    }

    /// The request is sent whole before anything of an answer is read.
    fn wrote(&mut self) {
        self.held.clear();
        self.is_final = false;
        let _ = TRACE.try_with(|trace| {
            trace.address.set(Some(self.address));
            trace.closed.set(false);
        });
    }
}

impl Traced {
    /// Reads as the connection gives it, and leaves the traces.
    fn poll_received(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        };
        if matches!(polled, Poll::Ready(Ok(()))) && buf.remaining() > 0 && buf.filled().len() == before {
            let _ = TRACE.try_with(|trace| trace.closed.set(true));
        }
        if buf.filled().len() > before {
            let _ = TRACE.try_with(|trace| {
                if trace.first_byte_us.get().is_none() {
                    trace.first_byte_us.set(Some(trace.watch.elapsed_us()));
                }
            });
        }
        polled
    }
}

impl AsyncRead for Traced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_final {
            let mut space = [0; 4 * 1024];
            let mut part = ReadBuf::new(&mut space);
            ready!(self.poll_received(cx, &mut part))?;
            self.held.extend_from_slice(part.filled());
            let is_over = part.filled().is_empty();
            self.is_final = stripped(&mut self.held) || is_over;
        }
        if self.held.is_empty() {
            return self.poll_received(cx, buf);
        }
        let n = self.held.len().min(buf.remaining());
        buf.put_slice(&self.held[..n]);
        self.held.drain(..n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Traced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.wrote();
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

impl ActixStream for Traced {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ready(self.tcp(), Interest::READABLE, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ready(self.tcp(), Interest::WRITABLE, cx)
    }
}

fn ready(stream: &TcpStream, interest: Interest, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
    if interest.is_readable() { stream.poll_read_ready(cx) } else { stream.poll_write_ready(cx) }
        .map_ok(|()| Ready::ALL)
}
