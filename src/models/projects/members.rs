//! Who may do what in a project.
use std::fmt;
use std::str::FromStr;

use diesel::prelude::*;
use time::OffsetDateTime;

use crate::base::db::{DbError, violates};
use crate::base::ids::{ProjectId, UserId};
use crate::base::schema::members;

/// What a member may do in a project. Ordered: each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads overview, history (masked) and reference.
    Viewer,
    /// Works with history, events and contacts; resends. No settings, no secrets.
    Support,
    /// Everything in the project.
    Admin,
}

impl Role {
    /// As stored and as typed on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotARole;

impl fmt::Display for NotARole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a role is `admin`, `support` or `viewer`")
    }
}

impl std::error::Error for NotARole {}

impl FromStr for Role {
    type Err = NotARole;
    fn from_str(text: &str) -> Result<Self, NotARole> {
        [Self::Viewer, Self::Support, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(NotARole)
    }
}

/// Why a role was not given.
#[derive(Debug)]
pub enum SetError {
    /// The project or the person is gone.
    Gone,
    Db(DbError),
}

impl From<diesel::result::Error> for SetError {
    fn from(error: diesel::result::Error) -> Self {
        let gone = violates(&error, "members_project_fkey") || violates(&error, "members_user_fkey");
        if gone { Self::Gone } else { Self::Db(error.into()) }
    }
}

impl From<DbError> for SetError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Gives a person a role in a project, instead of the one they may have had.
///
/// # Errors
/// [`SetError::Gone`]
pub fn set(
    conn: &mut PgConnection,
    project: ProjectId,
    user: UserId,
    role: Role,
    now: OffsetDateTime,
) -> Result<(), SetError> {
    diesel::insert_into(members::table)
        .values((
            members::project_id.eq(project),
            members::user_id.eq(user),
            members::role.eq(role.as_str()),
            members::created_at.eq(now),
        ))
        .on_conflict((members::project_id, members::user_id))
        .do_update()
        .set(members::role.eq(role.as_str()))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_read_back_and_an_admin_outranks_support_and_viewer() {
        for role in [Role::Viewer, Role::Support, Role::Admin] {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!(Role::Admin > Role::Support && Role::Support > Role::Viewer);
        assert_eq!("owner".parse::<Role>(), Err(NotARole), "owners are no project's members");
    }
}
