//! One request in the log: its reference, its line.
use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest};
use tracing::Instrument;

use super::{WebSettings, headers};
use crate::base::clock::Clock;
use crate::models::accounts::token;

/// Names one request: in the log's lines about it and on the error page that a person sees.
#[derive(Clone, Debug)]
pub struct Reference(Rc<str>);

impl Reference {
    fn new() -> Self {
        Self(token::random("", 10).into())
    }

    /// The reference of a request; a new one outside [`super::everywhere`].
    pub fn of(req: &HttpRequest) -> Self {
        req.extensions().get::<Self>().cloned().unwrap_or_else(Self::new)
    }

    /// Ten letters and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) async fn logged(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let reference = Reference::new();
    req.extensions_mut().insert(reference.clone());
    let span = tracing::info_span!("request", reference = reference.as_str());
    let clock = req.app_data::<Data<Clock>>().map(|clock| Clock::clone(clock)).unwrap_or_default();
    let https = req.app_data::<Data<WebSettings>>().is_some_and(|settings| settings.https);
    let watch = clock.stopwatch();
    let method = req.method().clone();
    // Without the query: links with tokens and what people search for stay out of the log.
    let path = req.path().to_owned();
    async move {
        // No clone of the request may live on in here: routing needs it for itself.
        let answer = next.call(req).await;
        let ms = watch.elapsed_us() / 1_000;
        let status = match &answer {
            Ok(answer) => answer.status().as_u16(),
            Err(error) => error.as_response_error().status_code().as_u16(),
        };
        // Thousands a second of these say nothing while all goes well.
        let is_plenty = path.starts_with("/static/") || path.starts_with("/v1/") && status < 400;
        if is_plenty || matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics") {
            tracing::debug!(%method, path, status, ms, "answered");
        } else {
            tracing::info!(%method, path, status, ms, "answered");
        }
        match answer {
            Ok(answer) => {
                let mut answer = answer.map_into_boxed_body();
                headers::add(answer.headers_mut(), https);
                Ok(answer)
            }
            Err(error) => {
                let mut response = error.error_response();
                headers::add(response.headers_mut(), https);
                Err(InternalError::from_response("answered already", response).into())
            }
        }
    }
    .instrument(span)
    .await
}
