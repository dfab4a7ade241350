//! One request in the log: its reference, its line.
use std::net::IpAddr;
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

/// Where a visitor is. That is the peer; if the peer is on this machine or in a private network, thus a proxy beside us,
/// it is the last address of `X-Forwarded-For`, which the proxy itself wrote, as far as it can be read.
///
/// Those who reach the program from a private network without a proxy can claim any address: count more than this.
pub fn client_address(req: &HttpRequest) -> Option<IpAddr> {
    let peer = req.peer_addr()?.ip().to_canonical();
    let is_beside_us = match peer {
        IpAddr::V4(peer) => peer.is_loopback() || peer.is_private() || peer.is_link_local(),
        IpAddr::V6(peer) => peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local(),
    };
    if !is_beside_us {
        return Some(peer);
    }
    let told = req.headers().get_all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
    let last =
        told.and_then(|told| told.rsplit(',').next()).and_then(|last| last.trim().parse::<IpAddr>().ok());
    Some(last.map_or(peer, |last| last.to_canonical()))
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
        let is_api = path.starts_with("/v1/") || path == "/v1";
        // Thousands a second of these say nothing while all goes well.
        let is_plenty = path.starts_with("/static/") || is_api && status < 400;
        if is_plenty || matches!(path.as_str(), "/healthz" | "/readyz" | "/metrics") {
            tracing::debug!(%method, path, status, ms, "answered");
        } else {
            tracing::info!(%method, path, status, ms, "answered");
        }
        match answer {
            Ok(answer) => {
                let mut answer = answer.map_into_boxed_body();
                if is_api {
                    headers::forbid_keeping(answer.headers_mut());
                }
                headers::add(answer.headers_mut(), https);
                Ok(answer)
            }
            Err(error) => {
                let mut response = error.error_response();
                if is_api {
                    headers::forbid_keeping(response.headers_mut());
                }
                headers::add(response.headers_mut(), https);
                Err(InternalError::from_response("answered already", response).into())
            }
        }
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn told(peer: &str, forwarded: &[&str]) -> String {
        let mut req = TestRequest::default().peer_addr((peer.parse::<IpAddr>().unwrap(), 5_000).into());
        for value in forwarded {
            req = req.append_header(("x-forwarded-for", *value));
        }
        client_address(&req.to_http_request()).unwrap().to_string()
    }

    #[test]
    fn a_proxy_beside_us_says_where_the_visitor_is_and_nobody_else_may() {
        assert_eq!(told("127.0.0.1", &["198.51.100.1, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(told("10.0.0.2", &["198.51.100.1", "2001:db8::7"]), "2001:db8::7");
        assert_eq!(told("fd00::1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(told("::ffff:127.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(told("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(told("127.0.0.1", &["203.0.113.7, unknown"]), "127.0.0.1");
        assert_eq!(told("198.51.100.9", &["203.0.113.7"]), "198.51.100.9");
    }
}
