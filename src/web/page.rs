//! Answers of pages: the whole page for a browser, one block of it for htmx.
use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, HeaderName, HeaderValue, LOCATION, VARY};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use askama::Template;

use super::error::PageResult;

const HX_LOCATION: HeaderName = HeaderName::from_static("hx-redirect");
const HX_PUSH_URL: HeaderName = HeaderName::from_static("hx-push-url");

/// Whether htmx asks for a block. Not when it restores a page from history: that is a whole page again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Htmx(pub bool);

impl Htmx {
    /// Reads it off the request.
    pub fn of(req: &HttpRequest) -> Self {
        let has = |name: &str| req.headers().contains_key(name);
        Self(has("hx-request") && !has("hx-history-restore-request") && !has("hx-boosted"))
    }
}

impl FromRequest for Htmx {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(req)))
    }
}

/// Whether htmx asks for what is to stand in the place of this element.
pub fn is_for(req: &HttpRequest, target: &str) -> bool {
    Htmx::of(req).0 && req.headers().get("hx-target").is_some_and(|value| value == target)
}

/// A whole page, 200.
pub fn page(template: &impl Template) -> PageResult {
    page_with(StatusCode::OK, template)
}

/// A whole page with a status of its own.
pub fn page_with(status: StatusCode, template: &impl Template) -> PageResult {
    let mut response = HttpResponse::build(status).content_type(ContentType::html()).body(template.render()?);
    response.headers_mut().insert(VARY, HeaderValue::from_static("HX-Request"));
    Ok(response)
}

/// The block for htmx, the page for everybody else. `block` is the page's own, e.g. `&view.as_rows()`, so that both
/// can only be the same.
pub fn page_or_block(
    htmx: Htmx,
    status: StatusCode,
    page: &impl Template,
    block: &impl Template,
) -> PageResult {
    if htmx.0 { page_with(status, block) } else { page_with(status, page) }
}

/// For htmx, the address that the page has with this answer, where it is not the one that was asked.
pub fn shown_at(mut response: HttpResponse, path: Option<&str>) -> PageResult {
    if let Some(path) = path.and_then(|path| HeaderValue::from_str(path).ok()) {
        response.headers_mut().insert(HX_PUSH_URL, path);
    }
    Ok(response)
}

/// Goes on to another of our pages after something was done: 303 for a browser, `HX-Redirect` for htmx.
pub fn go_to(htmx: Htmx, path: &str) -> HttpResponse {
    if htmx.0 {
        HttpResponse::Ok().insert_header((HX_LOCATION, path)).finish()
    } else {
        HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
    }
}

/// A `next=` that leads to one of our own pages; None for everything that a browser might take elsewhere.
pub fn own_path(next: &str) -> Option<&str> {
    let begins_here = next.starts_with('/') && !next.starts_with("//");
    let plain = next.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    (begins_here && plain && next.len() <= 2_000).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_leads_to_our_own_pages_only() {
        for good in ["/", "/p/proj_1/history?status=failed&q=%2F%2Fx", "/account"] {
            assert_eq!(own_path(good), Some(good));
        }
        for bad in ["", "//evil.example", "https://evil.example", "/\\evil.example", "\\/evil", "/a\nb", "/ä"]
        {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
    }
}
