//! `/p/{project}/overview`: the first steps of a new project, and where it stands once they are done.
mod chart;
mod first_event;
mod known;
mod steps;
mod summary;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::models::figures::Range;
use crate::models::projects;
use crate::pages::sample::Standing;
use crate::web::page::{go_to, page_or_block};
use crate::web::{
    Admin, Frame, Htmx, Member, PageError, PageResult, Query, Section, Viewer, WebSettings, filters,
};
pub(super) use first_event::{first_event, taken_type};
pub use known::{mark, unmark};
use steps::{Progress, Step};
use summary::Summary;

#[derive(Template)]
#[template(path = "overview.html", blocks = ["standing"])]
struct OverviewPage {
    frame: Frame,
    base: String,
    name: String,
    public_key: String,
    /// May say what is known of failures.
    is_support: bool,
    /// Whether what is here is invented, and for how long yet.
    sample: Standing,
    /// While there are steps to show.
    steps: Option<Steps>,
    /// Once they are done or dismissed.
    summary: Option<Summary>,
}

/// The first steps, ready to print.
struct Steps {
    list: Vec<Step>,
    done: usize,
    all_done: bool,
    /// What is asked next, in a few words; for those who hear the page.
    said: String,
    /// What this page has seen so far: nothing is answered until there is more.
    again_link: String,
    dismiss_link: String,
    is_admin: bool,
    delivery_link: Option<String>,
}

impl OverviewPage {
    fn of(member: &Member, progress: Option<&Progress>, summary: Option<Summary>, public_url: &str) -> Self {
        Self {
            frame: member.frame("Overview", Section::Overview),
            base: member.path(""),
            name: member.project.name.clone(),
            public_key: member.project.public_key.clone(),
            is_support: member.role >= projects::Role::Support,
            steps: progress.map(|progress| Steps::of(member, progress, public_url)),
            sample: Standing::Other,
            summary,
        }
    }
}

impl Steps {
    fn of(member: &Member, progress: &Progress, public_url: &str) -> Self {
        let list = steps::list(member, progress, public_url);
        let done = list.iter().filter(|step| step.is_done).count();
        let next = list.iter().find(|step| !step.is_done);
        Self {
            done,
            all_done: next.is_none(),
            said: match next {
                Some(next) => format!("{done} of {} first steps done. Next: {}.", list.len(), next.title),
                None => "All first steps are done.".to_owned(),
            },
            again_link: member.path(&format!("/overview?seen={}", progress.seen())),
            dismiss_link: member.path("/overview/first-steps/dismiss"),
            is_admin: member.role == projects::Role::Admin,
            delivery_link: progress.posted.as_ref().map(|one| member.path(&format!("/history/{}", one.id))),
            list,
        }
    }
}

/// GET /p/{project}: its overview.
pub async fn go_to_overview(member: Viewer, htmx: Htmx) -> PageResult {
    Ok(go_to(htmx, &member.path("/overview")))
}

/// GET /p/{project}/overview?range=. With `seen`, 204 while nothing has changed since.
pub async fn show(
    member: Viewer,
    (db, clock, settings): (Data<Db>, Data<Clock>, Data<WebSettings>),
    htmx: Htmx,
    query: Query,
) -> PageResult {
    let (project, veil, now) = (member.project.id, member.sight.veil(), clock.now());
    let range = query.0.get("range").and_then(Range::of_word).unwrap_or(Range::Day);
    let (progress, summary, sample) = db
        .run(move |conn| {
            let sample = Standing::of(conn, project)?;
            // Whoever looks at the sample wants to see what is there, and has nothing to set up.
            let progress = if sample.is_sample() { None } else { Progress::load(conn, project)? };
            let is_over = progress.as_ref().is_none_or(Progress::is_complete);
            let summary = if is_over { Some(Summary::load(conn, project, range, now, &veil)?) } else { None };
            Ok::<_, PageError>((progress, summary, sample))
        })
        .await?;
    let seen = progress.as_ref().map(Progress::seen);
    if htmx.0 && seen.is_some() && query.0.get("seen") == seen.as_deref() {
        return Ok(HttpResponse::NoContent().finish());
    }
    let view = OverviewPage {
        sample,
        ..OverviewPage::of(&member, progress.as_ref(), summary, &settings.public_url)
    };
    page_or_block(htmx, StatusCode::OK, &view, &view.as_standing())
}

/// POST /p/{project}/overview/first-steps/dismiss: shows them no more, to nobody in the project.
pub async fn dismiss_steps(admin: Admin, db: Data<Db>, clock: Data<Clock>, htmx: Htmx) -> PageResult {
    let (project, now) = (admin.project.id, clock.now());
    db.run(move |conn| projects::dismiss_first_steps(conn, project, now)).await?;
    Ok(go_to(htmx, &admin.path("/overview")))
}
