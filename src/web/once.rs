//! A secret on its way from the form that made it to the one page that shows it.
//!
//! The answer to the form sends the browser on, so that loading the page anew makes nothing a second time. In between
//! the secret lies in the session, sealed to the page that may show it, and is gone once that was drawn.
use actix_session::SessionExt;
use actix_web::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::PageError;
use super::session::{Session, is_page_view};
use crate::base::seal::SealKey;

/// In the session: page and sealed text. There is one at most, so one that nobody fetched goes with the next.
const ONCE: &str = "once";

/// Keeps `secret` for the page at `place`.
pub fn keep(session: &Session, seal: &SealKey, place: &str, secret: &str) -> Result<(), PageError> {
    let sealed = STANDARD.encode(seal.seal(secret.as_bytes(), place.as_bytes()));
    let kept = session.insert(ONCE, (place, sealed));
    kept.map_err(|error| PageError::Internal(format!("writing the session: {error}")))
}

/// What was kept for the page at `place`, for the first request that will show it.
pub fn take(request: &HttpRequest, seal: &SealKey, place: &str) -> Option<Zeroizing<String>> {
    let session = request.get_session();
    let (kept_for, sealed) = session.get::<(String, String)>(ONCE).ok().flatten()?;
    if kept_for != place || !is_page_view(request) {
        return None;
    }
    session.remove(ONCE);
    let open = seal.open(&STANDARD.decode(sealed).ok()?, place.as_bytes()).ok()?;
    String::from_utf8(open.to_vec()).ok().map(Zeroizing::new)
}
