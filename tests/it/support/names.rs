//! A name service that answers what the test says, and something else the next time if it says so.
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use callout::dispatcher::http::Resolve;
use futures_util::future::BoxFuture;

/// Names and what they lead to. A name that was never set does not exist.
#[derive(Default)]
pub struct Names(Mutex<HashMap<String, Vec<String>>>);

impl Names {
    /// Knows this name.
    pub fn of(name: &str, addresses: &[&str]) -> Arc<Self> {
        let names = Arc::new(Self::default());
        names.set(name, addresses);
        names
    }

    /// Lets a name lead to these addresses (without ports) from now on.
    pub fn set(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), addresses);
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned();
        Box::pin(async move {
            let addresses = found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))?;
            addresses
                .iter()
                .map(|address| Ok(SocketAddr::new(address.parse().map_err(io::Error::other)?, port)))
                .collect()
        })
    }
}
