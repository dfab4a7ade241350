//! `GET /v1/deliveries/export`: everything that a filter matches, as it is read.
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::deliveries::{KNOWN, family, filter_of, narrow};
use super::key::DeliveriesKey;
use super::lists::Parameters;
use super::problem::Problem;
use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::export::{AT_ONCE_MAX, Column, Exports, Format, Wanted};

/// The filters of the list, `format`, `columns` of CSV, and what NDJSON is to `include`. An answer that breaks off was not
/// the whole; see [`crate::export`].
pub async fn export(
    key: DeliveriesKey,
    (db, clock, exports): (Data<Db>, Data<Clock>, Data<Exports>),
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let known: Vec<&str> = KNOWN.into_iter().chain(["format", "columns", "include"]).collect();
    let mut given = Parameters::of(&request, &known);
    let mut filter = filter_of(&mut given);
    let families = given.each("event_family", "an event family", family);
    let means_nothing = given.q(|text| filter.search_for(text)) == Some(false);
    let format = given.one("format", "csv or ndjson", Format::of_word).unwrap_or(Format::Csv);
    let columns = given.each("columns", "a column", Column::of_name);
    let include = given.each("include", "data or attempts", |word| {
        ["data", "attempts"].into_iter().find(|one| *one == word)
    });
    for paging in ["limit", "cursor"] {
        given.one(paging, "of use here: an export has no pages", |_| None::<()>);
    }
    given.checked()?;
    let (project, now) = (key.0.project, clock.now());
    let load = db.run(move |conn| -> Result<_, DbError> {
        let is_any = !means_nothing && narrow(conn, project, &mut filter, &families)?;
        Ok(is_any.then_some(filter))
    });
    let wanted = Wanted {
        project,
        filter: load.await?,
        format,
        columns: if columns.is_empty() { Column::all() } else { columns },
        with_data: include.contains(&"data"),
        with_attempts: include.contains(&"attempts"),
        hides_queries: false,
        masks: None,
    };
    let bytes = exports.begin(&db, now, wanted, None).map_err(|_| {
        Problem::unavailable(format!(
            "{AT_ONCE_MAX} exports are being written already. Try again when one is done."
        ))
    })?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, format.content_type())).streaming(bytes))
}
