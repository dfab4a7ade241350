//! `/p/{project}/settings/event-types`: types of the project's own, beside those of the catalogue.
mod delete;
mod detail;
mod form;
mod list;

pub use delete::{confirm as confirm_delete, delete};
pub use detail::detail;
pub use form::{create, edit, new, save};
pub use list::list;

use crate::base::db::Db;
use crate::base::ids::ProjectId;
use crate::models::event_types;
use crate::rules::catalogue::own::OwnType;
use crate::web::PageError;

const GONE: &str = "There is no such event type in this project. It may have been deleted.";

/// The type that a path names.
async fn find(db: &Db, project: ProjectId, name: &str) -> Result<OwnType, PageError> {
    let name = name.to_owned();
    let found = db.run(move |conn| event_types::find(conn, project, &name)).await?;
    found.ok_or(PageError::NotFound(GONE))
}
