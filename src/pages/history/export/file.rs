//! The file itself, and ending it before its end.
use std::sync::Arc;

use actix_session::Session;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use time::OffsetDateTime;

use super::{Asked, name};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::ExportId;
use crate::export::{AT_ONCE_MAX, Column, Exports, Format, Wanted};
use crate::models::projects::members::Role;
use crate::rules::body::iso_ms;
use crate::web::{Form, Htmx, Member, PageResult, Sight, Viewer, page, session};

/// Longest part of a file's name that is made of filters, in characters.
const FILTER_CHARS_MAX: usize = 60;

/// GET /p/{project}/history/export/file?format=csv or ndjson, and the filters of the history. An answer that breaks off
/// was not the whole; see [`crate::export`].
pub async fn file(
    viewer: Viewer,
    (db, clock, exports): (Data<Db>, Data<Clock>, Data<Exports>),
    htmx: Htmx,
    (session, request): (Session, HttpRequest),
) -> PageResult {
    let (project, now) = (viewer.project.id, clock.now());
    let asked = Asked::of(&viewer, &request, now)?;
    let veil = viewer.sight.veil();
    let load = db.run(move |conn| asked.filter(conn, project, (&veil, now)).map(|filter| (asked, filter)));
    let (asked, filter) = load.await?;
    let format = Format::of_word(asked.more.text("format")).unwrap_or(Format::Csv);
    let chosen: Vec<Column> = asked.more.all("columns").filter_map(Column::of_name).collect();
    let wanted = Wanted {
        project,
        filter,
        format,
        columns: if chosen.is_empty() { Column::all() } else { chosen },
        with_data: asked.more.is_checked("data") && viewer.role >= Role::Support,
        with_attempts: asked.more.is_checked("with_attempts"),
        hides_queries: viewer.role < Role::Admin,
        masks: match &viewer.sight {
            Sight::Masked(rules) => Some(Arc::clone(rules)),
            Sight::Plain | Sight::Revealed(_) => None,
        },
    };
    viewer.saw(&db, &clock, "an export of the history".to_owned()).await?;
    match exports.begin(&db, now, wanted, asked.export().map(|export| name(&viewer, export))) {
        Ok(bytes) => Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, format.content_type()))
            .insert_header((CONTENT_DISPOSITION, attachment(&viewer, &asked, format, now)))
            .streaming(bytes)),
        Err(_) => {
            let said =
                format!("{AT_ONCE_MAX} exports are being written already. Try again when one is done.");
            session::say_refusal(&session, &said)?;
            Ok(page::go_to(htmx, &asked.link(&viewer.path("/history/export"))))
        }
    }
}

/// POST /p/{project}/history/export/cancel: ends one; its download breaks off.
pub async fn cancel(
    viewer: Viewer,
    exports: Data<Exports>,
    clock: Data<Clock>,
    htmx: Htmx,
    (session, request): (Session, HttpRequest),
    Form(form): Form,
) -> PageResult {
    let export = form.text("export").parse::<ExportId>().ok();
    if export.is_some_and(|export| exports.cancel(&name(&viewer, export))) {
        session::say(&session, "The export is cancelled. What was downloaded of it is not the whole.")?;
    } else {
        session::say_refusal(&session, "This export is not being written any more.")?;
    }
    let asked = Asked::of(&viewer, &request, clock.now())?;
    Ok(page::go_to(htmx, &asked.link(&viewer.path("/history/export"))))
}

/// A name with project, day and filter, in letters that every system takes.
fn attachment(member: &Member, asked: &Asked, format: Format, now: OffsetDateTime) -> String {
    let day = iso_ms(now);
    let day = day.split('T').next().unwrap_or_default();
    let values: Vec<&str> = asked.address.pairs().iter().map(|(_, value)| value.as_str()).collect();
    let mut filter = slug(&values.join("-"));
    filter.truncate(FILTER_CHARS_MAX);
    let parts = ["deliveries", &slug(&member.project.name), day, filter.trim_end_matches('-')];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    format!("attachment; filename=\"{}.{}\"", parts.join("-"), format.as_str())
}

/// Small letters, digits and hyphens.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}
