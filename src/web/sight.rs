//! What of a project's personal data a person may see now. Pages print data only through the [`Veil`] that it gives.
use std::sync::Arc;

use diesel::PgConnection;
use time::OffsetDateTime;

use crate::base::db::DbError;
use crate::base::ids::{ProjectId, UserId};
use crate::models::projects::members::Role;
use crate::models::projects::reveals::Reveal;
use crate::models::projects::{masking, reveals};
use crate::rules::masks::{Rules, Veil};

/// How much somebody sees.
#[derive(Clone, Debug)]
pub enum Sight {
    /// Everything: admins, whose data it is.
    Plain,
    /// Everything for a while, for a reason that they gave.
    Revealed(Reveal),
    /// What these rules leave.
    Masked(Arc<Rules>),
}

impl Sight {
    /// Of a person with this role in a project, at this moment.
    pub fn load(
        conn: &mut PgConnection,
        (project, role): (ProjectId, Role),
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Self, DbError> {
        if role == Role::Admin {
            return Ok(Self::Plain);
        }
        // A viewer reveals nothing, also who was support when they began.
        if role == Role::Support
            && let Some(reveal) = reveals::current(conn, project, user, now)?
        {
            return Ok(Self::Revealed(reveal));
        }
        Ok(Self::Masked(Arc::new(masking::rules(conn, project)?)))
    }

    /// By the role alone, with the default rules: for what belongs to several projects.
    pub fn of_role(role: Role) -> Self {
        if role == Role::Admin { Self::Plain } else { Self::Masked(Arc::default()) }
    }

    /// A veil for one page, which has learnt nothing yet.
    pub fn veil(&self) -> Veil {
        match self {
            Self::Plain | Self::Revealed(_) => Veil::clear(),
            Self::Masked(rules) => Veil::over(Arc::clone(rules)),
        }
    }

    /// The reveal that lets them see it, if one does.
    pub fn reveal(&self) -> Option<Reveal> {
        if let Self::Revealed(reveal) = self { Some(*reveal) } else { None }
    }

    /// Whether anything is masked.
    pub fn is_masked(&self) -> bool {
        matches!(self, Self::Masked(_))
    }
}

/// Says on a page that something of it is masked, and where to reveal it.
#[derive(Clone, Debug)]
pub struct MaskedLine {
    /// None for who may not reveal.
    pub reveal_link: Option<String>,
}
