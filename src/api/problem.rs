//! Errors of the API: RFC 9457 problem documents.
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;

use crate::base::db::DbError;
use crate::ingest::AcceptError;

/// Seconds after which a refused request may be tried again.
const RETRY_AFTER_S: u32 = 2;

/// Errors told at once: whoever has more has one cause for most of them.
pub(super) const ERRORS_MAX: usize = 100;

/// What is wrong with one field.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct FieldProblem {
    /// RFC 6901 pointer into the request's body, or `?name` for a parameter of the address.
    pub pointer: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl FieldProblem {
    /// A problem at `pointer`.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// A problem document.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    #[serde(skip)]
    retry_after_s: u32,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: RETRY_AFTER_S,
        }
    }

    /// 400: the body is not JSON.
    pub fn not_json(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "/docs/api#not-json", "The body is not JSON", detail)
    }

    /// 401: no key, or none that we know.
    pub fn no_key() -> Self {
        let detail =
            "Send an API key as `Authorization: Bearer ck_…`. Keys are made under Settings → API keys.";
        Self::new(StatusCode::UNAUTHORIZED, "/docs/api#no-key", "No valid API key", detail)
    }

    /// 403: the key may not do this.
    pub fn lacks_scope(scope: &str) -> Self {
        let detail =
            format!("This API key lacks the scope `{scope}`. Use another key or make one that has it.");
        Self::new(StatusCode::FORBIDDEN, "/docs/api#lacks-scope", "The key lacks the scope", detail)
    }

    /// 404: not in this project.
    pub fn not_found(what: &str) -> Self {
        let detail = format!("There is no such {what} in this project.");
        Self::new(StatusCode::NOT_FOUND, "/docs/api#not-found", "Not found", detail)
    }

    /// 408: the body did not arrive in time.
    pub fn too_slow(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "/docs/api#too-slow", "Too slow", detail)
    }

    /// 409: a name is taken, or the state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "/docs/api#conflict", "Conflict", detail)
    }

    /// 413: over a limit.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "/docs/api#too-large", "Too large", detail)
    }

    /// The same of an object that stands at `place` in the body.
    pub fn below(mut self, place: &str) -> Self {
        for error in &mut self.errors {
            error.pointer.insert_str(0, place);
        }
        self
    }

    /// 422: understood, but wrong. Tells of the first 100 errors.
    pub fn wrong(mut errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.message.clone(),
            many if many.len() > ERRORS_MAX => {
                format!("More than {ERRORS_MAX} fields are wrong; `errors` tells the first {ERRORS_MAX}.")
            }
            many => format!("{} fields are wrong; see `errors`.", many.len()),
        };
        errors.truncate(ERRORS_MAX);
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "/docs/api#wrong", "Wrong input", detail);
        Self { errors, ..problem }
    }

    /// 429: too often; again after `wait`.
    pub fn throttled(detail: impl Into<String>, wait: time::Duration) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem = Self::new(status, "/docs/api#throttled", "Too many requests", detail);
        let whole_s = u32::try_from(wait.whole_seconds()).unwrap_or_default() + 1;
        Self { retry_after_s: whole_s, ..problem }
    }

    /// 503: try again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "/docs/api#unavailable", "Not available now", detail)
    }

    /// 500: our fault.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "an API call failed");
        let detail = "This is our fault and is in the log. Trying again may help.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "/docs/api#internal", "Internal error", detail)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut building = HttpResponse::build(self.status_code());
        building.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        match self.status {
            401 => building.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            429 | 503 => building.insert_header((header::RETRY_AFTER, self.retry_after_s)),
            _ => &mut building,
        };
        building.body(serde_json::to_string(self).unwrap_or_default())
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(why) => {
                tracing::warn!(%why, "an API call found no database");
                Self::unavailable("The database does not answer. Nothing was changed; try again.")
            }
            DbError::DiskFull(_) => {
                tracing::error!(%error, "an API call changed nothing");
                Self::unavailable("The database's disk is full. Nothing was changed; try again later.")
            }
            query => Self::internal(&query),
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Overloaded => {
                Self::unavailable("Too many requests wait. Nothing was accepted; try again.")
            }
            AcceptError::Unavailable => {
                Self::unavailable("The database does not answer. Nothing was accepted; try again.")
            }
            AcceptError::DiskFull => {
                Self::unavailable("The database's disk is full. Nothing was accepted; try again later.")
            }
            AcceptError::Unknown => Self::unavailable(
                "The database does not answer, so it is not known whether this was accepted. Send it again with the \
                 same `id`: then it is accepted once.",
            ),
            AcceptError::NoProject => Self::not_found("project"),
            AcceptError::UnknownTypes(unknown) => {
                let problem = |(n, name): (usize, String)| {
                    let message = format!("There is no event type \"{name}\" in this project.");
                    FieldProblem::new(format!("/{n}/type"), message)
                };
                Self::wrong(unknown.into_iter().map(problem).collect())
            }
        }
    }
}

/// Any other path under `/v1`.
pub fn not_found(request: &HttpRequest) -> HttpResponse {
    let detail = format!("There is no {} {}.", request.method(), request.path());
    Problem::new(StatusCode::NOT_FOUND, "/docs/api#not-found", "Not found", detail).error_response()
}

/// Another method of a path under `/v1`; `allowed` are the ones that it has, as in `GET, HEAD`.
pub fn not_allowed(request: &HttpRequest, allowed: &str) -> HttpResponse {
    let detail = format!("There is no {} {}. It takes {allowed}.", request.method(), request.path());
    let kind = "/docs/api#not-allowed";
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, kind, "Method not allowed", detail);
    let mut answer = problem.error_response();
    if let Ok(allowed) = header::HeaderValue::from_str(allowed) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}
