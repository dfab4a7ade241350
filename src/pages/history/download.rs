//! `/p/{project}/history/{delivery}/download`: a delivery, or a body of it, as a file.
use actix_session::Session;
use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, ContentType};
use actix_web::web::{Data, Path};

use super::detail::{Found, GONE};
use super::{exchange, masking};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::DeliveryId;
use crate::models::deliveries::as_json;
use crate::models::projects::Role;
use crate::web::{Htmx, PageError, PageResult, Query, Support, page, session};

/// Why there is no file.
const NO_FILE: &str = "There is nothing to download: that attempt has no such body, or it is no longer kept.";

/// A file that a browser keeps and never opens here.
struct File {
    name: String,
    bytes: Vec<u8>,
}

/// GET …/download?what=request|response&attempt=: a body of an attempt, the last one unless named. Without `what` the
/// whole delivery, as `GET /v1/deliveries/{id}` gives it but for what people wrote about it: notes, and reasons for sending
/// it again. As far as the reader may read it.
pub async fn download(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    session: Session,
    (path, query): (Path<(String, String)>, Query),
) -> PageResult {
    let id: DeliveryId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let found = Found::of(&support, &db, id).await?;
    support.saw(&db, &clock, id.to_string()).await?;
    let attempt = query.0.get("attempt").and_then(|number| number.parse().ok());
    let file = match query.0.get("what") {
        Some(what) => body(&found, what, attempt, support.role),
        None => Some(whole(&found, support.role)),
    };
    match file {
        Some(file) => Ok(answer(file)),
        None => {
            session::say_refusal(&session, NO_FILE)?;
            Ok(page::go_to(htmx, &support.path(&format!("/history/{id}"))))
        }
    }
}

/// The headers that all answers carry forbid a browser to guess what it is.
fn answer(file: File) -> HttpResponse {
    let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(&file.bytes).is_ok();
    let (kind, ending) =
        if is_json { (ContentType::json(), "json") } else { (ContentType::octet_stream(), "bin") };
    // Ids and words of ours only, so there is nothing to quote.
    let named = format!("attachment; filename=\"{}.{ending}\"", file.name);
    HttpResponse::Ok().content_type(kind).insert_header((CONTENT_DISPOSITION, named)).body(file.bytes)
}

impl Found {
    /// Says in a file's name that personal data in it is masked.
    fn suffix(&self) -> &'static str {
        if self.veil.has_hidden() { "-masked" } else { "" }
    }
}

fn body(found: &Found, what: &str, attempt: Option<usize>, role: Role) -> Option<File> {
    let chosen = found.attempts.iter().find(|row| Some(row.number) == attempt);
    let row = if attempt.is_none() { found.attempts.last() } else { chosen }?;
    let bytes = match what {
        "request" => found.veil.bytes(&exchange::sent(&found.delivery, row, found.payload(), role)?).to_vec(),
        "response" if !row.response_is_emptied => {
            masking::attempt(role, &found.veil, row).attempt.response?.body
        }
        _ => return None,
    };
    let name = format!("{}-attempt-{}-{what}{}", found.delivery.id, row.number, found.suffix());
    (!bytes.is_empty()).then_some(File { name, bytes })
}

fn whole(found: &Found, role: Role) -> File {
    let target_url = found.webhook.as_ref().map(|webhook| webhook.settings.target_url.as_str());
    let veil = &found.veil;
    let attempts: Vec<_> = found.attempts.iter().map(|row| masking::attempt(role, veil, row)).collect();
    let mut delivery = found.delivery.clone();
    if let Some(failure) = &mut delivery.last_failure {
        failure.detail = veil.text(&failure.detail).into_owned();
    }
    let sent = |number| found.attempts.iter().find(|row| row.number == number);
    let value = as_json::alone(
        &delivery,
        found.webhook.as_ref(),
        &veil.text(&masking::url(role, target_url.unwrap_or_default())),
        &attempts,
        |row| {
            let sent = exchange::sent(&found.delivery, sent(row.number)?, found.payload(), role)?;
            Some(veil.bytes(&sent).to_vec())
        },
    );
    // Values of ours always become text.
    let bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
    File { name: format!("{}{}", found.delivery.id, found.suffix()), bytes }
}
