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
        let authorization = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                let pair = format!("{}:{}", decoded(user)?, decoded(password.unwrap_or_default())?);
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
        };
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        Some(Self { host, port: url.port().unwrap_or(80), authorization })
    }

    /// A connection to `address` through the proxy. The error says what the proxy did, in a sentence that names neither
    /// it nor its credentials: whoever reads the history need not know them.
    pub async fn connect(&self, address: SocketAddr) -> Result<TcpStream, String> {
        let unreachable =
            |error: io::Error| format!("The outbound proxy cannot be reached: {}.", kind_in_words(&error));
        let broken = |error: io::Error| format!("The outbound proxy broke off: {}.", kind_in_words(&error));
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let authorization = match &self.authorization {
            Some(value) => format!("proxy-authorization: {value}\r\n"),
            None => String::new(),
        };
        let request = format!("CONNECT {address} HTTP/1.1\r\nhost: {address}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await.map_err(broken)?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            // Byte by byte: what follows the head belongs to the receiver.
            answer.push(stream.read_u8().await.map_err(broken)?);
            if answer.len() > ANSWER_BYTES_MAX {
                return Err("The outbound proxy's answer is too long.".to_owned());
            }
        }
        // Only the number: the rest is the proxy's own text, and may repeat what it was told.
        match status(&answer) {
            Some(200..=299) => Ok(stream),
            Some(407) => Err(
                "The outbound proxy answered 407: it wants other credentials than CALLOUT_EGRESS_PROXY has."
                    .to_owned(),
            ),
            Some(status) => Err(format!("The outbound proxy refused the connection: it answered {status}.")),
            None => Err("The outbound proxy's answer was not understood as HTTP.".to_owned()),
        }
    }
}

/// A part of a URL's user information. A plus sign is one.
fn decoded(text: &str) -> Option<String> {
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
}

fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r').next()?;
    let (version, rest) = std::str::from_utf8(line.get(..12)?).ok()?.split_once(' ')?;
    version.starts_with("HTTP/1.").then(|| rest.parse().ok()).flatten()
}

fn kind_in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused, nothing listens there".to_owned(),
        io::ErrorKind::ConnectionReset => "it reset the connection".to_owned(),
        io::ErrorKind::UnexpectedEof => "it closed the connection without an answer".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(text: &str) -> Option<String> {
        let value = Proxy::parse(text).unwrap().authorization?;
        Some(String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap()).unwrap())
    }

    #[test]
    fn credentials_are_read_as_they_were_written() {
        assert_eq!(credentials("http://proxy:3128"), None);
        assert_eq!(credentials("http://me@proxy:3128").as_deref(), Some("me:"));
        assert_eq!(credentials("http://me:p%40ss%20w+rd&x=%26@proxy").as_deref(), Some("me:p@ss w+rd&x=&"));
        assert_eq!(credentials("http://:pw@proxy:1").as_deref(), Some(":pw"));
    }

    #[test]
    fn a_proxy_has_a_name_or_an_address_of_either_kind_and_prints_no_credentials() {
        for (text, printed) in [
            ("http://me:hunter2@proxy.example:3128", "Proxy(proxy.example:3128)"),
            ("http://10.0.0.1", "Proxy(10.0.0.1:80)"),
            ("http://[fd00::1]:8080", "Proxy(fd00::1:8080)"),
        ] {
            assert_eq!(format!("{:?}", Proxy::parse(text).unwrap()), printed);
        }
        assert!(Proxy::parse("https://proxy:3128").is_none());
        assert!(Proxy::parse("proxy:3128").is_none());
    }

    #[test]
    fn of_an_answer_only_the_number_counts() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        for other in
            [&b"HTTP/2 200 OK\r\n\r\n"[..], b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 2\xff0 OK\r\n\r\n", b"\r\n\r\n"]
        {
            assert_eq!(status(other), None);
        }
    }
}
