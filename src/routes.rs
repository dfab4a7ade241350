//! Every route on one screen: method, path, handler, who may.
use actix_web::web::{self, ServiceConfig};

use crate::api;
use crate::web::health;

/// Who may call a route. The handlers' extractors enforce it; a test holds them to this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches the program.
    Anyone,
    /// An API key with this scope; `any` takes all.
    Key(&'static str),
    /// Whoever has signed in.
    SignedIn,
    /// A role in the project, or a higher one.
    Viewer,
    /// A role in the project, or a higher one.
    Support,
    /// A role in the project, or the owner.
    Admin,
    /// The owner of the installation.
    Owner,
}

/// A route as the table has it.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
}

macro_rules! routes {
    ($($method:ident $path:literal => $handler:path, $access:expr;)*) => {
        /// The table.
        pub const ROUTES: &[Route] = &[$(Route { method: stringify!($method), path: $path, access: $access }),*];

        /// Registers every route.
        pub fn configure(app: &mut ServiceConfig) {
            $(app.route($path, web::$method().to($handler));)*
            app.service(web::scope("/v1").default_service(web::to(api::not_found)));
        }
    };
}

use Access::*;

routes! {
    get "/healthz" => health::healthz, Anyone;
    get "/readyz" => health::readyz, Anyone;

    post "/v1/events" => api::post, Key("events");
    get "/v1/events" => api::events::list, Key("events");
    post "/v1/events/batch" => api::post_batch, Key("events");
    get "/v1/events/{id}" => api::events::one, Key("events");
    get "/v1/event-types" => api::event_types::list, Key("any");
    get "/v1/event-types/{type}" => api::event_types::one, Key("any");
    get "/v1/project" => api::project::get, Key("any");
    patch "/v1/project" => api::project::merge, Key("webhooks");
    get "/v1/webhooks" => api::webhooks::list, Key("webhooks");
    post "/v1/webhooks" => api::webhooks::create, Key("webhooks");
    get "/v1/webhooks/{id}" => api::webhooks::one, Key("webhooks");
    put "/v1/webhooks/{id}" => api::webhooks::replace, Key("webhooks");
    patch "/v1/webhooks/{id}" => api::webhooks::merge, Key("webhooks");
    delete "/v1/webhooks/{id}" => api::webhooks::delete, Key("webhooks");
    get "/v1/deliveries" => api::deliveries::list, Key("deliveries");
    get "/v1/deliveries/{id}" => api::deliveries::one, Key("deliveries");
    post "/v1/deliveries/{id}/resend" => api::deliveries::resend, Key("deliveries");
}
