//! A browser that follows a list: reads server-sent events, look by look.
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;

use super::client::Client;

/// An open stream of events.
pub struct Following {
    stream: BufReader<TcpStream>,
    /// The answer's status.
    pub status: u16,
}

impl Following {
    /// Opens the stream at the address that a page has for it, and reads the answer's head.
    pub fn open(browser: &Client, path: &str) -> Self {
        let mut stream = BufReader::new(browser.open(path, &[("accept", "text/event-stream")]));
        let mut line = String::new();
        stream.read_line(&mut line).expect("a status line");
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        while line.trim_end() != "" {
            line.clear();
            stream.read_line(&mut line).expect("a header");
        }
        Self { stream, status }
    }

    /// Follows the list of a page.
    pub fn list(browser: &Client, path: &str) -> Self {
        let page = browser.get(path).expect(200).page();
        Self::open(browser, &page.attribute("[data-live-list]", "data-live-list").expect("a list to follow"))
    }

    /// What the next look tells; none at the end.
    pub fn look(&mut self) -> Option<String> {
        let mut size = String::new();
        self.stream.read_line(&mut size).ok().filter(|read| *read > 0)?;
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk's size");
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).ok()?;
        chunk.truncate(size);
        (size > 0).then(|| String::from_utf8(chunk).expect("text"))
    }
}
