//! Goes on with replays, a piece at a time.
use std::sync::Arc;
use std::time::Duration;

use actix_rt::Arbiter;

use super::Shared;
use crate::base::db::{Db, DbError};
use crate::models::replays::{self, Step};

/// Between looks while there is no replay.
const EVERY: Duration = Duration::from_secs(1);
/// Between looks at one that waits for its webhooks or its rate.
const LOOKS_APART: Duration = Duration::from_millis(100);
/// Between pieces, so that whoever writes meanwhile comes in between.
const PIECES_APART: Duration = Duration::from_millis(20);

/// Starts it; it ends with the arbiter. Every piece is whole: whoever looks next goes on, after a restart too.
pub(super) fn start(arbiter: &Arbiter, shared: Arc<Shared>, db: Db) {
    arbiter.spawn(async move {
        loop {
            let now = shared.clock.now();
            let wait = match db.run(move |conn| -> Result<_, DbError> { replays::go_on(conn, now) }).await {
                Ok(Step::Moved) => {
                    shared.wakeup.wake();
                    PIECES_APART
                }
                Ok(Step::Waits) => LOOKS_APART,
                Ok(Step::Idle) => EVERY,
                Err(error) => {
                    tracing::warn!(%error, "a replay goes on later");
                    EVERY
                }
            };
            tokio::time::sleep(wait).await;
        }
    });
}
