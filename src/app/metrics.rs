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
    registry
}
