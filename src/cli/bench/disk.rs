//! What the history of a run takes on disk, and whether it takes more the longer the run.
use std::time::Duration;

use diesel::PgConnection;
use serde_json::{Value, json};

use super::figures::rounded;
use super::ledger::Ledger;
use super::program::Program;
use crate::cli::Failure;
use crate::models::deliveries::{self, Census, Storage, TableSize};

/// What a delivery is to stay below beyond the body, in bytes.
const BEYOND_BODIES_GOAL: f64 = 900.0;
/// A tenth of fewer events says nothing.
const GROWTH_EVENTS_MIN: u32 = 1_000;
const LOOK_AGAIN: Duration = Duration::from_millis(2);
const MIB: f64 = 1024.0 * 1024.0;

/// Rows and bytes of the three tables of the history.
pub(super) struct Disk {
    tables: [(&'static str, u64, TableSize); 3],
    deliveries: u64,
    /// Of the data that was posted, each event's once.
    bodies_bytes: u64,
}

/// What the database holds now.
pub(super) fn measure(program: &Program) -> Result<Storage, Failure> {
    Ok(deliveries::storage(&mut program.inside()?.conn)?)
}

impl Disk {
    /// What has been added since `before`, by so many events of so many bytes each.
    pub(super) fn since(
        before: &Storage,
        after: &Storage,
        events: u64,
        data_bytes: u64,
        census: &Census,
    ) -> Self {
        let grown = |before: TableSize, after: TableSize, rows: u64| TableSize {
            rows_bytes: after.rows_bytes.saturating_sub(before.rows_bytes),
            index_bytes: after.index_bytes.saturating_sub(before.index_bytes),
            rows,
        };
        let tables = [
            ("events", grown(before.events, after.events, events)),
            ("deliveries", grown(before.deliveries, after.deliveries, census.deliveries)),
            ("attempts", grown(before.attempts, after.attempts, census.attempts)),
        ];
        Self {
            tables: tables.map(|(name, size)| (name, size.rows, size)),
            deliveries: census.deliveries,
            bodies_bytes: events * data_bytes,
        }
    }

    fn bytes(&self) -> u64 {
        self.tables.iter().map(|(.., size)| size.bytes()).sum()
    }

    fn each(&self, bytes: f64) -> f64 {
        bytes / self.deliveries.max(1) as f64
    }

    fn beyond_bodies(&self) -> f64 {
        self.each(self.bytes() as f64 - self.bodies_bytes as f64)
    }

    pub(super) fn json(&self) -> Value {
        let mut told = json!({
            "bytes_per_delivery": rounded(self.each(self.bytes() as f64), 0),
            "bytes_per_delivery_beyond_bodies": rounded(self.beyond_bodies(), 0),
            "beyond_bodies_goal": BEYOND_BODIES_GOAL,
            "bodies_bytes": self.bodies_bytes,
        });
        for (name, rows, size) in &self.tables {
            told[name] =
                json!({ "rows": rows, "table_bytes": size.rows_bytes, "index_bytes": size.index_bytes });
        }
        told
    }

    pub(super) fn text(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "disk         {:>9.0} bytes a delivery beyond the bodies (goal {BEYOND_BODIES_GOAL}), {:.0} with them",
            self.beyond_bodies(),
            self.each(self.bytes() as f64)
        )];
        lines.extend(self.tables.iter().map(|(name, rows, size)| {
            format!(
                "  {name:<10} {rows:>9} rows   {:.1} MiB, and {:.1} MiB of indexes",
                size.rows_bytes as f64 / MIB,
                size.index_bytes as f64 / MIB
            )
        }));
        lines
    }
}

/// How a run stood at a moment.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    at_us: u64,
    arrived: u64,
    bytes: u64,
}

impl Mark {
    fn now(ledger: &Ledger, conn: &mut PgConnection) -> Result<Self, Failure> {
        let (at_us, arrived) = (ledger.now_us(), ledger.arrived_so_far());
        let storage = deliveries::storage(conn)?;
        let bytes = [storage.events, storage.deliveries, storage.attempts].iter().map(TableSize::bytes).sum();
        Ok(Self { at_us, arrived, bytes })
    }
}

/// Marks at the beginning, after a tenth of the events, and before the last tenth.
pub(super) type Marks = [Mark; 3];

/// Does the work, which posts so many events; with marks if they are enough to say something.
pub(super) fn watched<T: Send>(
    (program, ledger): (&Program, &Ledger),
    events: u32,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<(T, Option<Marks>), Failure> {
    if events < GROWTH_EVENTS_MIN {
        return Ok((work()?, None));
    }
    let mut inside = program.inside()?;
    let (conn, first) = (&mut inside.conn, ledger.given_out());
    let begin = Mark::now(ledger, conn)?;
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let passes = |number: u32| {
        while ledger.given_out() < number && !is_over.load(std::sync::atomic::Ordering::Relaxed) {
            std::thread::sleep(LOOK_AGAIN);
        }
    };
    std::thread::scope(|scope| {
        let marking = scope.spawn(|| {
            passes(first + events / 10);
            let tenth = Mark::now(ledger, conn)?;
            passes(first + events - events / 10);
            Ok::<_, Failure>([begin, tenth, Mark::now(ledger, conn)?])
        });
        let done = work();
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        let marks = marking.join().unwrap_or_else(|_| Err(Failure::new("the watch panicked", "")));
        Ok((done?, Some(marks?)))
    })
}

/// The first tenth of a run and its last.
pub(super) struct Growth {
    first: Tenth,
    last: Tenth,
}

struct Tenth {
    delivered_per_s: f64,
    bytes_per_delivery: f64,
}

impl Tenth {
    fn between(from: &Mark, to: &Mark) -> Self {
        let deliveries = to.arrived.saturating_sub(from.arrived).max(1) as f64;
        Self {
            delivered_per_s: deliveries * 1_000_000.0 / to.at_us.saturating_sub(from.at_us).max(1) as f64,
            bytes_per_delivery: to.bytes.saturating_sub(from.bytes) as f64 / deliveries,
        }
    }

    fn json(&self) -> Value {
        json!({
            "delivered_per_s": rounded(self.delivered_per_s, 0),
            "bytes_per_delivery": rounded(self.bytes_per_delivery, 0),
        })
    }
}

impl Growth {
    /// Up to the last arrival at `over_us`, and what is on disk when all is settled.
    pub(super) fn of(
        [begin, tenth, nine_tenths]: Marks,
        over_us: u64,
        ledger: &Ledger,
        after: &Storage,
    ) -> Self {
        let bytes = [after.events, after.deliveries, after.attempts].iter().map(TableSize::bytes).sum();
        let end = Mark { at_us: over_us, arrived: ledger.arrived_so_far(), bytes };
        Self { first: Tenth::between(&begin, &tenth), last: Tenth::between(&nine_tenths, &end) }
    }

    fn ratios(&self) -> (f64, f64) {
        let (first, last) = (&self.first, &self.last);
        (
            last.bytes_per_delivery / first.bytes_per_delivery.max(1.0),
            last.delivered_per_s / first.delivered_per_s.max(1.0),
        )
    }

    pub(super) fn json(&self) -> Value {
        let (bytes, speed) = self.ratios();
        json!({
            "first_tenth": self.first.json(),
            "last_tenth": self.last.json(),
            "bytes_ratio": rounded(bytes, 3),
            "speed_ratio": rounded(speed, 3),
        })
    }

    pub(super) fn text(&self) -> String {
        let (bytes, speed) = self.ratios();
        format!(
            "last tenth   {:>9.0}/s, {:.0} bytes a delivery: {speed:.2} times the speed of the first tenth, {bytes:.2} times \
             the bytes",
            self.last.delivered_per_s, self.last.bytes_per_delivery
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_beyond_the_bodies_are_what_was_added_less_what_was_posted() {
        let size = |rows_bytes, index_bytes| TableSize { rows_bytes, index_bytes, rows: 0 };
        let before = Storage { events: size(8, 8), deliveries: size(8, 8), ..Storage::default() };
        let after = Storage {
            events: size(1_208, 108),
            deliveries: size(408, 308),
            attempts: size(600, 100),
            ..Storage::default()
        };
        let census = Census { deliveries: 2, attempts: 3, ..Census::default() };
        let told = Disk::since(&before, &after, 1, 900, &census).json();
        assert_eq!(told["bytes_per_delivery"], 1_350.0);
        assert_eq!(told["bytes_per_delivery_beyond_bodies"], 900.0);
        assert_eq!(told["events"], json!({ "rows": 1, "table_bytes": 1_200, "index_bytes": 100 }));
        assert_eq!(told["attempts"]["rows"], 3);
    }

    #[test]
    fn tenths_are_compared_by_what_they_added() {
        let mark = |at_us, arrived, bytes| Mark { at_us, arrived, bytes };
        let first = Tenth::between(&mark(0, 0, 1_000), &mark(1_000_000, 100, 101_000));
        let last = Tenth::between(&mark(5_000_000, 900, 800_000), &mark(7_000_000, 1_000, 910_000));
        let (bytes, speed) = Growth { first, last }.ratios();
        assert_eq!((rounded(bytes, 2), rounded(speed, 2)), (1.1, 0.5));
    }
}
