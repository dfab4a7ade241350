//! `POST /p/{project}/history/{delivery}/resend`: sends a delivery again.
use actix_session::Session;
use actix_web::web::{Data, Path};

use super::detail::GONE;
use crate::base::clock::{Clock, Wakeup};
use crate::base::db::Db;
use crate::base::ids::DeliveryId;
use crate::models::deliveries::{self, ResendError};
use crate::web::{Htmx, PageError, PageResult, Support, page, session};

/// Makes it due now and goes back to its page, which follows what happens.
pub async fn resend(
    support: Support,
    db: Data<Db>,
    clock: Data<Clock>,
    wakeup: Data<Wakeup>,
    htmx: Htmx,
    (session, path): (Session, Path<(String, String)>),
) -> PageResult {
    let id: DeliveryId = path.1.parse().map_err(|_| PageError::NotFound(GONE))?;
    let (project, now) = (support.project.id, clock.now());
    match db.transaction(move |conn| deliveries::resend(conn, project, id, now)).await {
        Ok(_) => {
            wakeup.wake();
            session::say(
                &session,
                "It is sent again, with the same webhook-id and its retries counted afresh.",
            )?;
        }
        Err(ResendError::Gone) => return Err(PageError::NotFound(GONE)),
        Err(ResendError::Db(error)) => return Err(error.into()),
        Err(hindrance) => session::say_refusal(&session, &hindrance.to_string())?,
    }
    Ok(page::go_to(htmx, &support.path(&format!("/history/{id}"))))
}
