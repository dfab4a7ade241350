//! What a file is compared to.
use diesel::PgConnection;

use super::Failure;
use crate::base::ids::ProjectId;
use crate::models::event_types;
use crate::models::projects::{self, Project};
use crate::models::webhooks::{self, Webhook};
use crate::rules::catalogue::own::OwnType;

/// A project's settings as they are stored.
pub(super) struct State {
    /// Read first: whatever changes where events go after that moves its version on.
    pub(super) project: Project,
    /// By name.
    pub(super) types: Vec<OwnType>,
    /// Oldest first.
    pub(super) webhooks: Vec<Webhook>,
}

impl State {
    /// Reads all of it.
    pub(super) fn load(conn: &mut PgConnection, id: ProjectId) -> Result<Self, Failure> {
        let project = projects::find(conn, id)?
            .ok_or_else(|| Failure::new("the project was deleted meanwhile", "nothing was changed"))?;
        let mut webhooks = webhooks::list(conn, id)?;
        // One in its maintenance window comes back by itself: it is set to be on.
        for webhook in webhooks.iter_mut().filter(|webhook| webhook.in_maintenance) {
            webhook.settings.active = true;
        }
        Ok(Self { project, types: event_types::list(conn, id)?, webhooks })
    }

    /// The webhook of this name, in whatever capitals: names are unique like that.
    pub(super) fn webhook(&self, name: &str) -> Option<&Webhook> {
        let wanted = name.trim().to_lowercase();
        self.webhooks.iter().find(|webhook| webhook.settings.name.to_lowercase() == wanted)
    }
}
