//! What goes wrong with a page: the person sees what happened, what to do and a reference; the log gets the cause once.
use std::fmt;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERER, RETRY_AFTER, VARY};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use super::page::{Htmx, own_path};
use super::request::Reference;
use super::{Frame, filters, headers};
use crate::base::db::{DbError, is_of_full_disk};

/// How long to wait before trying again, in seconds.
const RETRY_AFTER_S: &str = "5";

/// What a handler answers.
pub type PageResult = Result<HttpResponse, PageError>;

/// Why a page could not be shown. Texts are for the person, but for those of the last three, which are
/// for the log.
#[derive(Debug)]
pub enum PageError {
    /// 404, with what is missing.
    NotFound(&'static str),
    /// 403, with who may.
    Forbidden(&'static str),
    /// 400, for what no page of ours sends.
    BadRequest(&'static str),
    /// 413.
    TooLarge,
    /// 408.
    TooSlow,
    /// 303 to the sign-in page, or 401.
    SignIn(SignInFirst),
    /// 503 with Retry-After: something passing, and its cause.
    Unavailable(String),
    /// 503 with Retry-After: the database's disk has no room, in the database's words.
    DiskFull(String),
    /// 500: our fault, and its cause.
    Internal(String),
}

/// How somebody who is not signed in is sent to the sign-in page.
#[derive(Debug)]
pub enum SignInFirst {
    /// A page was asked for: there, and back to it afterwards.
    Redirect(String),
    /// A fragment: the whole page goes there.
    HtmxRedirect(String),
    /// Something was to be changed: 401, for nothing of it could be kept, with the way back to the form.
    Refuse(String),
}

impl SignInFirst {
    pub(super) fn for_request(req: &HttpRequest) -> Self {
        let target = |next: &str| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            if next != "/" {
                query.append_pair("next", next);
            }
            format!("/sign-in?{}", query.finish()).trim_end_matches('?').to_owned()
        };
        let here = req.uri().path_and_query().map_or("/", |here| here.as_str());
        match (Htmx::of(req).0, matches!(*req.method(), Method::GET | Method::HEAD)) {
            (true, true) => {
                let page = req.headers().get("hx-current-url").and_then(|url| url.to_str().ok());
                let page = page.and_then(|url| url::Url::parse(url).ok());
                let page =
                    page.map(|url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned());
                Self::HtmxRedirect(target(page.as_deref().unwrap_or(here)))
            }
            (false, true) => Self::Redirect(target(here)),
            // Leaving the page would lose what was typed into it.
            (_, false) => Self::Refuse(target(came_from(req).as_deref().unwrap_or("/"))),
        }
    }
}

/// The path of the page with the form that was sent; a path of ours whatever the header says.
fn came_from(req: &HttpRequest) -> Option<String> {
    let url = url::Url::parse(req.headers().get(REFERER)?.to_str().ok()?).ok()?;
    own_path(&url[url::Position::BeforePath..url::Position::AfterQuery]).map(str::to_owned)
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(text) | Self::Forbidden(text) | Self::BadRequest(text) => f.write_str(text),
            Self::TooLarge => f.write_str("too large"),
            Self::TooSlow => f.write_str("too slow"),
            Self::SignIn(_) => f.write_str("not signed in"),
            Self::Unavailable(cause) | Self::DiskFull(cause) | Self::Internal(cause) => f.write_str(cause),
        }
    }
}

impl From<DbError> for PageError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) => Self::Unavailable(error.to_string()),
            DbError::DiskFull(_) => Self::DiskFull(error.to_string()),
            DbError::Query(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<diesel::result::Error> for PageError {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(format!("a template failed: {error}"))
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::SignIn(SignInFirst::Redirect(_)) => StatusCode::SEE_OTHER,
            Self::SignIn(SignInFirst::HtmxRedirect(_)) => StatusCode::OK,
            Self::SignIn(SignInFirst::Refuse(_)) => StatusCode::UNAUTHORIZED,
            Self::Unavailable(_) | Self::DiskFull(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Without a body: [`as_pages`] draws it, knowing the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        let added = match self {
            Self::SignIn(SignInFirst::Redirect(to)) => Some((LOCATION, to.as_str())),
            Self::SignIn(SignInFirst::HtmxRedirect(to)) => {
                Some((HeaderName::from_static("hx-redirect"), to.as_str()))
            }
            Self::Unavailable(_) | Self::DiskFull(_) => Some((RETRY_AFTER, RETRY_AFTER_S)),
            _ => None,
        };
        if let Some((name, value)) = added
            && let Ok(value) = HeaderValue::from_str(value)
        {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The page of an error; also all that htmx's listener needs, as plain text.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    text: String,
    advice: &'static str,
    /// The same page once more, where that may help.
    again: Option<String>,
    /// Where the button leads, and what it says.
    way_on: String,
    way_on_name: &'static str,
    reference: String,
}

impl ErrorPage {
    fn of(error: &PageError, frame: Option<Frame>, reference: &Reference) -> Self {
        let (title, text, advice) = match error {
            PageError::NotFound(text) => {
                ("Not found", *text, "Check the address, or go back to your projects.")
            }
            PageError::Forbidden(text) => ("Not allowed", *text, "Ask an owner if you need this."),
            PageError::BadRequest(text) => ("Not understood", *text, "Go back and try again."),
            PageError::TooLarge => {
                ("Too large", "A form may be at most 512 KiB.", "Shorten what you entered and try again.")
            }
            PageError::TooSlow => {
                ("Too slow", "The form took too long to arrive, so nothing was changed.", "Send it again.")
            }
            PageError::SignIn(_) => (
                "Sign in first",
                "You are not signed in, so nothing was changed.",
                "Sign in in another tab. Then reload this page: your browser sends what you entered once more.",
            ),
            PageError::Unavailable(_) => (
                "Back in a moment",
                "Callout cannot reach its database, or is very busy. Accepted events are safe.",
                "Try again in a few seconds.",
            ),
            PageError::DiskFull(_) => (
                "The disk is full",
                "The database's disk is full, so nothing was changed. Accepted events are safe.",
                "Free space on it or enlarge it. Callout goes on by itself then.",
            ),
            PageError::Internal(_) => (
                "Something went wrong",
                "This is our fault, not yours. The cause is in the log under the reference below.",
                "Try again. If it happens again, tell whoever runs this installation the reference.",
            ),
        };
        let frame = Frame { title: title.to_owned(), ..frame.unwrap_or_else(|| Frame::bare(title)) };
        let reference = reference.as_str().to_owned();
        let (way_on, way_on_name) = match (error, &frame.project) {
            (PageError::SignIn(SignInFirst::Refuse(to)), _) => (to.clone(), "Sign in"),
            (_, Some(project)) => (format!("/p/{}/overview", project.id), "Go to the overview"),
            _ => ("/".to_owned(), "Go to your projects"),
        };
        let (status, text) = (error.status_code().as_u16(), text.to_owned());
        Self { frame, status, text, advice, again: None, way_on, way_on_name, reference }
    }

    /// Offers the same page once more if it was one, and what went wrong may pass.
    fn again(mut self, req: &HttpRequest) -> Self {
        let here =
            req.uri().path_and_query().map(|here| here.as_str()).filter(|_| *req.method() == Method::GET);
        self.again = here.and_then(own_path).filter(|_| self.status >= 500).map(str::to_owned);
        self
    }
}

/// Stands around all pages: errors are drawn as pages (plain text for htmx) and logged once; nothing may be kept.
pub async fn as_pages(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let reference = Reference::of(req.request());
    let mut answer = match next.call(req).await {
        Ok(answer) => answer.map_into_boxed_body(),
        Err(error) => return Err(without_request(&error, &reference)),
    };
    if let Some(drawn) = drawn(&answer) {
        answer = answer.into_response(drawn);
    }
    headers::forbid_keeping(answer.headers_mut());
    Ok(answer)
}

/// Only what stands between here and the handlers errs, which is the session's store while it writes: the database is
/// away or has no room. The request is gone then, so nobody knows for whom the page is.
fn without_request(error: &Error, reference: &Reference) -> Error {
    let cause = format!("keeping the session: {error:?}");
    let error =
        if is_of_full_disk(&cause) { PageError::DiskFull(cause) } else { PageError::Unavailable(cause) };
    log(&error, reference);
    let page = ErrorPage::of(&error, None, reference);
    let body = page.render().unwrap_or_else(|_| page.text.clone());
    let mut response = error.error_response().set_body(BoxBody::new(body));
    headers::forbid_keeping(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    InternalError::from_response("the session could not be kept", response).into()
}

fn log(error: &PageError, reference: &Reference) {
    let reference = reference.as_str();
    match error {
        PageError::DiskFull(cause) => tracing::error!(reference, cause, "page changed nothing"),
        PageError::Internal(cause) => tracing::error!(reference, cause, "page failed"),
        PageError::Unavailable(cause) => tracing::warn!(reference, cause, "page unavailable"),
        _ => {}
    }
}

fn drawn(answer: &ServiceResponse<BoxBody>) -> Option<HttpResponse> {
    let foreign;
    let error = match answer.response().error() {
        None => return None,
        Some(error) => match error.as_error::<PageError>() {
            Some(error) => error,
            None => {
                foreign = from_foreign(answer.status(), error)?;
                &foreign
            }
        },
    };
    let req = answer.request();
    let reference = Reference::of(req);
    log(error, &reference);
    let mut response = error.error_response();
    if matches!(error, PageError::SignIn(SignInFirst::Redirect(_) | SignInFirst::HtmxRedirect(_))) {
        return Some(response);
    }
    let frame = req.extensions().get::<Frame>().cloned();
    let page = ErrorPage::of(error, frame, &reference).again(req);
    let (kind, body) = if Htmx::of(req).0 {
        let advice = match error {
            PageError::SignIn(_) => "Sign in in another tab, then go on here.",
            _ => page.advice,
        };
        let text = format!("{} {advice} (reference {})", page.text, page.reference);
        ("text/plain; charset=utf-8", text)
    } else {
        ("text/html; charset=utf-8", page.render().unwrap_or_else(|_| page.text.clone()))
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("HX-Request"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Some(response.set_body(BoxBody::new(body)))
}

/// Errors of the framework: a path or header that it could not read.
fn from_foreign(status: StatusCode, error: &Error) -> Option<PageError> {
    match status {
        StatusCode::NOT_FOUND => Some(PageError::NotFound("There is no such page.")),
        StatusCode::PAYLOAD_TOO_LARGE => Some(PageError::TooLarge),
        status if status.is_client_error() => Some(PageError::BadRequest("The request could not be read.")),
        status if status.is_server_error() => Some(PageError::Internal(error.to_string())),
        _ => None,
    }
}

/// The answer to every path that no page has.
pub async fn no_such_page(req: HttpRequest) -> PageResult {
    // Somebody who is signed in keeps their menu.
    super::session::signed_in(&req).await.ok();
    Err(PageError::NotFound("There is no such page."))
}
