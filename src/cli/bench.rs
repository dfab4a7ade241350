//! `callout bench`: measures this machine. The program runs as people run it, in a process of its own with a private
//! Postgres in a throw-away folder; load and receiver run here and check every delivery.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Failure, logging, print_json};
use crate::base::clock::Clock;

mod backlog;
mod bad_receivers;
mod baseline;
mod chaos;
mod connection;
mod disk;
mod fairness;
mod figures;
mod ledger;
mod load;
mod machine;
mod order;
mod program;
mod sink;

use bad_receivers::BadReceivers;
use disk::{Disk, Growth};
use fairness::Others;
use figures::Figures;
use ledger::{DELIVERIES_MAX, Ledger};
use load::{Load, Pace, Refused};
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
    /// Events to post; with --bad-receivers in each half [default: 60000, or 30000 with --bad-receivers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    events: Option<u32>,
    /// Webhooks that each event goes to
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=50))]
    fan_out: u16,
    /// Connections that post, one request at a time on each
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: u16,
    /// Events a second, on schedule whatever the program does; latencies count from the schedule [default: as many as
    /// the connections can, or 1000 with --bad-receivers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Bytes of the posted body
    #[arg(long, value_name = "N", default_value_t = 1_100, value_parser = clap::value_parser!(u32).range(700..=200_000))]
    payload_bytes: u32,
    /// Post each event with an id of the caller's own, which has to be remembered
    #[arg(long)]
    ids: bool,
    /// Kill the program and its Postgres at random moments meanwhile
    #[arg(long, group = "mode")]
    chaos: bool,
    /// Measure twice at the same rate, with three more webhooks that each event goes to: first all is well, then the
    /// receivers of those three hang until the time limit, answer byte by byte, and refuse connections. Goal: the 99th
    /// percentile of the others, end to end, grows by less than a third
    #[arg(long, group = "mode")]
    bad_receivers: bool,
    /// Let the receiver answer 503 until all events are posted, then let it come back: measures the memory while they wait,
    /// how fast they drain, and whether in the order in which they were due
    #[arg(long, group = "mode")]
    backlog: bool,
    /// Where the throw-away folder is made [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

impl Args {
    fn events(&self) -> u32 {
        self.events.unwrap_or(if self.bad_receivers { 30_000 } else { 60_000 })
    }

    fn rate(&self) -> Option<u32> {
        self.rate.or(self.bad_receivers.then_some(1_000))
    }

    fn pace(&self) -> Pace {
        self.rate().map_or(Pace::AsFastAsPossible, Pace::PerSecond)
    }

    fn warm_up(&self) -> u32 {
        if self.chaos { 0 } else { WARM_UP_EVENTS }
    }

    /// All that is posted in the course of a run.
    fn events_in_all(&self) -> u64 {
        let halves = if self.bad_receivers { 2 } else { 1 };
        let before = if self.backlog { backlog::BEFORE_IT } else { 0 };
        u64::from(self.events()) * halves + u64::from(self.warm_up()) + u64::from(before)
    }
}

/// Runs the benchmark and prints its figures.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    logging::start_quietly();
    let events = args.events_in_all();
    if events * u64::from(args.fan_out) > DELIVERIES_MAX {
        return Err(Failure::new(format!("that is more than {DELIVERIES_MAX} deliveries"), "ask for fewer"));
    }
    let ledger =
        Arc::new(Ledger::new(Clock::system().stopwatch(), events as usize, usize::from(args.fan_out)));
    let deaf = |error| Failure::new(format!("the receiver cannot listen: {error}"), "try again");
    let sink = Sink::start(ledger.clone()).map_err(deaf)?;
    let bad = args.bad_receivers.then(BadReceivers::start).transpose().map_err(deaf)?;
    let mut receivers = vec![sink.address()];
    receivers.extend(bad.iter().flat_map(BadReceivers::addresses).map(|(_, address)| address));
    let mut program = Program::start(args.dir.as_deref(), receivers)?;
    let token = program.prepare()?;
    let retries = args.backlog.then_some(&backlog::RETRIES_S[..]);
    let add =
        |number| program.add_webhook(&token, &format!("Webhook {number}"), &sink.target_url(number), retries);
    let made = (0..args.fan_out).map(add).collect::<Result<Vec<_>, _>>()?;
    sink.expect_secrets(made.into_iter().map(|(_, secret)| secret).collect());
    let others = bad.map(|bad| Others::make(bad, &program, &token, &sink)).transpose()?;
    let load = Load::new(ledger.clone(), program.address(), &token, args.payload_bytes as usize, args.ids)
        .on_connections(args.concurrency);
    program.run_in()?;
    let empty = disk::measure(&program)?;
    let baseline = baseline::measure(&load, &sink, &program)?;
    load.run(Pace::AsFastAsPossible, args.warm_up())?;
    wait_for_arrivals(&ledger);
    program.settled(&[])?;

    let (mut first, before) = (ledger.given_out(), program.usage());
    let (pace, events) = (args.pace(), args.events());
    let (mut kills, mut backlog, mut marks) = (None, None, None);
    let refused: Refused;
    if args.chaos {
        let (answers, killed) = chaos::run(&load, pace, events, &mut program)?;
        (refused, kills) = (answers, Some(killed));
    } else if args.backlog {
        let what = backlog::run(&load, (pace, events), (&ledger, &sink, &program), &token)?;
        (backlog, refused, first) = (Some(what.0), what.1, what.2);
    } else {
        (refused, marks) = disk::watched((&program, &ledger), events, || load.run(pace, events))?;
    }
    wait_for_arrivals(&ledger);
    let over_us = ledger.now_us();
    let census = program.settled(&[])?;
    let (last, used, after) = (ledger.given_out(), program.usage().since(&before), disk::measure(&program)?);
    let growth = marks.map(|marks| Growth::of(marks, over_us, &ledger, &after));
    let disk = Disk::since(&empty, &after, ledger.tally(0..last).accepted, load.data_bytes(), &census);
    let both = (&*ledger, &program);
    let beside = others
        .as_ref()
        .map(|others| fairness::run(&load, (pace, events), both, (&token, others)))
        .transpose()?;
    let census = match &others {
        Some(others) => program.settled(&others.webhooks)?,
        None => census,
    };
    let figures = Figures {
        settings: settings(args),
        tally: ledger.tally(first..last),
        refused,
        signatures: sink.signatures(),
        expected_deliveries: ledger.tally(0..ledger.given_out()).accepted * u64::from(args.fan_out),
        census,
        used,
        baseline,
        disk,
        growth,
        kills,
        beside,
        backlog,
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
        "events": args.events(),
        "fan_out": args.fan_out,
        "concurrency": args.concurrency,
        "rate": args.rate(),
        "payload_bytes": args.payload_bytes,
        "ids": args.ids,
        "bad_receivers": args.bad_receivers,
        "backlog": args.backlog,
        "chaos": args.chaos,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

/// Waits until all that was accepted has arrived, or nothing comes any more.
fn wait_for_arrivals(ledger: &Ledger) {
    wait_for_arrivals_within(ledger, STALL_MAX);
}

/// The same, when nothing may come for so long.
fn wait_for_arrivals_within(ledger: &Ledger, stall_max: Duration) {
    let clock = Clock::system();
    let (mut arrived, mut since) = (ledger.arrived_so_far(), clock.stopwatch());
    let mut missing = 0;
    while let Some(event) = ledger.first_missing(missing)
        && since.elapsed() < stall_max
    {
        missing = event;
        std::thread::sleep(LOOK_AGAIN);
        if ledger.arrived_so_far() > arrived {
            (arrived, since) = (ledger.arrived_so_far(), clock.stopwatch());
        }
    }
}
