//! kill -9 at random moments, while the load goes on.
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::load::{Load, Pace, Refused};
use super::program::Program;
use crate::cli::Failure;

/// Between the readiness after one kill and the next kill.
const PEACE_MS: std::ops::Range<u64> = 300..2_500;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What was killed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kills {
    pub(super) program: u32,
    pub(super) postgres: u32,
}

/// Posts the events while program, Postgres or both are killed and come back.
pub(super) fn run(
    load: &Load,
    pace: Pace,
    events: u32,
    program: &mut Program,
) -> Result<(Refused, Kills), Failure> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let posting = scope.spawn(|| {
            let posted = load.run(pace, events);
            is_over.store(true, Relaxed);
            posted
        });
        let kills = rage(program, &is_over);
        let posted = posting.join().unwrap_or_else(|_| Err(Failure::new("the load panicked", "")));
        // Whatever was killed last has to be back.
        program.wait_until_ready()?;
        Ok((posted?, kills?))
    })
}

fn rage(program: &mut Program, is_over: &AtomicBool) -> Result<Kills, Failure> {
    let mut kills = Kills::default();
    loop {
        let peace = Duration::from_millis(PEACE_MS.start + random() % (PEACE_MS.end - PEACE_MS.start));
        let mut waited = Duration::ZERO;
        while waited < peace && !is_over.load(Relaxed) {
            std::thread::sleep(LOOK_AGAIN);
            waited += LOOK_AGAIN;
        }
        if is_over.load(Relaxed) {
            break Ok(kills);
        }
        let which = random() % 3;
        if which > 0 && program.kill_postgres() {
            kills.postgres += 1;
        }
        let back = if which < 2 {
            kills.program += 1;
            program.kill_and_restart()
        } else {
            program.wait_until_ready()
        };
        if let Err(failure) = back {
            break Err(failure);
        }
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness the moments are regular, which the loop bears.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}
