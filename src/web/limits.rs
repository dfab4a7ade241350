//! How much the pages take on: sizes, and how many passwords are hashed at a time.
use std::time::Duration;

use tokio::sync::Semaphore;

use super::error::PageError;

/// Largest body of a form, in bytes: the largest sample and schema of an event type fit, percent-encoded.
pub const FORM_BYTES_MAX: usize = 512 * 1024;
/// How long a form may take to arrive.
pub const FORM_WAIT_MAX: Duration = Duration::from_secs(30);
/// Most fields of a form or a query.
pub const FIELDS_MAX: usize = 2_000;
/// Rows of one page of a list.
pub const PAGE_ROWS: usize = 50;

/// Passwords hashed at the same time: each takes 19 MiB and a core for some 30 ms.
static HASHING: Semaphore = Semaphore::const_new(4);
/// How long a sign-in waits for its turn.
const HASHING_WAIT_MAX: Duration = Duration::from_secs(5);

/// Runs password hashing on a blocking thread, a few at a time.
///
/// # Errors
/// [`PageError::Unavailable`] when the queue is longer than 5 seconds.
pub async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PageError> {
    let full = |_| PageError::Unavailable("too many passwords to hash at once".to_owned());
    let turn = tokio::time::timeout(HASHING_WAIT_MAX, HASHING.acquire()).await.map_err(full)?;
    let done = tokio::task::spawn_blocking(work).await;
    drop(turn);
    done.map_err(|error| PageError::Internal(format!("hashing a password stopped: {error}")))
}
