//! `/p/{project}/settings/webhooks`: where events are sent, what, and how.
mod address;
mod create;
mod created;
mod delete;
mod edit;
mod fares;
mod filling;
mod form;
mod list;
mod once_shown;
mod request;
mod preview;
mod secret;
mod standing;
mod state;
mod stored;
pub(super) mod switch;
mod testing;
mod trial;
mod trying;
mod types;

pub use create::{create, new};
pub use created::created;
pub use delete::{confirm as confirm_delete, delete};
pub use edit::{edit, save};
pub use filling::{fill, preview_request};
pub use list::list;
pub use preview::preview;
pub use secret::{end_previous_secret, roll_back_secret, rotate_secret, show_secret, try_secrets};
pub use standing::set_maintenance;
pub use switch::{confirm_pause, confirm_resume, pause, resume};
pub use testing::{check_data, send_test, show_test, trial_sample};
pub use trial::try_unsaved;

use crate::base::db::Db;
use crate::base::ids::{ProjectId, WebhookId};
use crate::models::event_types;
use crate::models::webhooks::{self, Webhook};
use crate::rules::catalogue::own::OwnNames;
use crate::web::PageError;

const GONE: &str = "There is no such webhook in this project. It may have been deleted.";

/// The event types of the project's own.
async fn own_names(db: &Db, project: ProjectId) -> Result<OwnNames, PageError> {
    Ok(db.run(move |conn| event_types::names(conn, project)).await?)
}

/// The webhook that a path names.
async fn find(db: &Db, project: ProjectId, id: &str) -> Result<Webhook, PageError> {
    let id: WebhookId = id.parse().map_err(|_| PageError::NotFound(GONE))?;
    let found = db.run(move |conn| webhooks::find(conn, project, id)).await?;
    found.ok_or(PageError::NotFound(GONE))
}
