//! The one place that calls out: awc behind a connector that judges every address.
mod certificate;
mod connect;
mod exchange;
mod interim;
mod proxy;
mod resolve;
mod stream;
mod tls;

pub use awc::http::header::{HeaderName, HeaderValue};
pub use exchange::{Exchanged, Request, Sender};
pub use proxy::Proxy;
pub use resolve::{Resolve, SystemResolver};
pub use tls::{Tls, TlsError};

use std::sync::Arc;

use crate::base::clock::Clock;
use crate::rules::target::Policy;

/// What every connection of this installation goes by.
#[derive(Clone)]
pub struct Egress {
    /// Which addresses may be called.
    pub policy: Arc<Policy>,
    /// How names become addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Trust anchors and protocol versions.
    pub tls: Tls,
    /// Connections go through this one, to the address that we judged.
    pub proxy: Option<Arc<Proxy>>,
    /// For timings.
    pub clock: Clock,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("policy", &self.policy).finish_non_exhaustive()
    }
}
