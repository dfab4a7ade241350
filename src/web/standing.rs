//! Whether somebody may still read what is told to them over a long time.
use actix_web::HttpRequest;
use diesel::PgConnection;
use time::OffsetDateTime;

use super::member::Member;
use super::session;
use super::sight::Sight;
use crate::base::db::DbError;
use crate::base::ids::{ProjectId, UserId};
use crate::models::accounts::{self, sessions};
use crate::models::projects::{self, Role};

/// Who reads an answer that goes on: in which session, in which role.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    session: [u8; 32],
    user: UserId,
    project: ProjectId,
    role: Role,
}

impl Standing {
    /// Of a member who asks now; none without a session.
    pub fn of(req: &HttpRequest, member: &Member) -> Option<Self> {
        let session = session::key_hash(req)?;
        Some(Self { session, user: member.user.id, project: member.project.id, role: member.role })
    }

    /// What they may see now; none unless they are signed in as before, with the role they had. Keeps no session alive.
    pub fn sight(&self, conn: &mut PgConnection, now: OffsetDateTime) -> Result<Option<Sight>, DbError> {
        if !sessions::is_live(conn, self.session, now)? {
            return Ok(None);
        }
        let Some(user) = accounts::find(conn, self.user)? else { return Ok(None) };
        let roles = projects::list_for(conn, &user)?;
        if !roles.iter().any(|(project, role)| project.id == self.project && *role == self.role) {
            return Ok(None);
        }
        Ok(Some(Sight::load(conn, (self.project, self.role), self.user, now)?))
    }
}
