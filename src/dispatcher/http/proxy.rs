//! An outbound proxy (HTTP CONNECT): we resolve and judge, it connects to the address that we name.
use std::fmt;
use std::io;
use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// The proxy's answer has at most so many bytes.
const ANSWER_BYTES_MAX: usize = 8 * 1024;

/// Where the proxy is, and how it knows us.
#[derive(Clone)]
pub struct Proxy {
    host: String,
    port: u16,
    authorization: Option<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

impl Proxy {
    /// Reads `http://[user:password@]host:port`; none if it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "http")?;
        let decoded = |text: &str| {
            url::form_urlencoded::parse(format!("x={text}").as_bytes()).next().map(|(_, v)| v.into_owned())
        };
        let authorization = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                let pair = format!("{}:{}", decoded(user)?, decoded(password.unwrap_or_default())?);
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
        };
        Some(Self { host: url.host_str()?.to_owned(), port: url.port().unwrap_or(80), authorization })
    }

    /// A connection to `address` through the proxy.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let host = self.host.trim_matches(['[', ']']);
        let mut stream = TcpStream::connect((host, self.port)).await?;
        stream.set_nodelay(true)?;
        let authorization = match &self.authorization {
            Some(value) => format!("proxy-authorization: {value}\r\n"),
            None => String::new(),
        };
        let request = format!("CONNECT {address} HTTP/1.1\r\nhost: {address}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            // Byte by byte: what follows the head belongs to the receiver.
            let byte = stream.read_u8().await?;
            answer.push(byte);
            if answer.len() > ANSWER_BYTES_MAX {
                return Err(io::Error::other("the outbound proxy's answer is too long"));
            }
        }
        let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
        match line.split(' ').nth(1) {
            Some(status) if status.starts_with('2') => Ok(stream),
            _ => Err(io::Error::other(format!("the outbound proxy refused the connection: {line}"))),
        }
    }
}
