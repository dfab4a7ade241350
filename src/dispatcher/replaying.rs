//! Goes on with replays, a piece at a time.
use std::sync::Arc;
use std::time::Duration;

use actix_rt::Arbiter;

use super::Shared;
use crate::base::db::{Db, DbError};
use crate::models::replays::{self, Step};

/// Between looks while there is no replay, or all of them have waited for long.
const EVERY: Duration = Duration::from_secs(1);
/// Between looks while all wait for their webhooks or their rate.
const LOOKS_APART: Duration = Duration::from_millis(100);
/// Between pieces, so that whoever writes meanwhile comes in between.
const PIECES_APART: Duration = Duration::from_millis(20);
/// So many looks in vain in a row are not yet all of them.
const SOME_IN_VAIN: u32 = 10;
/// So many are for long.
const MANY_IN_VAIN: u32 = 50;

/// Starts it; it ends with the arbiter. Every piece is whole: whoever looks next goes on, after a restart too.
pub(super) fn start(arbiter: &Arbiter, shared: Arc<Shared>, db: Db) {
    arbiter.spawn(async move {
        let mut in_vain: u32 = 0;
        loop {
            let now = shared.clock.now();
            let wait = match db.run(move |conn| -> Result<_, DbError> { replays::go_on(conn, now) }).await {
                Ok(Step::Moved) => {
                    in_vain = 0;
                    shared.wakeup.wake();
                    PIECES_APART
                }
                Ok(Step::Waits) => {
                    in_vain = in_vain.saturating_add(1);
                    match in_vain {
                        ..SOME_IN_VAIN => PIECES_APART,
                        SOME_IN_VAIN..MANY_IN_VAIN => LOOKS_APART,
                        _ => EVERY,
                    }
                }
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
