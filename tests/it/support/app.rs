//! The real program in this process: on a database of its own, a free port, and a clock that stands still.
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use callout::app::{self, Overrides, Parts};
use callout::base::clock::Clock;
use callout::base::config::Config;
use callout::dispatcher::http::Resolve;
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::oneshot;

use super::client::Client;
use super::db::TestDb;

/// When tests take place, unless they move the clock.
pub const NOW: OffsetDateTime = datetime!(2026-11-21 12:00:00 UTC);

/// Longer than any test should take; a wait ends as soon as what it waits for is so.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// A running program. It stops in order when dropped.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// Moves only by [`App::advance`].
    pub clock: Clock,
    /// Its database.
    pub db: TestDb,
    /// Its parts, where a test must reach behind the doors.
    pub parts: Parts,
    config: Config,
    overrides: Overrides,
    /// Kept until the program has stopped.
    _data_dir: TempDir,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl App {
    /// With settings that suit most tests: anything on 127.0.0.0/8 may be called over plain http.
    pub fn start() -> Self {
        Self::start_with(|_, _| {})
    }

    /// With a name look-up that the test answers.
    pub fn start_resolving(resolver: Arc<dyn Resolve>) -> Self {
        Self::start_with(|_, overrides| overrides.resolver = Some(resolver))
    }

    /// With settings and overrides that the test changes.
    pub fn start_with(change: impl FnOnce(&mut Config, &mut Overrides)) -> Self {
        let (db, data_dir) = (TestDb::new(), tempfile::tempdir().expect("a folder"));
        let clock = Clock::fixed(NOW);
        let mut config = Config::read(|_| None).expect("the defaults");
        config.database_url = Some(db.url());
        config.data_dir = data_dir.path().join("data");
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.public_url = "http://127.0.0.1:0".to_owned();
        config.allow_targets = "127.0.0.0/8".to_owned();
        config.workers = 1;
        let mut overrides = Overrides { clock: Some(clock.clone()), ..Overrides::default() };
        change(&mut config, &mut overrides);
        let (address, parts, running) = run(config.clone(), overrides.clone());
        Self { address, clock, db, parts, config, overrides, _data_dir: data_dir, running: Some(running) }
    }

    /// A browser nobody has signed in with.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Moves the clock and lets the dispatcher look at what became due.
    pub fn advance(&self, by: time::Duration) {
        self.clock.advance(by);
        self.parts.wakeup.wake();
    }

    /// Returns when nothing is due or under way any more.
    pub fn dispatch_until_idle(&self) {
        self.wait_until("nothing is due", |app| {
            let now = app.clock.now();
            // In this order: what is without a row now may have one a moment later.
            !app.parts.dispatcher.has_without_row()
                && app.db.count(&format!(
                    "deliveries where status = 1 or (status in (0, 3) and due_at <= '{now}')"
                )) == 0
        });
    }

    /// Returns when the deliveries of this status are so many.
    pub fn wait_for(&self, status: &str, count: i64) {
        let number = ["due", "sending", "delivered", "retrying", "failed", "held", "cancelled"]
            .iter()
            .position(|word| *word == status)
            .unwrap_or_else(|| panic!("{status} is no status"));
        let condition = format!("deliveries where status = {number}");
        self.wait_until(&format!("{count} deliveries are {status}"), |app| app.db.count(&condition) == count);
    }

    /// Returns when a condition holds; panics when it does not in time. For what gives no signal of its own.
    pub fn wait_until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(
                began.elapsed() < WAIT_MAX,
                "waited in vain until {what}; deliveries: {:?}",
                self.db.texts("select status || ' ' || coalesce(last_failure_detail, '') from deliveries")
            );
            self.parts.wakeup.wake();
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops in order and starts again on the same database, data directory and clock.
    pub fn restart(&mut self) {
        self.stop();
        let (address, parts, running) = run(self.config.clone(), self.overrides.clone());
        (self.address, self.parts, self.running) = (address, parts, Some(running));
    }

    /// Stops in order.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the program panicked");
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop();
    }
}

type Started = (SocketAddr, Parts, (oneshot::Sender<()>, JoinHandle<()>));

fn run(config: Config, overrides: Overrides) -> Started {
    let (stop, stopped) = oneshot::channel();
    let (tell, told) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("app".to_owned())
        .spawn(move || {
            actix_rt::System::new().block_on(async move {
                match app::start(config, overrides).await {
                    Ok(running) => {
                        let _ = tell.send(Ok((running.address, running.parts.clone())));
                        let _ = stopped.await;
                        running.stop().await;
                    }
                    Err(error) => drop(tell.send(Err(error.to_string()))),
                }
            });
        })
        .expect("a thread");
    let (address, parts) = told.recv().expect("a start").unwrap_or_else(|error| panic!("{error}"));
    (address, parts, (stop, thread))
}
