//! What an export would hold and how, and how far one has come.
use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::super::address::Chip;
use super::super::query;
use super::{Asked, name};
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{ExportId, ProjectId, WebhookId};
use crate::export::{Column, Exports, Progress, Standing};
use crate::models::deliveries::{self, Filter};
use crate::models::webhooks::{self, Named};
use crate::web::{Frame, Htmx, Member, PageResult, Section, Viewer, filters, page};

/// So many are counted; what is more is told as "more than".
const COUNTED_MAX: i64 = 10_000;
/// A search that finds few looks so many times before it is told as "at least".
const LOOKS_MAX: usize = 8;

#[derive(Template)]
#[template(path = "history/export.html", blocks = ["progress"])]
struct ExportPage {
    frame: Frame,
    file_link: String,
    cancel_link: String,
    /// Where progress is asked for.
    again_link: String,
    back_link: String,
    chips: Vec<Chip>,
    kept: Vec<(String, String)>,
    count: Count,
    columns: Vec<&'static str>,
    export: String,
    progress: Option<Shown>,
    /// Whether personal data is masked in the file.
    is_masked: bool,
    hides_queries: bool,
}

/// How many match.
#[derive(Default)]
struct Count {
    words: String,
    is_none: bool,
    /// If it is known.
    exactly: Option<i64>,
}

/// How far an export has come, in words.
struct Shown {
    /// For the script: `running` or what it ended as.
    word: &'static str,
    title: &'static str,
    written: i64,
    total: Option<i64>,
    at: Option<OffsetDateTime>,
    /// Of a thousand.
    share: i64,
}

impl Shown {
    fn of(progress: Progress, total: Option<i64>) -> Self {
        let (word, title) = match progress.standing {
            Standing::Running => ("running", "Being written"),
            Standing::Done => ("done", "Done"),
            Standing::Cancelled => ("cancelled", "Cancelled"),
            Standing::Broken => ("broken", "Broken off: download it again"),
        };
        let written = progress.written;
        let total = total.filter(|total| *total >= written);
        let share = match (progress.standing, total) {
            (Standing::Done, _) => 1_000,
            (_, Some(total)) => written * 1_000 / total.max(1),
            (_, None) => 0,
        };
        Self { word, title, written, total, at: progress.at, share }
    }
}

/// GET /p/{project}/history/export: counts what the filters match. To htmx with `export`, how far that one has come.
pub async fn show(
    viewer: Viewer,
    (db, clock, exports): (Data<Db>, Data<Clock>, Data<Exports>),
    htmx: Htmx,
    request: HttpRequest,
) -> PageResult {
    let (project, now) = (viewer.project.id, clock.now());
    let asked = Asked::of(&viewer, &request, now)?;
    let progress = asked.export().and_then(|export| exports.progress(&name(&viewer, export)));
    if htmx.0 {
        // This node does not know it: the page stays as it is.
        let Some(progress) = progress else { return Ok(HttpResponse::NoContent().finish()) };
        let view = ExportPage::of(&viewer, &asked, now, (Count::default(), &HashMap::new(), Some(progress)));
        return page::page_with(StatusCode::OK, &view.as_progress());
    }
    let veil = viewer.sight.veil();
    let load = db.run(move |conn| -> Result<_, DbError> {
        let filter = asked.filter(conn, project, (&veil, now))?;
        let count = filter.map(|filter| count(conn, project, filter, now)).transpose()?;
        Ok((asked, count.unwrap_or_else(|| Count::of(0, false)), webhooks::names(conn, project)?))
    });
    let (asked, count, names) = load.await?;
    page::page(&ExportPage::of(&viewer, &asked, now, (count, &names, progress)))
}

impl ExportPage {
    fn of(
        member: &Member,
        asked: &Asked,
        now: OffsetDateTime,
        (count, names, progress): (Count, &HashMap<WebhookId, Named>, Option<Progress>),
    ) -> Self {
        let history = member.path("/history");
        let export = asked.export().unwrap_or_else(|| ExportId::new(now)).to_string();
        let total = count.exactly.or_else(|| asked.more.text("of").parse().ok());
        let page_link = asked.link(asked.address.bare());
        let join = if page_link.contains('?') { '&' } else { '?' };
        let of = total.map_or_else(String::new, |total| format!("&of={total}"));
        let frame = member.frame("Export", Section::History).below("History", &history);
        Self {
            file_link: member.path("/history/export/file"),
            cancel_link: asked.link(&member.path("/history/export/cancel")),
            again_link: format!("{page_link}{join}export={export}{of}"),
            back_link: asked.link(&history),
            chips: query::chips(&asked.address, names),
            kept: asked.address.pairs().to_vec(),
            count,
            columns: Column::ALL.iter().map(|(_, name)| *name).collect(),
            export,
            progress: progress.map(|progress| Shown::of(progress, total)),
            is_masked: member.sight.is_masked(),
            hides_queries: !frame.is_admin(),
            frame,
        }
    }
}

impl Count {
    fn of(count: i64, is_more: bool) -> Self {
        let number = filters::thousands(count.min(COUNTED_MAX));
        let words = match (count, is_more) {
            (0, false) => "No delivery matches.".to_owned(),
            (1, false) => "1 delivery matches.".to_owned(),
            (_, false) => format!("{number} deliveries match."),
            (0, true) => "None of the newest matches; the export looks through all of them.".to_owned(),
            (count, true) if count < COUNTED_MAX => format!("At least {number} match."),
            (_, true) => format!("More than {number} deliveries match."),
        };
        Self { words, is_none: count == 0 && !is_more, exactly: (!is_more).then_some(count) }
    }
}

/// Counts what matches, up to [`COUNTED_MAX`] and not for long.
fn count(
    conn: &mut PgConnection,
    project: ProjectId,
    mut filter: Filter,
    now: OffsetDateTime,
) -> Result<Count, DbError> {
    let mut found = 0;
    for _ in 0..LOOKS_MAX {
        let looked = deliveries::look(conn, project, &filter, COUNTED_MAX + 1 - found, now)?;
        found += looked.deliveries.len() as i64;
        if found > COUNTED_MAX {
            return Ok(Count::of(COUNTED_MAX, true));
        }
        filter.before = looked.stopped_at;
        if filter.before.is_none() {
            return Ok(Count::of(found, false));
        }
    }
    Ok(Count::of(found, true))
}
