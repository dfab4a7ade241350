//! Waiting for what gives no signal.
use std::time::{Duration, Instant};

/// Longer than anything in a test takes on a busy machine; a wait ends as soon as what it waits for is so.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// Returns what `found` finds as soon as it finds it; panics when it does not in time.
#[track_caller]
pub fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(began.elapsed() < WAIT_MAX, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
