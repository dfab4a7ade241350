//! HTTP/1.1 as far as a receiver needs it: one request out of the bytes so far, and the head of an answer.
use bytes::{Buf, Bytes, BytesMut};

/// Past this a request's head is refused.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Past this a request's body is refused.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One request as it came over the wire; header names in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// With its query.
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// Whether the connection may take another request.
    pub(super) keeps_alive: bool,
}

/// What the bytes so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A whole request, taken out of the buffer.
    Request(Request),
    /// Not yet a whole request; `waits_for_go` when the sender wants `100 Continue` before the body.
    Partial { waits_for_go: bool },
    /// Not HTTP, or over a limit.
    Refused(&'static str),
}

/// Takes one request off the front of `buffer`, if it is whole.
pub(super) fn take_request(buffer: &mut BytesMut) -> Parsed {
    let Some(head_end) = find(buffer, b"\r\n\r\n") else {
        return if buffer.len() > HEAD_BYTES_MAX {
            Parsed::Refused("the head is too long")
        } else {
            Parsed::Partial { waits_for_go: false }
        };
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or("").split(' ');
    let (Some(method), Some(path), Some(version)) = (first.next(), first.next(), first.next()) else {
        return Parsed::Refused("not an HTTP request");
    };
    if !version.starts_with("HTTP/1.") || first.next().is_some() {
        return Parsed::Refused("not HTTP/1.1");
    }
    let mut headers = Vec::new();
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { return Parsed::Refused("not a header") };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str());
    let body_start = head_end + 4;
    let is_chunked = header("transfer-encoding").eq_ignore_ascii_case("chunked");
    let taken = if is_chunked {
        chunked(&buffer[body_start..])
    } else {
        match header("content-length") {
            "" => Body::Whole(Bytes::new(), 0),
            text => match text.parse::<usize>() {
                Ok(length) if length > BODY_BYTES_MAX => Body::Refused("the body is too long"),
                Ok(length) => match buffer.get(body_start..body_start + length) {
                    Some(body) => Body::Whole(Bytes::copy_from_slice(body), length),
                    None => Body::Partial,
                },
                Err(_) => Body::Refused("content-length is not a number"),
            },
        }
    };
    match taken {
        Body::Refused(why) => Parsed::Refused(why),
        Body::Partial => Parsed::Partial {
            waits_for_go: header("expect").eq_ignore_ascii_case("100-continue") && buffer.len() == body_start,
        },
        Body::Whole(body, length) => {
            let connection = header("connection").to_ascii_lowercase();
            let keeps_alive = match version {
                "HTTP/1.0" => connection.contains("keep-alive"),
                _ => !connection.contains("close"),
            };
            buffer.advance(body_start + length);
            Parsed::Request(Request {
                method: method.to_owned(),
                path: path.to_owned(),
                headers,
                body,
                keeps_alive,
            })
        }
    }
}

enum Body {
    Whole(Bytes, usize),
    Partial,
    Refused(&'static str),
}

/// Puts a chunked body together; trailers are read over.
fn chunked(bytes: &[u8]) -> Body {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let Some(line_length) = find(&bytes[at..], b"\r\n") else { return Body::Partial };
        let line = String::from_utf8_lossy(&bytes[at..at + line_length]);
        let Ok(size) = usize::from_str_radix(line.split(';').next().unwrap_or("").trim(), 16) else {
            return Body::Refused("a chunk's size is not a number");
        };
        if size > BODY_BYTES_MAX || body.len() + size > BODY_BYTES_MAX {
            return Body::Refused("the body is too long");
        }
        at += line_length + 2;
        if size == 0 {
            loop {
                let Some(length) = find(&bytes[at..], b"\r\n") else { return Body::Partial };
                at += length + 2;
                if length == 0 {
                    return Body::Whole(body.into(), at);
                }
            }
        }
        let Some(chunk) = bytes.get(at..at + size + 2) else { return Body::Partial };
        body.extend_from_slice(&chunk[..size]);
        at += size + 2;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A whole answer with a body of known length.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = head(status, headers);
    // 204 and 304 have no body, and so no length.
    if !matches!(status, 204 | 304) {
        out.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        out.extend_from_slice(body);
    } else {
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// The head of an answer up to, not including, the empty line.
pub(super) fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status} {}\r\n", reason(status)).into_bytes();
    for (name, value) in headers {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Answer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &str) -> (Parsed, usize) {
        let mut buffer = BytesMut::from(text);
        let parsed = take_request(&mut buffer);
        (parsed, buffer.len())
    }

    #[test]
    fn a_request_is_taken_whole_and_the_next_one_stays() {
        let (parsed, left) =
            take("POST /a?b=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n");
        let Parsed::Request(request) = parsed else { panic!("{parsed:?}") };
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a?b=1"));
        assert_eq!(request.headers[0], ("host".to_owned(), "x".to_owned()));
        assert_eq!(&request.body[..], b"{}");
        assert!(request.keeps_alive);
        assert_eq!(left, "GET / HTTP/1.1\r\n".len());
    }

    #[test]
    fn a_chunked_body_is_put_together() {
        let (parsed, left) = take(
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: 1\r\n\r\n",
        );
        let Parsed::Request(request) = parsed else { panic!("{parsed:?}") };
        assert_eq!((&request.body[..], left), (&b"abcde"[..], 0));
    }

    #[test]
    fn what_is_not_whole_yet_waits() {
        for text in [
            "POST / HT",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabc",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab",
        ] {
            assert_eq!(take(text).0, Parsed::Partial { waits_for_go: false }, "{text}");
        }
        let expecting = "POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
        assert_eq!(take(expecting).0, Parsed::Partial { waits_for_go: true });
    }

    #[test]
    fn what_is_not_http_or_too_long_is_refused() {
        for text in [
            "hello\r\n\r\n",
            "GET / HTTP/2\r\n\r\n",
            "GET / HTTP/1.1\r\nno header\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffff\r\n",
        ] {
            assert!(matches!(take(text).0, Parsed::Refused(_)), "{text}");
        }
        assert!(matches!(take(&"x".repeat(HEAD_BYTES_MAX + 1)).0, Parsed::Refused(_)));
    }
}
