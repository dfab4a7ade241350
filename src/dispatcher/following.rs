//! Lets the rest of what waits follow when a webhook was switched while very many waited for it.
use std::sync::Arc;
use std::time::Duration;

use actix_rt::Arbiter;

use super::Shared;
use crate::base::db::Db;
use crate::models::deliveries::{self, PIECE};

/// Between looks while there is nothing.
const EVERY: Duration = Duration::from_secs(1);
/// Between pieces, so that whoever writes meanwhile comes in between.
const PIECES_APART: Duration = Duration::from_millis(20);

/// Starts it; it ends with the arbiter. Every piece is whole: whoever looks next goes on, after a restart too.
pub(super) fn start(arbiter: &Arbiter, shared: Arc<Shared>, db: Db) {
    arbiter.spawn(async move {
        loop {
            let now = shared.clock.now();
            let wait = match db.run(move |conn| deliveries::finish_some(conn, PIECE, now)).await {
                Ok(Some(_)) => {
                    shared.wakeup.wake();
                    PIECES_APART
                }
                Ok(None) => EVERY,
                Err(error) => {
                    tracing::warn!(%error, "what waits for a webhook that was switched follows later");
                    EVERY
                }
            };
            tokio::time::sleep(wait).await;
        }
    });
}
