//! The command around the receiver: its flags, and the line it prints for each request.
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use time::format_description::well_known::Rfc3339;

use super::{Behaviour, Misbehaviour, Options, RECEIVED_MAX, Received, Receiver};
use crate::cli::Failure;

/// A receiver to aim webhooks at. One line a request: time, method, path, answer, webhook-id, event type, bytes.
///
/// GET /_received tells the last 10,000 requests as JSON, DELETE /_received forgets them. A URL's query changes the
/// answer for that URL alone: ?status=503&delay_ms=20&fail_percent=50&retry_after=5&misbehave=hang.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen, such as 127.0.0.1:9000 (port 0 takes a free one)
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    listen: SocketAddr,
    /// The status of the answer
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
    /// Milliseconds before the answer
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    delay_ms: u64,
    /// Of a hundred requests, so many are answered 500
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=100))]
    fail_percent: u8,
    /// Seconds for a Retry-After header
    #[arg(long, value_name = "S")]
    retry_after: Option<u32>,
    /// Misbehave instead of answering
    #[arg(long, value_name = "HOW")]
    misbehave: Option<Misbehaviour>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    use std::net::ToSocketAddrs as _;
    let found =
        text.to_socket_addrs().map_err(|_| "accepted is host:port, such as 127.0.0.1:9000".to_owned())?;
    let found: Vec<_> = found.collect();
    found.iter().find(|a| a.is_ipv4()).or(found.first()).copied().ok_or_else(|| "no such host".to_owned())
}

/// Receives until Ctrl-C or SIGTERM.
pub fn run(args: Args) -> Result<(), Failure> {
    let behaviour = Behaviour {
        status: args.status,
        delay: Duration::from_millis(args.delay_ms),
        fail_percent: args.fail_percent,
        retry_after: args.retry_after.map(|seconds| seconds.to_string()),
        misbehave: args.misbehave,
        ..Behaviour::default()
    };
    let options = Options { listen: args.listen, behaviour, prints: true, keep: RECEIVED_MAX, tls: None };
    let receiver = Receiver::start(options).map_err(|error| {
        Failure::new(
            format!("cannot listen on {}: {error}", args.listen),
            "choose another address with --listen",
        )
    })?;
    eprintln!("Receiving on {} (Ctrl-C stops)", receiver.url("/"));
    wait_for_signal()
        .map_err(|error| Failure::new(format!("cannot wait for signals: {error}"), "report this"))?;
    receiver.stop();
    Ok(())
}

fn wait_for_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}

/// `time method path answer webhook-id event-type bytes`; what is absent is a dash.
pub(super) fn line_of(received: &Received, behaviour: &Behaviour, status: u16) -> String {
    let answer = behaviour.misbehave.map_or_else(|| status.to_string(), |how| how.name().to_owned());
    format!(
        "{} {} {} {answer} {} {} {}",
        received.at.format(&Rfc3339).unwrap_or_default(),
        printable(&received.method),
        printable(&received.path),
        printable(received.header("webhook-id").unwrap_or("-")),
        printable(received.header("x-callout-event").unwrap_or("-")),
        received.body.len(),
    )
}

/// Strangers' text on a terminal: nothing that could move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
