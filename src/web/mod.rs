//! The HTTP kit under pages and API: of the product it knows people and projects only.
//!
//! A page's way through it: [`everywhere`] (headers, a line in the log) → [`pages_scope`] (errors as pages, same-origin
//! check, session) → an extractor that says who may ([`session`], [`member`]) → handler → [`page`].
pub mod api_keys;
pub mod assets;
pub mod csrf;
pub mod error;
pub mod filters;
pub mod form;
pub mod frame;
pub mod headers;
pub mod health;
pub mod limits;
pub mod member;
pub mod once;
pub mod page;
pub mod paging;
pub mod request;
pub mod session;
pub mod sight;
pub mod standing;
pub mod visitor;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, Scope, web};

use crate::base::clock::Clock;
use crate::base::db::Db;

pub use error::{PageError, PageResult};
pub use form::{FieldErrors, Form, Query, RawForm};
pub use frame::{Frame, Section};
pub use member::{Admin, Member, Support, Viewer};
pub use page::Htmx;
pub use session::{Owner, SignedIn};
pub use sight::{MaskedLine, Sight};
pub use standing::Standing;
pub use visitor::Visitor;

/// What the kit must know of the configuration. Handlers get it as `Data<WebSettings>`.
#[derive(Clone)]
pub struct WebSettings {
    /// Where people reach us, without a slash at the end, e.g. `https://callout.example.com`.
    pub public_url: String,
    /// Whether `public_url` is `https`: turns Secure cookies and HSTS on.
    pub https: bool,
    /// Signs the session cookie.
    pub cookie_key: [u8; 64],
}

impl WebSettings {
    /// Derives the cookie key from the program's secret key, so that neither tells anything about the other.
    pub fn new(public_url: &str, secret_key: &[u8; 32]) -> Self {
        let public_url = public_url.trim_end_matches('/').to_owned();
        let https = public_url.starts_with("https://");
        Self { https, public_url, cookie_key: cookie_key(secret_key) }
    }
}

impl std::fmt::Debug for WebSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSettings").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

fn cookie_key(secret_key: &[u8; 32]) -> [u8; 64] {
    use hmac::{Hmac, KeyInit, Mac};
    let mut key = [0_u8; 64];
    for (half, label) in key.chunks_exact_mut(32).zip([b"callout cookie 1", b"callout cookie 2"]) {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret_key).expect("HMAC takes any key");
        mac.update(label);
        half.copy_from_slice(&mac.finalize().into_bytes());
    }
    key
}

/// Wraps the whole `App`: `App::new().wrap(from_fn(web::everywhere))`. Needs `Data<WebSettings>` and `Data<Clock>`.
///
/// Gives every answer its security headers and the log one line, and every line of the log its request's reference.
pub async fn everywhere(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    request::logged(req, next).await
}

/// The scope in which all pages live: errors become pages, forms must come from our own pages, sessions are loaded.
///
/// Register it last, after API, assets and probes: it answers every other path, unknown ones with a page that says so.
/// Needs `Data<Db>`, `Data<Clock>`, `Data<WebSettings>` on the app; add routes with `.configure(…)`.
pub fn pages_scope(
    settings: &WebSettings,
    db: &Db,
    clock: &Clock,
) -> Scope<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    web::scope("")
        .wrap(session::middleware(settings, db, clock))
        .wrap(from_fn(csrf::same_origin))
        .wrap(from_fn(error::as_pages))
        .default_service(web::to(error::no_such_page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_key_follows_from_the_secret_key_and_its_halves_differ() {
        let one = WebSettings::new("https://callout.example/", &[1; 32]);
        assert_eq!(one.cookie_key, WebSettings::new("http://x", &[1; 32]).cookie_key);
        assert_ne!(one.cookie_key, WebSettings::new("http://x", &[2; 32]).cookie_key);
        assert_ne!(one.cookie_key[..32], one.cookie_key[32..]);
        assert!(one.https && one.public_url == "https://callout.example");
    }
}
