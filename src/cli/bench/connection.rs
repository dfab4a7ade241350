//! A kept connection that posts prepared bytes and reads the status: cheap, because it shares the machine with what is
//! measured.
use std::io;
use std::net::SocketAddr;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Where a head ends.
pub(super) const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// Connects when first used, and again after a failure.
pub(super) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: BytesMut,
}

impl Connection {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: BytesMut::with_capacity(4 * 1024) }
    }

    /// Sends a request as it is; answers the status, and the body if it is wanted.
    pub(super) async fn call(&mut self, request: &[u8], body: Option<&mut Vec<u8>>) -> io::Result<u16> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                self.buffer.clear();
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        let (status, keeps) = self.answer(&mut stream, body).await?;
        self.stream = keeps.then_some(stream);
        Ok(status)
    }

    async fn answer(
        &mut self,
        stream: &mut TcpStream,
        body: Option<&mut Vec<u8>>,
    ) -> io::Result<(u16, bool)> {
        let head_end = loop {
            if let Some(end) = find(&self.buffer, BLANK_LINE) {
                break end + BLANK_LINE.len();
            }
            more(stream, &mut self.buffer).await?;
        };
        let head = self.buffer.split_to(head_end);
        let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let length: usize = header(&head, "content-length")
            .and_then(|value| value.parse().ok())
            .ok_or(io::ErrorKind::InvalidData)?;
        while self.buffer.len() < length {
            more(stream, &mut self.buffer).await?;
        }
        if let Some(body) = body {
            body.extend_from_slice(&self.buffer[..length]);
        }
        self.buffer.advance(length);
        let keeps = header(&head, "connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
        Ok((status, keeps))
    }
}

/// Reads more; the other side closing is an error.
async fn more(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// Where `needle` begins.
pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The value of a header, its name in small letters, in a head.
pub(super) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (own, rest) = line.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b":").filter(|_| own.eq_ignore_ascii_case(name.as_bytes()))?;
        Some(std::str::from_utf8(value).ok()?.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_whatever_their_case() {
        let head = b"HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\nx-content-length: 3\r\n\r\n";
        assert_eq!(header(head, "content-length"), Some("12"));
        assert_eq!(header(head, "connection"), None);
        assert_eq!(find(head, BLANK_LINE), Some(head.len() - 4));
    }
}
