//! The sample: an invented shop's project with a month of history, to look around in. At most one in an installation;
//! it is marked, so that removing it removes exactly that project.
//!
//! Stands above the other models, because it writes what they own, through them.
mod aim;
mod draw;
mod live;
mod load;
mod people;
mod receivers;
mod remove;
mod sending;
mod shop;
mod slots;
mod stories;
mod template;

pub use aim::{aim, paths};
pub use live::{Live, LiveEvent};
pub use load::{Loaded, first_day, load};
pub use remove::{ROWS_AT_ONCE, finish, forget_some, stop, under_way};

use std::fmt;

use diesel::prelude::*;
use time::OffsetDateTime;

use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::base::schema::sample_projects;
use crate::models::projects::keys::{self, Scope};
use crate::models::projects::{self};
use crate::models::webhooks;
use crate::rules::body::EventSource;

const BACKEND_SCOPES: [Scope; 2] = [Scope::Events, Scope::Deliveries];

/// The mark of the sample's project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sample_projects)]
pub struct Sample {
    /// Which project is the sample.
    #[diesel(column_name = project_id)]
    pub project: ProjectId,
    /// When it was loaded: its history ends here.
    pub made_at: OffsetDateTime,
    /// When its removal began; if that was cut short, the next start or load finishes it.
    pub removal_began_at: Option<OffsetDateTime>,
}

/// Why the sample was not loaded, changed or removed.
#[derive(Debug)]
pub enum SampleError {
    /// Somebody took the project's name in this very moment: try again.
    NameTaken,
    /// The project or a webhook of it was deleted meanwhile.
    Gone,
    /// The database did not do it.
    Db(DbError),
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken => f.write_str("Somebody took the sample's name in this moment. Try again."),
            Self::Gone => f.write_str("The sample was removed meanwhile."),
            Self::Db(error) => error.fmt(f),
        }
    }
}

/// How events of the sample's own program come about: by its key, as long as it has one.
pub fn source(conn: &mut PgConnection, sample: Sample) -> Result<EventSource, DbError> {
    let key = keys::list(conn, sample.project)?.into_iter().find(|key| key.name == shop::BACKEND_KEY);
    Ok(key.map_or(EventSource::Internal, |key| EventSource::Api {
        key_name: key.name,
        app_id: key.app_id.to_string(),
    }))
}

/// The sample's mark, if it is loaded.
pub fn find(conn: &mut PgConnection) -> Result<Option<Sample>, DbError> {
    Ok(sample_projects::table.select(Sample::as_select()).first(conn).optional()?)
}

impl From<DbError> for SampleError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<diesel::result::Error> for SampleError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<projects::NameError> for SampleError {
    fn from(error: projects::NameError) -> Self {
        match error {
            projects::NameError::NameTaken => Self::NameTaken,
            projects::NameError::Gone => Self::Gone,
            projects::NameError::Db(error) => Self::Db(error),
        }
    }
}

impl From<keys::CreateError> for SampleError {
    fn from(error: keys::CreateError) -> Self {
        match error {
            keys::CreateError::Db(error) => Self::Db(error),
            _ => Self::Gone,
        }
    }
}

impl From<webhooks::CreateError> for SampleError {
    fn from(error: webhooks::CreateError) -> Self {
        match error {
            webhooks::CreateError::Db(error) => Self::Db(error),
            // In a project of its own neither names nor places run out.
            webhooks::CreateError::NameTaken | webhooks::CreateError::TooMany => Self::NameTaken,
        }
    }
}

impl From<webhooks::UpdateError> for SampleError {
    fn from(error: webhooks::UpdateError) -> Self {
        match error {
            webhooks::UpdateError::Db(error) => Self::Db(error),
            webhooks::UpdateError::NameTaken | webhooks::UpdateError::Gone => Self::Gone,
        }
    }
}
