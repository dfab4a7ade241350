//! Checks that a request was sent by Callout and not changed on its way (Standard Webhooks).
//!
//! Cargo.toml: base64 = "0.23", hmac = "0.13", sha2 = "0.11"
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const TOLERANCE_S: u64 = 5 * 60;

/// The three headers of a received request, as they came.
pub struct Received<'a> {
    pub webhook_id: &'a str,
    pub webhook_timestamp: &'a str,
    pub webhook_signature: &'a str,
}

/// Whether one of the secrets signed the request within the last five minutes.
///
/// `body` is the bytes that came, before anything parses them (`web::Bytes` in actix-web, `Bytes` in axum).
/// `secrets` are `whsec_…`: one, or several of which any will do. None of them a secret: false.
pub fn verify(body: &[u8], received: &Received, secrets: &[&str]) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let is_number = received.webhook_timestamp.bytes().all(|byte| byte.is_ascii_digit());
    match received.webhook_timestamp.parse::<u64>() {
        Ok(timestamp) if is_number && now.abs_diff(timestamp) <= TOLERANCE_S => {}
        _ => return false,
    }
    secrets.iter().filter_map(|secret| key_of(secret)).any(|key| {
        let mut signed = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        signed.update(format!("{}.{}.", received.webhook_id, received.webhook_timestamp).as_bytes());
        signed.update(body);
        received.webhook_signature.split(' ').any(|signature| {
            let given = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
            // Compares in constant time.
            given.is_some_and(|given| signed.clone().verify_slice(&given).is_ok())
        })
    })
}

fn key_of(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    // An empty key would let anybody sign.
    (key.len() >= 24).then_some(key)
}
