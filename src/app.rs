//! Builds the program from its settings, and stops it in order.
mod metrics;
mod node;
mod parts;
mod start_error;

pub use parts::{Overrides, Parts, egress, seal_key};
pub use start_error::StartError;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App, HttpServer};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::base::config::Config;
use crate::{pages, routes, web};

/// A stop waits so long for requests that are being answered.
const REQUESTS_GRACE_S: u64 = 10;
/// A client may take so long to send a request's head.
const CLIENT_HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// An idle connection is kept so long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The program while it runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its parts, for tests.
    pub parts: Parts,
    server: ServerHandle,
    served: actix_rt::task::JoinHandle<std::io::Result<()>>,
    metrics: Option<ServerHandle>,
    /// What an earlier end cut short; it goes on beside everything else.
    left_over: actix_rt::task::JoinHandle<()>,
    /// Measures the tables for the metrics.
    measuring: actix_rt::task::JoinHandle<()>,
}

/// Starts everything and returns once requests are answered.
pub async fn start(config: Config, overrides: Overrides) -> Result<Running, StartError> {
    let listener = std::net::TcpListener::bind(config.listen)
        .map_err(|error| StartError::Listen { address: config.listen, error })?;
    let address =
        listener.local_addr().map_err(|error| StartError::Listen { address: config.listen, error })?;
    let config = config.listening_on(address);
    let parts = Parts::build(config, overrides).await?;
    let shared = parts.clone();
    let server = HttpServer::new(move || {
        let parts = shared.clone();
        let pages = web::pages_scope(&parts.web, &parts.db, &parts.clock).configure(routes::people);
        App::new()
            .configure(|app| parts.provide(app))
            .configure(routes::machines)
            .service(pages)
            .wrap(Compress::default())
            .wrap(from_fn(web::everywhere))
    })
    .workers(parts.config.workers)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(CLIENT_HEAD_TIMEOUT)
    .shutdown_timeout(REQUESTS_GRACE_S)
    .disable_signals()
    .listen(listener)
    .map_err(|error| StartError::Listen { address, error })?
    .run();
    let handle = server.handle();
    let served = actix_rt::spawn(server);
    let metrics = match parts.config.metrics_listen {
        Some(listen) => Some(metrics::listen(listen, parts.clone())?),
        None => None,
    };
    let left_over = actix_rt::spawn(pages::sample::finish_removal(parts.db.clone()));
    let measuring = actix_rt::spawn(parts.sizes.clone().keep_fresh());
    Ok(Running { address, parts, server: handle, served, metrics, left_over, measuring })
}

impl Running {
    /// Stops in order: lists that are followed let go, no new requests, requests in flight answered, what was accepted written, attempts under way
    /// ended or cut short, outcomes recorded, claims given back, the private Postgres stopped.
    pub async fn stop(self) {
        // An export would be waited for, however long it is.
        self.parts.exports.stop();
        self.parts.streams.stop();
        self.server.stop(true).await;
        let _ = self.served.await;
        // It is in steps, each of which is whole: the next start goes on.
        self.left_over.abort();
        self.measuring.abort();
        if let Some(metrics) = self.metrics {
            metrics.stop(false).await;
        }
        self.parts.stop().await;
    }
}

/// SIGTERM and Ctrl-C, caught from the moment this exists.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub fn catch() -> Result<Self, StartError> {
        let terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
        Ok(Self { terminate, interrupt })
    }

    /// Completes at the next one and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        }
    }
}

impl Running {
    /// Waits for a signal, or for the web server to end by itself.
    pub async fn until_told(&mut self, signals: &mut Signals) {
        // So that nobody's first look at the reference waits for it.
        std::thread::spawn(pages::reference::prepare);
        tokio::select! {
            signal = signals.next() => tracing::info!("{signal}: stopping"),
            ended = &mut self.served => tracing::error!(?ended, "the web server ended by itself"),
        }
    }

    /// As [`Running::stop`]; one more signal meanwhile ends it at once.
    pub async fn stop_unless_told(self, signals: &mut Signals) {
        tokio::select! {
            () = self.stop() => {}
            _ = signals.next() => tracing::warn!("a second signal: ending at once"),
        }
    }
}

/// `callout serve`: runs until SIGTERM or Ctrl-C; a second one while stopping ends at once.
pub async fn run(config: Config) -> Result<(), StartError> {
    let mut signals = Signals::catch()?;
    let mut running = start(config, Overrides::default()).await?;
    running.parts.greet(running.address).await;
    running.until_told(&mut signals).await;
    running.stop_unless_told(&mut signals).await;
    Ok(())
}
