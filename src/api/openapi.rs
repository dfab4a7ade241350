//! `GET /api/openapi.json`: the description of the API, for programs.
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::base::seal::sha256;
use crate::rules::openapi;
use crate::web::WebSettings;

/// The OpenAPI 3.1 document, with this installation as its server; 304 for whoever has it already.
pub async fn get(settings: Data<WebSettings>, request: HttpRequest) -> HttpResponse {
    let text = openapi::text(&settings.public_url);
    let digest: String = sha256(text.as_bytes())[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{digest}\"");
    let known = request.headers().get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let is_known = known.is_some_and(|tags| tags.trim_start_matches("W/") == tag);
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, "no-cache"));
    if is_known { answer.finish() } else { answer.content_type("application/json").body(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::events_in::{
        BACKDATE_MAX, BATCH_BYTES_MAX, BATCH_EVENTS_MAX, EVENT_BYTES_MAX, ID_CHARS_MAX,
    };
    use crate::api::lists::LIMIT_MAX;
    use crate::api::problem::ERRORS_MAX;
    use crate::api::project::SETTINGS_BYTES_MAX;
    use crate::dispatcher::probe::TESTS_A_MINUTE_MAX;
    use crate::models::webhooks::WEBHOOKS_MAX;
    use crate::rules::body::DEPTH_MAX;

    #[test]
    fn the_limits_in_the_document_are_those_of_the_program() {
        let limits = openapi::document()["x-limits"].as_array().unwrap();
        let told: Vec<&str> = limits.iter().map(|row| row["limit"].as_str().unwrap()).collect();
        let kib = |bytes: usize| format!("{} KiB", bytes / 1024);
        for limit in [
            kib(EVENT_BYTES_MAX),
            kib(SETTINGS_BYTES_MAX),
            format!("{} MiB and 1,000 events", BATCH_BYTES_MAX / 1024 / 1024),
            format!("{DEPTH_MAX} levels"),
            format!("1 to {ID_CHARS_MAX} characters"),
            format!("{} days", BACKDATE_MAX.whole_days()),
            WEBHOOKS_MAX.to_string(),
            format!("{TESTS_A_MINUTE_MAX} a minute"),
            format!("{LIMIT_MAX} in an answer"),
            ERRORS_MAX.to_string(),
        ] {
            assert!(told.iter().any(|text| text.starts_with(&limit)), "{limit} not in {told:?}");
        }
        assert_eq!(BATCH_EVENTS_MAX, 1_000);
    }
}
