//! Forms come from our own pages only. No tokens: the browser says where a request comes from.
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::{PageError, WebSettings};

/// Lets a request through that only reads, or that comes from a page of ours; refuses the rest with 403.
///
/// Stands around everything that knows people by a cookie. The API knows programs by a bearer key, which no browser
/// adds by itself, so it stands outside.
pub async fn same_origin(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let reads = matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let public_url =
        req.app_data::<Data<WebSettings>>().map_or("", |settings| settings.public_url.as_str()).to_owned();
    if reads || is_from_us(req.headers(), &public_url) {
        return Ok(next.call(req).await?.map_into_boxed_body());
    }
    Ok(req.error_response(PageError::Forbidden(
        "This form came from another site, so nothing was changed. Open the page here and try again.",
    )))
}

/// `Sec-Fetch-Site` where the browser sends it (all since 2023); where that is missing or names no site, `Origin` against
/// the public address, scheme included, and the host asked for. A program sends neither, and has no cookie that a stranger could make it send.
fn is_from_us(headers: &HeaderMap, public_url: &str) -> bool {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    match header("sec-fetch-site") {
        Some("same-origin") => return true,
        Some("none") | None => {}
        Some(_) => return false,
    }
    let Some(origin) = header("origin") else { return true };
    let (Some((_, authority)), public) = (origin.split_once("://"), public_url.split_once("://")) else {
        return false;
    };
    match public {
        // At the public address only its own scheme is ours: plain http may be somebody in between.
        Some((_, ours)) if ours == authority => origin == public_url,
        _ => header("host") == Some(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn judged(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        is_from_us(&headers, "https://callout.example")
    }

    #[test]
    fn a_form_of_another_site_is_told_by_what_the_browser_says() {
        assert!(judged(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(judged(&[("sec-fetch-site", "none")]));
        assert!(!judged(&[("sec-fetch-site", "none"), ("origin", "https://evil.example")]));
        assert!(!judged(&[("sec-fetch-site", "same-site")]), "another program on a neighbouring name");
        assert!(!judged(&[("sec-fetch-site", "cross-site"), ("origin", "https://callout.example")]));
    }

    #[test]
    fn an_old_browser_is_judged_by_origin() {
        assert!(judged(&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")]));
        assert!(judged(&[("origin", "https://callout.example"), ("host", "10.0.0.7:80")]), "behind a proxy");
        assert!(!judged(&[("origin", "https://evil.example"), ("host", "callout.example")]));
        assert!(
            !judged(&[("origin", "http://callout.example"), ("host", "callout.example")]),
            "another scheme"
        );
        assert!(!judged(&[("origin", "null"), ("host", "callout.example")]));
        assert!(!judged(&[("origin", "null")]));
        assert!(judged(&[("host", "callout.example")]), "no browser");
    }
}
