//! API keys in memory for a moment, so that not every call asks the database.
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::clock::{Clock, Stopwatch};
use crate::base::db::{Db, DbError};
use crate::models::projects::keys::{self, Key};

/// A key revoked elsewhere works for so long at most; one revoked on this node stops at once.
const TRUSTED: Duration = Duration::from_secs(1);
/// "Last used" is written at most so often.
const NOTED_EVERY: time::Duration = time::Duration::seconds(60);
/// Keys kept; beyond, all are forgotten and read again.
const KEYS_MAX: usize = 10_000;

/// The keys that were used in the last second.
#[derive(Debug, Default)]
pub struct KeyCache {
    clock: Clock,
    known: Mutex<HashMap<[u8; 32], (Key, Stopwatch)>>,
}

impl KeyCache {
    /// An empty one.
    pub fn new(clock: Clock) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// The key of a token's SHA-256, unless it is revoked or unknown. Notes its use.
    pub async fn find(&self, db: &Db, token_hash: [u8; 32]) -> Result<Option<Key>, DbError> {
        if let Some(key) = self.remembered(&token_hash) {
            return Ok(Some(key));
        }
        let now = self.clock.now();
        let found = db.run(move |conn| -> Result<_, DbError> {
            let Some(key) = keys::find(conn, token_hash)? else { return Ok(None) };
            if key.last_used_at.is_none_or(|at| now - at >= NOTED_EVERY) {
                keys::touch(conn, &[(key.project, key.id)], now)?;
            }
            Ok(Some(key))
        });
        let found = found.await?;
        if let Some(key) = &found {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KEYS_MAX {
                known.clear();
            }
            known.insert(token_hash, (key.clone(), self.clock.stopwatch()));
        }
        Ok(found)
    }

    /// Forgets all keys: one was revoked.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn remembered(&self, token_hash: &[u8; 32]) -> Option<Key> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(token_hash).filter(|(_, since)| since.elapsed() < TRUSTED).map(|(key, _)| key.clone())
    }
}
