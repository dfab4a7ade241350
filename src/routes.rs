//! Every route on one screen: method, path, handler, who may.
use actix_web::dev::ResourceDef;
use actix_web::guard;
use actix_web::web::{self, ServiceConfig, delete, patch, post, put};
use actix_web::{HttpRequest, HttpResponse};

use crate::api;
use crate::pages;
use crate::web::{assets, health};

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
    /// Any API key, or the owner.
    KeyOrOwner,
}

/// A route as the table has it.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
}

/// GET, and HEAD as GET: the server leaves the body out.
fn get() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// What is asked of the API and is not in the table: 405 for a path that is there with other methods, else 404.
async fn no_such_call(request: HttpRequest) -> HttpResponse {
    let methods = methods_of(request.path());
    if methods.is_empty() {
        api::not_found(&request)
    } else {
        api::not_allowed(&request, &methods.join(", "))
    }
}

/// The methods that the table has for a path, as they stand in `Allow`. Looked up only for what no route took.
fn methods_of(path: &str) -> Vec<String> {
    // A path that stands there word for word is no placeholder's value.
    let is_fixed = ROUTES.iter().any(|route| route.path == path);
    let is_here = |route: &Route| match is_fixed {
        true => route.path == path,
        false => ResourceDef::new(route.path).is_match(path),
    };
    let here = ROUTES.iter().filter(|route| is_here(route));
    let mut methods: Vec<String> = here.map(|route| route.method.to_uppercase()).collect();
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    methods
}

macro_rules! routes {
    (machines: { $($m_method:ident $m_path:literal => $m_handler:path, $m_access:expr;)* }
     people: { $($p_method:ident $p_path:literal => $p_handler:path, $p_access:expr;)* }) => {
        /// The table.
        pub const ROUTES: &[Route] = &[
            $(Route { method: stringify!($m_method), path: $m_path, access: $m_access },)*
            $(Route { method: stringify!($p_method), path: $p_path, access: $p_access },)*
        ];

        /// What programs call: no session, no pages.
        pub fn machines(app: &mut ServiceConfig) {
            $(app.route($m_path, $m_method().to($m_handler));)*
            app.service(web::scope("/v1").default_service(web::to(no_such_call)));
        }

        /// What people open: within the scope that has sessions and error pages.
        pub fn people(app: &mut ServiceConfig) {
            $(app.route($p_path, $p_method().to($p_handler));)*
        }
    };
}

use Access::*;

routes! {
machines: {
    get "/healthz" => health::healthz, Anyone;
    get "/readyz" => health::readyz, Anyone;
    get "/static/{path:.*}" => assets::serve, Anyone;
    get "/api/openapi.json" => api::openapi::get, Anyone;
    get "/favicon.ico" => assets::favicon, Anyone;

    post "/v1/events" => api::post, Key("events");
    get "/v1/events" => api::events::list, Key("events");
    post "/v1/events/batch" => api::post_batch, Key("events");
    get "/v1/events/{id}" => api::events::one, Key("events");
    get "/v1/event-types" => api::event_types::list, Key("any");
    post "/v1/event-types" => api::event_types::create, Key("webhooks");
    get "/v1/event-types/{type}" => api::event_types::one, Key("any");
    put "/v1/event-types/{type}" => api::event_types::replace, Key("webhooks");
    delete "/v1/event-types/{type}" => api::event_types::delete, Key("webhooks");
    get "/v1/project" => api::project::get, Key("any");
    patch "/v1/project" => api::project::merge, Key("webhooks");
    get "/v1/webhooks" => api::webhooks::list, Key("webhooks");
    post "/v1/webhooks" => api::webhooks::create, Key("webhooks");
    get "/v1/webhooks/{id}" => api::webhooks::one, Key("webhooks");
    put "/v1/webhooks/{id}" => api::webhooks::replace, Key("webhooks");
    patch "/v1/webhooks/{id}" => api::webhooks::merge, Key("webhooks");
    delete "/v1/webhooks/{id}" => api::webhooks::delete, Key("webhooks");
    post "/v1/webhooks/test" => api::testing::send_unsaved, Key("webhooks");
    get "/v1/webhooks/{id}/missed" => api::resuming::missed, Key("webhooks");
    post "/v1/webhooks/{id}/resume" => api::resuming::resume, Key("webhooks");
    post "/v1/webhooks/{id}/test" => api::testing::send, Key("webhooks");
    post "/v1/webhooks/{id}/secret/rotate" => api::webhooks::rotate, Key("webhooks");
    post "/v1/webhooks/{id}/secret/roll-back" => api::webhooks::roll_back, Key("webhooks");
    post "/v1/webhooks/{id}/secret/end-previous" => api::webhooks::end_previous, Key("webhooks");
    get "/v1/deliveries" => api::deliveries::list, Key("deliveries");
    get "/v1/deliveries/export" => api::export::export, Key("deliveries");
    get "/v1/deliveries/{id}" => api::deliveries::one, Key("deliveries");
    post "/v1/deliveries/{id}/resend" => api::resending::resend, Key("deliveries");
    get "/v1/deliveries/{id}/notes" => api::notes::list, Key("deliveries");
    post "/v1/deliveries/{id}/notes" => api::notes::add, Key("deliveries");
    delete "/v1/deliveries/{id}/notes/{note}" => api::notes::delete, Key("deliveries");
    get "/v1/figures" => api::figures::get, Key("deliveries");
    post "/v1/failure-groups/{id}/known" => api::figures::mark, Key("deliveries");
    delete "/v1/failure-groups/{id}/known" => api::figures::unmark, Key("deliveries");
    post "/v1/replays" => api::replays::create, Key("deliveries");
    get "/v1/replays" => api::replays::list, Key("deliveries");
    get "/v1/replays/{id}" => api::replays::one, Key("deliveries");
    get "/v1/replays/{id}/items" => api::replays::items, Key("deliveries");
    post "/v1/replays/{id}/pause" => api::replays::pause, Key("deliveries");
    post "/v1/replays/{id}/resume" => api::replays::resume, Key("deliveries");
    post "/v1/replays/{id}/cancel" => api::replays::cancel, Key("deliveries");
}
people: {
    get "/metrics" => api::metrics::get, KeyOrOwner;
    get "/docs/api" => pages::docs::api, Anyone;

    get "/setup" => pages::setup::show, Anyone;
    post "/setup" => pages::setup::create, Anyone;
    get "/sign-in" => pages::sign_in::show, Anyone;
    post "/sign-in" => pages::sign_in::sign_in, Anyone;
    post "/sign-out" => pages::sign_in::sign_out, Anyone;
    get "/reference" => pages::reference::list, Anyone;
    get "/reference/requests" => pages::reference::requests, Anyone;
    get "/reference/verify" => pages::reference::verify, Anyone;
    get "/reference/{type}" => pages::reference::detail, Anyone;
    get "/" => pages::projects::list, SignedIn;
    get "/projects" => pages::projects::go_to_list, SignedIn;
    post "/projects" => pages::projects::create, Owner;
    post "/sample" => pages::sample::load, Owner;
    get "/sample" => pages::sample::go_to_sample, Owner;
    get "/sample/remove" => pages::sample::confirm_removal, Owner;
    post "/sample/remove" => pages::sample::remove, Owner;
    get "/jump" => pages::jump::jump, SignedIn;
    get "/notices" => pages::notices::show, SignedIn;
    post "/account/notices" => pages::account::set_notices, SignedIn;
    get "/account" => pages::account::show, SignedIn;
    post "/account" => pages::account::rename, SignedIn;
    get "/account/password" => pages::account::go_to_account, SignedIn;
    post "/account/password" => pages::account::change_password, SignedIn;
    post "/account/sessions/end" => pages::account::end_other_sessions, SignedIn;
    post "/account/sign-out-everywhere" => pages::account::sign_out_everywhere, SignedIn;
    get "/admin/storage" => pages::storage::show, Owner;
    get "/admin/audit" => pages::audit::all, Owner;

    get "/p/{project}" => pages::overview::go_to_overview, Viewer;
    get "/p/{project}/overview" => pages::overview::show, Viewer;
    post "/p/{project}/overview/first-steps/dismiss" => pages::overview::dismiss_steps, Admin;
    post "/p/{project}/overview/failures/{group}/known" => pages::overview::mark, Support;
    post "/p/{project}/overview/failures/{group}/unknown" => pages::overview::unmark, Support;
    get "/p/{project}/history" => pages::history::list, Viewer;
    get "/p/{project}/history/export" => pages::history::export::show, Viewer;
    get "/p/{project}/history/export/file" => pages::history::export::file, Viewer;
    post "/p/{project}/history/export/cancel" => pages::history::export::cancel, Viewer;
    get "/p/{project}/history/live" => pages::history::live::live, Viewer;
    get "/p/{project}/history/{delivery}" => pages::history::detail, Viewer;
    get "/p/{project}/history/{delivery}/download" => pages::history::download, Support;
    post "/p/{project}/history/{delivery}/resend" => pages::history::resend, Support;
    post "/p/{project}/history/{delivery}/notes" => pages::history::notes::add, Support;
    post "/p/{project}/history/{delivery}/notes/delete" => pages::history::notes::delete, Support;
    get "/p/{project}/views" => pages::views::manage, Viewer;
    post "/p/{project}/views" => pages::views::create, Viewer;
    post "/p/{project}/views/rename" => pages::views::rename, Viewer;
    post "/p/{project}/views/update" => pages::views::update, Viewer;
    post "/p/{project}/views/delete" => pages::views::delete, Viewer;
    post "/p/{project}/views/show" => pages::views::show_or_hide, Viewer;
    get "/p/{project}/history/{delivery}/resend-with-changes" => pages::history::change, Support;
    post "/p/{project}/history/{delivery}/resend-with-changes" => pages::history::send_changed, Support;
    post "/p/{project}/history/{delivery}/resend-with-changes/check" => pages::history::check_changes, Support;
    get "/p/{project}/reveal" => pages::reveal::ask, Support;
    post "/p/{project}/reveal" => pages::reveal::begin, Support;
    post "/p/{project}/reveal/end" => pages::reveal::end, Support;
    get "/p/{project}/replays" => pages::replays::list, Support;
    post "/p/{project}/replays" => pages::replays::create, Support;
    get "/p/{project}/replays/new" => pages::replays::new, Support;
    get "/p/{project}/replays/{replay}" => pages::replays::show, Support;
    post "/p/{project}/replays/{replay}/pause" => pages::replays::pause, Support;
    post "/p/{project}/replays/{replay}/resume" => pages::replays::resume, Support;
    post "/p/{project}/replays/{replay}/cancel" => pages::replays::cancel, Support;
    get "/p/{project}/events" => pages::events::list, Support;
    get "/p/{project}/events/{event}" => pages::events::detail, Support;
    get "/p/{project}/settings" => pages::settings::general::go_to_general, Admin;
    get "/p/{project}/settings/webhooks" => pages::settings::webhooks::list, Admin;
    post "/p/{project}/settings/webhooks" => pages::settings::webhooks::create, Admin;
    get "/p/{project}/settings/webhooks/new" => pages::settings::webhooks::new, Admin;
    post "/p/{project}/settings/webhooks/new" => pages::settings::webhooks::fill, Admin;
    post "/p/{project}/settings/webhooks/preview-request" => pages::settings::webhooks::preview_request, Admin;
    post "/p/{project}/settings/webhooks/preview" => pages::settings::webhooks::preview, Admin;
    post "/p/{project}/settings/webhooks/try" => pages::settings::webhooks::try_unsaved, Admin;
    post "/p/{project}/settings/webhooks/check-data" => pages::settings::webhooks::check_data, Admin;
    get "/p/{project}/settings/webhooks/sample" => pages::settings::webhooks::trial_sample, Admin;
    get "/p/{project}/settings/webhooks/{webhook}" => pages::settings::webhooks::edit, Admin;
    post "/p/{project}/settings/webhooks/{webhook}" => pages::settings::webhooks::save, Admin;
    get "/p/{project}/settings/webhooks/{webhook}/created" => pages::settings::webhooks::created, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/maintenance" => pages::settings::webhooks::set_maintenance, Admin;
    get "/p/{project}/settings/webhooks/{webhook}/pause" => pages::settings::webhooks::confirm_pause, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/pause" => pages::settings::webhooks::pause, Admin;
    get "/p/{project}/settings/webhooks/{webhook}/resume" => pages::settings::webhooks::confirm_resume, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/resume" => pages::settings::webhooks::resume, Admin;
    get "/p/{project}/settings/webhooks/{webhook}/delete" => pages::settings::webhooks::confirm_delete, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/delete" => pages::settings::webhooks::delete, Admin;
    get "/p/{project}/settings/webhooks/{webhook}/test" => pages::settings::webhooks::show_test, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/test" => pages::settings::webhooks::send_test, Admin;
    get "/p/{project}/settings/webhooks/{webhook}/past-events" => pages::replays::past_events, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/past-events" => pages::replays::send_past_events, Admin;
    get "/p/{project}/settings/webhooks/{webhook}/secret" => pages::settings::webhooks::show_secret, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/secret/rotate" => pages::settings::webhooks::rotate_secret, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/secret/roll-back" => pages::settings::webhooks::roll_back_secret, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/secret/end-previous" => pages::settings::webhooks::end_previous_secret, Admin;
    post "/p/{project}/settings/webhooks/{webhook}/secret/try" => pages::settings::webhooks::try_secrets, Admin;
    get "/p/{project}/settings/event-types" => pages::settings::event_types::list, Admin;
    post "/p/{project}/settings/event-types" => pages::settings::event_types::create, Admin;
    get "/p/{project}/settings/event-types/new" => pages::settings::event_types::new, Admin;
    get "/p/{project}/settings/event-types/{type}" => pages::settings::event_types::detail, Admin;
    post "/p/{project}/settings/event-types/{type}" => pages::settings::event_types::save, Admin;
    get "/p/{project}/settings/event-types/{type}/edit" => pages::settings::event_types::edit, Admin;
    get "/p/{project}/settings/event-types/{type}/delete" => pages::settings::event_types::confirm_delete, Admin;
    post "/p/{project}/settings/event-types/{type}/delete" => pages::settings::event_types::delete, Admin;
    get "/p/{project}/settings/general" => pages::settings::general::show, Admin;
    post "/p/{project}/settings/general" => pages::settings::general::save, Admin;
    get "/p/{project}/settings/general/hosts" => pages::settings::general::go_to_general, Admin;
    post "/p/{project}/settings/general/hosts" => pages::settings::hosts::save, Admin;
    get "/p/{project}/settings/general/switch-off" => pages::settings::switch::confirm_switch_off, Admin;
    post "/p/{project}/settings/general/switch-off" => pages::settings::switch::switch_off, Admin;
    post "/p/{project}/settings/general/switch-on" => pages::settings::switch::switch_on, Admin;
    get "/p/{project}/settings/masking" => pages::settings::masking::show, Admin;
    post "/p/{project}/settings/masking" => pages::settings::masking::save, Admin;
    post "/p/{project}/settings/masking/preview" => pages::settings::masking::preview, Admin;
    get "/p/{project}/settings/audit" => pages::audit::of_project, Admin;
    get "/p/{project}/settings/keys" => pages::settings::keys::list, Admin;
    post "/p/{project}/settings/keys" => pages::settings::keys::create, Admin;
    post "/p/{project}/settings/keys/{key}/revoke" => pages::settings::keys::revoke, Admin;
}
}
