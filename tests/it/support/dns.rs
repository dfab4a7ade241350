//! A name server (RFC 1035, over UDP) that says something else each time it is asked, and a resolver that asks it.
//!
//! The program's own resolver asks the operating system, which cannot be pointed at a server by a test. This one takes
//! its place: it sends the queries and reads the answers off the wire at the moment the program looks a name up.
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use callout::dispatcher::http::Resolve;
use futures_util::future::BoxFuture;

const A: u16 = 1;
const AAAA: u16 = 28;
/// Response code for names that do not exist.
const NO_SUCH_NAME: u8 = 3;
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What it says of a name, in turn; the last stands.
type Script = HashMap<String, VecDeque<Vec<IpAddr>>>;

#[derive(Default)]
struct State {
    script: Script,
    /// Names that were asked for, once per look-up.
    asked: Vec<String>,
}

/// A name server on a free port of 127.0.0.1; it stops when dropped.
pub struct NameServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// One that knows no name yet.
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("an address");
        let state = Arc::<Mutex<State>>::default();
        let knows = state.clone();
        let thread = std::thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                // An empty packet is the end.
                let Some(answer) = answered(&packet[..length], &knows) else { return };
                let _ = socket.send_to(&answer, from);
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    /// What each look-up of a name finds, in turn; the last goes on.
    pub fn tell(&self, name: &str, turns: &[&[&str]]) {
        let parsed = |turn: &&[&str]| turn.iter().map(|ip| ip.parse().expect("an address")).collect();
        let turns = turns.iter().map(parsed).collect();
        self.state().script.insert(name.to_owned(), turns);
    }

    /// How often a name was looked up.
    pub fn asked(&self, name: &str) -> usize {
        self.state().asked.iter().filter(|asked| *asked == name).count()
    }

    /// For the program's overrides.
    pub fn resolver(&self) -> Arc<dyn Resolve> {
        Arc::new(Asking(self.address))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") {
            let _ = socket.send_to(&[], self.address);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A look-up is a question for IPv4, which takes the next turn, and one for IPv6, which stays with it.
fn answered(query: &[u8], state: &Mutex<State>) -> Option<Vec<u8>> {
    let (name, end) = name_at(query, 12)?;
    let kind = number(query, end)?;
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    if kind == A {
        state.asked.push(name.clone());
    }
    let turns = state.script.get_mut(&name);
    let found = turns.map(|turns| {
        let turn = turns.front().cloned().unwrap_or_default();
        if kind == AAAA && turns.len() > 1 {
            turns.pop_front();
        }
        turn
    });
    let code = if found.is_some() { 0 } else { NO_SUCH_NAME };
    let records: Vec<Vec<u8>> = found
        .unwrap_or_default()
        .into_iter()
        .filter_map(|ip| match ip {
            IpAddr::V4(ip) if kind == A => Some(ip.octets().to_vec()),
            IpAddr::V6(ip) if kind == AAAA => Some(ip.octets().to_vec()),
            _ => None,
        })
        .collect();
    let mut answer = query[..2].to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::try_from(records.len()).ok()?, 0, 0, 0, 0]);
    answer.extend(&query[12..end + 4]);
    for data in records {
        // The name of the question; the class; a time to live of nothing.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 0, 0, u8::try_from(data.len()).ok()?]);
        answer.extend(data);
    }
    Some(answer)
}

/// Asks the server over UDP, as a stub resolver does.
struct Asking(SocketAddr);

impl Asking {
    async fn ask(&self, name: &str, kind: u16) -> io::Result<Vec<IpAddr>> {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
        socket.connect(self.0).await?;
        let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.trim_end_matches('.').split('.') {
            query.push(u8::try_from(label.len()).map_err(io::Error::other)?);
            query.extend(label.as_bytes());
        }
        query.push(0);
        query.extend(kind.to_be_bytes());
        query.extend([0, 1]);
        socket.send(&query).await?;
        let mut packet = [0; 512];
        let length = tokio::time::timeout(ANSWER_MAX, socket.recv(&mut packet)).await??;
        addresses(&packet[..length]).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))
    }
}

impl Resolve for Asking {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let mut found = self.ask(host, A).await?;
            found.extend(self.ask(host, AAAA).await?);
            Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
        })
    }
}

/// The addresses of an answer; none if the name does not exist.
fn addresses(answer: &[u8]) -> Option<Vec<IpAddr>> {
    if answer.get(3)? & 0x0f == NO_SUCH_NAME {
        return None;
    }
    let count = number(answer, 6)?;
    let mut at = name_at(answer, 12)?.1 + 4;
    let mut found = Vec::new();
    for _ in 0..count {
        // A pointer to the name; type, class, time to live, length.
        let (kind, length) = (number(answer, at + 2)?, usize::from(number(answer, at + 10)?));
        let data = answer.get(at + 12..at + 12 + length)?;
        match kind {
            A => found.push(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into()),
            AAAA => found.push(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into()),
            _ => {}
        }
        at += 12 + length;
    }
    Some(found)
}

/// A name of labels and where it ends.
fn name_at(packet: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(packet.get(at..at + length)?).into_owned());
        at += length;
    }
}

fn number(packet: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]))
}
