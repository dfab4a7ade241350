//! Names to addresses.
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

/// Longest look-up; the operating system's own limit can be half a minute.
const LOOKUP_MAX: Duration = Duration::from_secs(3);
/// Look-ups block a thread each: so many at a time.
const LOOKUPS_AT_ONCE: usize = 32;

/// Turns a host name into addresses. A parameter, so that a test can change the answer between two look-ups.
pub trait Resolve: Send + Sync {
    /// All addresses of `host`, with `port`.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The operating system's rules.
pub struct SystemResolver {
    turns: Semaphore,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self { turns: Semaphore::new(LOOKUPS_AT_ONCE) }
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let _turn = self.turns.acquire().await.map_err(io::Error::other)?;
            match tokio::time::timeout(LOOKUP_MAX, tokio::net::lookup_host((host, port))).await {
                Ok(found) => Ok(found?.collect()),
                Err(_) => {
                    Err(io::Error::new(io::ErrorKind::TimedOut, "the name server did not answer within 3 s"))
                }
            }
        })
    }
}
