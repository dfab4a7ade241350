//! A receiver to aim webhooks at, on a free port of 127.0.0.1.
use std::time::Duration;

pub use callout::cli::receiver::{Behaviour, Misbehaviour, Options, Received, Receiver};

/// Longer than any test should take; a wait ends as soon as what it waits for happens.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// One that answers 200 at once.
pub fn start() -> Receiver {
    start_with(Behaviour::default())
}

/// One that answers as told.
pub fn start_with(behaviour: Behaviour) -> Receiver {
    Receiver::start(Options { behaviour, ..Options::default() }).expect("start a receiver")
}

/// Everything received, once `count` requests came in.
pub fn received(receiver: &Receiver, count: u64) -> Vec<Received> {
    assert!(receiver.wait_for(count, WAIT_MAX), "{} of {count} requests came in", receiver.count());
    receiver.received()
}

/// For webhooks' settings: the networks that must be allowed for the receivers of tests.
pub const ALLOW_TARGETS: &str = "127.0.0.0/8";
