//! The one place that reads the time, so that tests can hold it still and move it.
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use time::OffsetDateTime;
use tokio::sync::Notify;

/// Tells the time: the system's, or in tests one that only moves when told to.
///
/// Resolution is a microsecond, which is what Postgres stores, so that a value read back equals the one written.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Arc<Fixed>>,
}

/// A time that only moves when told to, and who waits for it.
#[derive(Debug)]
struct Fixed {
    us: AtomicI64,
    moved: Notify,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `at` until [`Clock::advance`] is called.
    pub fn fixed(at: OffsetDateTime) -> Self {
        Self { fixed: Some(Arc::new(Fixed { us: AtomicI64::new(to_micros(at)), moved: Notify::new() })) }
    }

    /// The present moment in UTC.
    pub fn now(&self) -> OffsetDateTime {
        match &self.fixed {
            Some(fixed) => from_micros(fixed.us.load(Ordering::SeqCst)),
            None => from_micros(to_micros(OffsetDateTime::now_utc())),
        }
    }

    /// Moves a fixed clock, back by a negative duration; the system's cannot be moved and is left alone.
    pub fn advance(&self, by: time::Duration) {
        if let Some(fixed) = &self.fixed {
            fixed.us.fetch_add(by.whole_microseconds() as i64, Ordering::SeqCst);
            fixed.moved.notify_waiters();
        }
    }

    /// Returns once it is `pause` after `since`, and after `pause` at the latest should the system's clock be set back
    /// meanwhile. Under a fixed clock: once it was moved that far.
    pub async fn passes(&self, since: OffsetDateTime, pause: std::time::Duration) {
        let Some(fixed) = &self.fixed else {
            let passed = std::time::Duration::try_from(self.now() - since).unwrap_or_default();
            return tokio::time::sleep(pause.saturating_sub(passed)).await;
        };
        loop {
            // Before the look at the time: a move between the two is not missed.
            let mut moved = std::pin::pin!(fixed.moved.notified());
            moved.as_mut().enable();
            if self.now() - since >= pause {
                return;
            }
            moved.await;
        }
    }

    /// A stopwatch for durations. Durations are always real, also under a fixed clock.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch(Instant::now())
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Microseconds since the start, capped at what an `i32` holds (35 minutes).
    pub fn elapsed_us(&self) -> i32 {
        i32::try_from(self.0.elapsed().as_micros()).unwrap_or(i32::MAX)
    }

    /// Time since the start.
    pub fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}

/// Says "there is work due": whoever makes a delivery due calls [`Wakeup::wake`] after the commit.
///
/// A hint only: it may be lost, the row may not. The dispatcher polls as the safety net.
#[derive(Clone, Debug, Default)]
pub struct Wakeup(Arc<Notify>);

impl Wakeup {
    /// Wakes the dispatcher, now or as soon as it next waits.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Completes at the next [`Wakeup::wake`].
    pub async fn woken(self) {
        self.0.notified().await;
    }
}

fn to_micros(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1_000) as i64
}

fn from_micros(us: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(us) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
