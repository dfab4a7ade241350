//! `/jump`: from a few letters or an id to the page that is meant. The search of every page, and a page of its own for
//! those who have no script.
mod found;
mod places;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use self::found::{Group, Near};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::web::page::{go_to, page_or_block};
use crate::web::{Frame, Htmx, Member, PageResult, Query, Section, Sight, SignedIn, filters};

/// Longer than any id or name; the rest of what was typed is not looked at.
const LETTERS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "jump.html", blocks = ["found"])]
struct JumpPage {
    frame: Frame,
    /// As typed.
    q: String,
    /// The project that the question came from, or nothing.
    project: String,
    groups: Vec<Group>,
}

/// GET /jump?q=&project=: what fits, the nearest first. An id leads straight to its page.
pub async fn jump(
    person: SignedIn,
    (db, clock): (Data<Db>, Data<Clock>),
    htmx: Htmx,
    Query(raw): Query,
) -> PageResult {
    let q: String = raw.text("q").chars().take(LETTERS_MAX).collect();
    let near = Near::of(&person, raw.text("project"));
    let here = near.here().cloned();
    let asked = q.trim().to_owned();
    let groups = db.run(move |conn| found::search(conn, &near, &asked)).await?;
    if !htmx.0
        && let Some(only) = found::exact(&groups)
    {
        return Ok(go_to(htmx, only));
    }
    let project = here.as_ref().map(|(project, _)| project.id.to_string()).unwrap_or_default();
    let frame = match here {
        Some((project, role)) => {
            let SignedIn { user, projects, notice, unseen } = person;
            Member {
                user,
                project,
                role,
                projects,
                notice,
                unseen,
                sight: Sight::of_role(role),
                now: clock.now(),
                at: String::new(),
            }
            .frame("Search", Section::None)
        }
        None => person.frame("Search", Section::None),
    };
    let view = JumpPage { frame, q, project, groups };
    page_or_block(htmx, StatusCode::OK, &view, &view.as_found())
}
