//! `callout bench`: measures this machine. The program runs as people run it, in a process of its own with a private
//! Postgres in a throw-away folder; load and receiver run here and check every delivery.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Failure, logging, print_json};
use crate::base::clock::Clock;

mod baseline;
mod chaos;
mod connection;
mod figures;
mod ledger;
mod load;
mod machine;
mod program;
mod sink;

use figures::Figures;
use ledger::{DELIVERIES_MAX, Ledger};
use load::{Load, Pace};
use program::Program;
use sink::Sink;

/// The type of every event posted.
const EVENT_TYPE: &str = "redemption.succeeded";
/// Events before the measurement, so that it begins with open connections and warm caches.
const WARM_UP_EVENTS: u32 = 2_000;
/// Without a new arrival for so long, what is missing is called lost.
const STALL_MAX: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Measure how many events this machine accepts and delivers, and check that none is lost.
///
/// Starts the program with a private Postgres in a throw-away folder, a receiver and a load, all on this machine. Exit
/// code 1 when a delivery was lost, wrong or wrongly recorded. Postgres's log is brought to where it is on a server that
/// has run for a while; that, and a first 2,000 events, are not measured.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Events to post
    #[arg(long, value_name = "N", default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    events: u32,
    /// Webhooks that each event goes to
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=50))]
    fan_out: u16,
    /// Connections that post, one request at a time on each
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: u16,
    /// Events a second, on schedule whatever the program does; latencies count from the schedule [default: as many as
    /// the connections can]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Bytes of the posted body
    #[arg(long, value_name = "N", default_value_t = 1_100, value_parser = clap::value_parser!(u32).range(700..=200_000))]
    payload_bytes: u32,
    /// Post each event with an id of the caller's own, which has to be remembered
    #[arg(long)]
    ids: bool,
    /// Kill the program and its Postgres at random moments meanwhile
    #[arg(long)]
    chaos: bool,
    /// Where the throw-away folder is made [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the benchmark and prints its figures.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    logging::start_quietly();
    let warm_up = if args.chaos { 0 } else { WARM_UP_EVENTS };
    let events = args.events as usize + warm_up as usize;
    if events as u64 * u64::from(args.fan_out) > DELIVERIES_MAX {
        return Err(Failure::new(format!("that is more than {DELIVERIES_MAX} deliveries"), "ask for fewer"));
    }
    let ledger = Arc::new(Ledger::new(Clock::system().stopwatch(), events, usize::from(args.fan_out)));
    let sink = Sink::start(ledger.clone())
        .map_err(|error| Failure::new(format!("the receiver cannot listen: {error}"), "try again"))?;
    let mut program = Program::start(args.dir.as_deref(), sink.address())?;
    let (token, secrets) = program.prepare(args.fan_out)?;
    sink.expect_secrets(secrets);
    let load = Load::new(ledger.clone(), program.address(), &token, args.payload_bytes as usize, args.ids)
        .on_connections(args.concurrency);
    program.run_in()?;
    let baseline = baseline::measure(&load, &sink, &program)?;
    load.run(Pace::AsFastAsPossible, warm_up)?;
    wait_for_arrivals(&ledger);
    program.settled()?;

    let (first, before) = (ledger.given_out(), program.usage());
    let pace = args.rate.map_or(Pace::AsFastAsPossible, Pace::PerSecond);
    let (refused, kills) = if args.chaos {
        let (refused, kills) = chaos::run(&load, pace, args.events, &mut program)?;
        (refused, Some(kills))
    } else {
        (load.run(pace, args.events)?, None)
    };
    wait_for_arrivals(&ledger);
    let census = program.settled()?;
    let figures = Figures {
        settings: settings(args),
        tally: ledger.tally(first),
        refused,
        signatures: sink.signatures(),
        expected_deliveries: ledger.tally(0).accepted * u64::from(args.fan_out),
        census,
        used: program.usage().since(&before),
        baseline,
        kills,
    };
    program.stop()?;
    if args.json {
        print_json(&figures.json());
    } else {
        println!("{}", figures.text());
    }
    figures.verdict()
}

fn settings(args: &Args) -> serde_json::Value {
    json!({
        "events": args.events,
        "fan_out": args.fan_out,
        "concurrency": args.concurrency,
        "rate": args.rate,
        "payload_bytes": args.payload_bytes,
        "ids": args.ids,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// Waits until all that was accepted has arrived, or nothing comes any more.
fn wait_for_arrivals(ledger: &Ledger) {
    let clock = Clock::system();
    let (mut arrived, mut since) = (ledger.arrived_so_far(), clock.stopwatch());
    while ledger.missing() > 0 && since.elapsed() < STALL_MAX {
        std::thread::sleep(LOOK_AGAIN);
        if ledger.arrived_so_far() > arrived {
            (arrived, since) = (ledger.arrived_so_far(), clock.stopwatch());
        }
    }
}
