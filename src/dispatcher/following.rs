//! What is done about webhooks by the way: lets the rest of what waits follow one that was switched while very many waited
//! for it, makes deliveries of what one missed, begins and ends maintenance windows.
use std::sync::Arc;
use std::time::Duration;

use actix_rt::Arbiter;

use super::Shared;
use crate::base::db::{Db, DbError};
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
            let step = db.run(move |conn| {
                // Each whole by itself, and all of them cheap while there is nothing to do.
                let turned = deliveries::keep_windows(conn, now)?;
                let followed = deliveries::finish_some(conn, PIECE, now)?;
                let sent = deliveries::send_some_missed(conn, now)?;
                Ok::<_, DbError>((turned > 0 || followed.is_some() || sent.is_some()).then_some(()))
            });
            let wait = match step.await {
                Ok(Some(())) => {
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
