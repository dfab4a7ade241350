//! `/metrics`, for Prometheus (OpenMetrics text).
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer, web};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{Parts, StartError};
use crate::pages::storage::End;
use crate::web::health::{self, MetricsText};

/// The metrics as they stand.
pub(super) fn text(parts: &Parts) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = encode(&mut text, &registry(parts));
    text
}

/// A listener of its own, for `CALLOUT_METRICS_LISTEN`: whoever reaches it may read.
pub(super) fn listen(address: SocketAddr, parts: Parts) -> Result<ServerHandle, StartError> {
    let server = HttpServer::new(move || {
        let parts = parts.clone();
        let text = MetricsText(Some(Arc::new(move || text(&parts))));
        App::new().app_data(Data::new(text)).route("/metrics", web::get().to(health::metrics_for_all))
    })
    .workers(1)
    .disable_signals()
    .bind(address)
    .map_err(|error| StartError::Listen { address, error })?
    .run();
    let handle = server.handle();
    actix_rt::spawn(server);
    Ok(handle)
}

fn registry(parts: &Parts) -> Registry {
    let mut registry = Registry::with_prefix("callout");
    let (ingest, sent) = (parts.ingest.counters(), parts.dispatcher.counters());
    let counters: [(&str, &str, &AtomicU64); 10] = [
        ("events_accepted", "Events accepted", &ingest.events),
        ("deliveries_created", "Deliveries made for events", &ingest.deliveries),
        ("ingest_commits", "Transactions that accepted events", &ingest.batches),
        (
            "requests_refused",
            "Requests refused because of overload or a database that is away",
            &ingest.refused,
        ),
        ("attempts", "HTTP tries", &sent.attempts),
        ("delivered", "Deliveries that a receiver took", &sent.delivered),
        ("attempts_failed", "HTTP tries that failed", &sent.failed_attempts),
        ("deliveries_given_up", "Deliveries that used up their retries", &sent.given_up),
        ("attempts_interrupted", "HTTP tries cut short by a stop", &sent.interrupted),
        ("outcomes_recorded", "Outcomes written to the history", &sent.recorded),
    ];
    for (name, help, value) in counters {
        registry.register(name, help, ConstCounter::new(value.load(Ordering::Relaxed)));
    }
    let in_memory = i64::try_from(parts.dispatcher.in_memory()).unwrap_or(i64::MAX);
    registry.register(
        "deliveries_in_memory",
        "Deliveries waiting for a slot or under way",
        ConstGauge::new(in_memory),
    );
    let slowed = i64::try_from(parts.dispatcher.slowed()).unwrap_or(i64::MAX);
    registry.register(
        "webhooks_slowed",
        "Webhooks that are slowed because their receivers keep failing",
        ConstGauge::new(slowed),
    );
    let ready = i64::from(parts.dispatcher.works());
    registry.register("dispatcher_works", "1 while the queue can be read", ConstGauge::new(ready));
    for (name, help, value) in sizes(parts) {
        registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    }
    registry
}

/// What was measured within the last minute or so; a scrape measures nothing. What is not known is left out.
fn sizes(parts: &Parts) -> Vec<(&'static str, &'static str, u64)> {
    let Some(measured) = parts.sizes.latest() else { return Vec::new() };
    let storage = &measured.storage;
    let mut sizes = vec![
        ("database_size_bytes", "Size of the database", storage.database_bytes),
        ("events_size_bytes", "Size of the events, indexes included", storage.events.bytes()),
        ("deliveries_size_bytes", "Size of the deliveries, indexes included", storage.deliveries.bytes()),
        ("attempts_size_bytes", "Size of the attempts, indexes included", storage.attempts.bytes()),
    ];
    if let Some(bytes) = measured.forecast.per_day {
        sizes.push(("history_growth_bytes_per_day", "Mean growth of the last full days, at most 7", bytes));
    }
    if let Some(disk) = measured.disk() {
        sizes.push(("disk_size_bytes", "Size of the disk under the private Postgres", disk.total));
        sizes.push(("disk_free_bytes", "Free on the disk under the private Postgres", disk.free));
    }
    if let End::Full { in_days, .. } = measured.forecast.end {
        let days = u64::try_from(in_days).unwrap_or_default();
        sizes.push(("disk_full_in_days", "Days until the disk is full at this rate", days));
    }
    sizes
}
