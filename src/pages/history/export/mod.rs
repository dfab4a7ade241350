//! `/p/{project}/history/export`: everything that a filter matches, as a file.
mod file;
mod show;

pub use file::{cancel, file};
pub use show::show;

use actix_web::HttpRequest;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::address::Address;
use super::query;
use super::span::Span;
use crate::base::db::DbError;
use crate::base::ids::{ExportId, ProjectId};
use crate::export::Name;
use crate::models::deliveries::Filter;
use crate::rules::masks::Veil;
use crate::web::{Member, PageError, RawForm};

/// What the address asks for.
struct Asked {
    address: Address,
    span: Span,
    /// What is no filter: format, columns and the like.
    more: RawForm,
}

impl Asked {
    fn of(member: &Member, request: &HttpRequest, now: OffsetDateTime) -> Result<Self, PageError> {
        let address = query::read(&member.path("/history/export"), request.query_string());
        let address = address.drop_all("cursor").drop_all("saved");
        let more = RawForm::parse(request.query_string().as_bytes())?;
        Ok(Self { span: Span::of(&address, now), address, more })
    }

    /// None for a filter that means nothing.
    fn filter(
        &self,
        conn: &mut PgConnection,
        project: ProjectId,
        seen: (&Veil, OffsetDateTime),
    ) -> Result<Option<Filter>, DbError> {
        query::filter(conn, project, &self.address, &self.span, seen)
    }

    /// An address with the same filter.
    fn link(&self, path: &str) -> String {
        let query = self.address.query();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// What the page calls the export.
    fn export(&self) -> Option<ExportId> {
        self.more.text("export").parse().ok()
    }
}

/// A person's export by the name that the page gave it.
fn name(member: &Member, export: ExportId) -> Name {
    (member.project.id, member.user.id, export)
}
