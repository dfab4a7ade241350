//! What the sample's webhooks call while the demo runs: one receiver, a path and a character for each webhook.
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;

use crate::cli::receiver::{Behaviour, Options, Receiver};
use crate::models::sample;

/// Taken if it is free, so that the addresses stay the same from demo to demo.
const PORT: u16 = 9477;
/// Requests that `GET /_received` tells.
const KEPT: usize = 500;

/// Listens on 127.0.0.1 only.
pub(super) fn start() -> io::Result<Receiver> {
    let at = |port| Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        behaviour: behaviours(),
        keep: KEPT,
        ..Options::default()
    };
    Receiver::start(at(PORT)).or_else(|_| Receiver::start(at(0)))
}

fn behaviours() -> Behaviour {
    let paths = sample::paths().map(|path| (format!("/{path}"), behaviour(path))).collect();
    Behaviour {
        body: Bytes::from_static(b"Nobody expects anything here.\n"),
        paths,
        ..Behaviour::status(404)
    }
}

fn behaviour(path: &str) -> Behaviour {
    let ms = Duration::from_millis;
    match path {
        "crm" => json(200, r#"{"ok":true}"#, ms(30), ms(50)),
        "data-warehouse" => json(202, r#"{"queued":true}"#, ms(12), ms(25)),
        "loyalty-app" => Behaviour {
            fail_percent: 30,
            failure_body: Bytes::from_static(
                br#"{"error":{"type":"internal_error","message":"could not obtain lock on row in relation \"member_balances\"","retryable":true}}"#,
            ),
            ..json(200, r#"{"accepted":1}"#, ms(60), ms(240))
        },
        // Its webhook waits 6 s: the slowest come too late.
        "email-platform" => json(200, r#"{"status":"queued"}"#, ms(2_000), ms(4_200)),
        "partner-portal" => json(201, r#"{"status":"created"}"#, ms(60), ms(90)),
        "finance" => json(200, r#"{"booked":true}"#, ms(180), ms(400)),
        // The old ones want nothing any more.
        _ => Behaviour { body: Bytes::from_static(b"Switched off on purpose. Send nothing here.\n"), ..Behaviour::status(410) },
    }
}

fn json(status: u16, body: &'static str, delay: Duration, delay_spread: Duration) -> Behaviour {
    Behaviour {
        status,
        delay,
        delay_spread,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Bytes::from_static(body.as_bytes()),
        ..Behaviour::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_reaches_the_receiver_and_every_path_has_a_character() {
        let receiver = start().expect("a free port");
        assert!(receiver.addr().ip().is_loopback());
        let behaviours = behaviours();
        assert_eq!(behaviours.status, 404);
        let of = |path: &str| &behaviours.paths.iter().find(|(known, _)| known == path).expect("a path").1;
        assert_eq!(
            (of("/crm").status, of("/loyalty-app").fail_percent, of("/old-till").status),
            (200, 30, 410)
        );
        assert!(of("/email-platform").delay >= Duration::from_secs(2));
    }
}
