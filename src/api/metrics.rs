//! `/metrics` on the main address: for a key, or an owner who is signed in.
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload};

use super::key::AnyKey;
use crate::web::health::{self, MetricsText};
use crate::web::{Owner, PageError};

/// The metrics as they stand, in the text form of OpenMetrics.
pub async fn get(request: HttpRequest, text: Data<MetricsText>) -> Result<HttpResponse, PageError> {
    if AnyKey::from_request(&request, &mut Payload::None).await.is_err() {
        match Owner::from_request(&request, &mut Payload::None).await {
            Ok(_) => {}
            // A collector cannot fill in a form.
            Err(PageError::SignIn(_)) => {
                return Ok(HttpResponse::Unauthorized()
                    .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
                    .content_type("text/plain; charset=utf-8")
                    .body("Send an API key as `Authorization: Bearer ck_…`, or sign in as an owner.\n"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(health::metrics_for_all(text).await)
}
