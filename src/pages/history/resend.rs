//! `POST /p/{project}/history/{delivery}/resend`: sends a delivery again.
use actix_session::Session;
use actix_web::web::{Data, Path};

use super::detail::GONE;
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::ids::DeliveryId;
use crate::models::deliveries::{self, ResendError};
use crate::web::{Htmx, PageError, PageResult, Query, Support, page, session};

const SENT_AGAIN: &str = "It is sent again, with the same webhook-id and its retries counted afresh.";

/// Makes it due now and goes back to its page, or to `back`, the list beside which it is open: either follows what
/// happens.
pub async fn resend(
    support: Support,
    db: Data<Db>,
    clock: Data<Clock>,
    wakeup: Data<Wakeup>,
    htmx: Htmx,
    (session, path, query): (Session, Path<(String, String)>, Query),
) -> PageResult {
    let id: DeliveryId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, now) = (support.project.id, clock.now());
    let list = support.path("/history?");
    let back = query.0.get("back").and_then(page::own_path).filter(|back| back.starts_with(&list));
    // What stands beside a list says by itself what came of it.
    let is_said = back.is_none() || !htmx.0;
    match db.transaction(move |conn| deliveries::resend(conn, project, id, now)).await {
        Ok(_) => {
            wakeup.wake();
            if is_said {
                session::say(&session, SENT_AGAIN)?;
            }
        }
        Err(ResendError::Gone) => return Err(PageError::NotFound(GONE)),
        Err(ResendError::Db(error)) => return Err(error.into()),
        Err(hindrance) if is_said => session::say_refusal(&session, &hindrance.to_string())?,
        Err(_) => {}
    }
    if let Some(back) = back {
        // A request of htmx follows it too, and is given the panel.
        return Ok(page::go_to(Htmx(false), back));
    }
    Ok(page::go_to(htmx, &support.path(&format!("/history/{id}"))))
}
