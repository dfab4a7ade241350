//! Who calls: an API key with the scope that the call needs.
use std::future::Future;
use std::pin::Pin;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, dev};

use super::problem::Problem;
use crate::base::db::Db;
use crate::base::seal::sha256;
use crate::models::projects::keys::{Key, Scope};
use crate::web::api_keys::KeyCache;

/// The key of a request, or the problem that there is none.
async fn key_of(request: HttpRequest) -> Result<Key, Problem> {
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && token.starts_with("ck_"))
        .map(|(_, token)| sha256(token.trim().as_bytes()))
        .ok_or_else(Problem::no_key)?;
    let (Some(cache), Some(db)) = (request.app_data::<Data<KeyCache>>(), request.app_data::<Data<Db>>())
    else {
        return Err(Problem::internal(&"the program was put together wrongly"));
    };
    cache.find(db, token).await?.ok_or_else(Problem::no_key)
}

async fn key_with(request: HttpRequest, scope: Scope) -> Result<Key, Problem> {
    let key = key_of(request).await?;
    if key.scopes.contains(&scope) { Ok(key) } else { Err(Problem::lacks_scope(scope.as_str())) }
}

macro_rules! key_with_scope {
    ($(#[$doc:meta])* $name:ident, $scope:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(pub Key);

        impl FromRequest for $name {
            type Error = Problem;
            type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

            fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move { key_with(request, $scope).await.map(Self) })
            }
        }
    };
}

key_with_scope!(
    /// A key that may post and read events.
    EventsKey,
    Scope::Events
);
key_with_scope!(
    /// A key that may read and change webhooks and the project's settings.
    WebhooksKey,
    Scope::Webhooks
);
key_with_scope!(
    /// A key that may read deliveries and send them again.
    DeliveriesKey,
    Scope::Deliveries
);

/// A key, whatever its scopes.
#[derive(Debug)]
pub struct AnyKey(pub Key);

impl FromRequest for AnyKey {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { key_of(request).await.map(Self) })
    }
}
