//! `POST /p/{project}/replays`: begins a replay.
use actix_session::Session;
use actix_web::HttpRequest;
use actix_web::web::Data;
use diesel::PgConnection;

use super::new::{self, Asked};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::DeliveryId;
use crate::models::audit::{self, Action};
use crate::models::replays::{self, NAMED_MAX, Options, Replay, Wanted};
use crate::web::{Form, Htmx, PageResult, Support, page, session};

/// Of what the filter in the address matches, or of the deliveries that the form names; goes on to its page.
pub async fn create(
    support: Support,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    (session, request): (Session, HttpRequest),
    form: Form,
) -> PageResult {
    let (project, now) = (support.project.id, clock.now());
    let asked = Asked::of(&support, &request, now);
    let named: Vec<DeliveryId> =
        form.0.all("delivery").filter_map(|id| id.parse().ok()).take(NAMED_MAX).collect();
    let options = match new::options(&form.0) {
        // Who ticks a delivery means it, whatever became of it.
        Ok(_) if !named.is_empty() => Options { skips_delivered: false, ..Options::default() },
        Ok(options) => options,
        Err(refused) => return new::answer(&support, &db, now, asked, Some(refused)).await,
    };
    let back = asked.link(&support.path("/history"));
    let (audited, veil) = (support.0.clone(), support.sight.veil());
    let create = move |conn: &mut PgConnection| -> Result<Option<Replay>, DbError> {
        let wanted = match named.is_empty() {
            false => Some(Wanted::Named(named)),
            true => {
                asked.filter(conn, project, (&veil, now))?.map(|filter| Wanted::Matching(Box::new(filter)))
            }
        };
        let replay = wanted.map(|wanted| replays::create(conn, project, wanted, options, now)).transpose()?;
        if let Some(replay) = &replay {
            audit::write(conn, &audited.entry(Action::ReplayBegun, replay.id, ""), now)?;
        }
        Ok(replay)
    };
    match db.transaction(create).await? {
        Some(replay) => Ok(page::go_to(htmx, &support.path(&format!("/replays/{}", replay.id)))),
        None => {
            session::say_refusal(&session, "Nothing was chosen, so nothing is sent again.")?;
            Ok(page::go_to(htmx, &back))
        }
    }
}
