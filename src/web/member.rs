//! Who may do what in the project that the path names: `/p/{project}/…`.
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use time::OffsetDateTime;
use url::form_urlencoded;

use super::error::PageError;
use super::frame::Notice;
use super::session::{SignedIn, signed_in};
use super::sight::{MaskedLine, Sight};
use super::{Frame, Section};
use crate::base::clock::Clock;
use crate::base::db::Db;
use crate::base::ids::ProjectId;
use crate::models::accounts::User;
use crate::models::audit::{Action, Entry};
use crate::models::projects::{Project, Role, reveals};
use crate::rules::masks::Veil;

/// A person and the project that the path names, with the role they have in it. An owner is an admin everywhere.
#[derive(Clone, Debug)]
pub struct Member {
    pub user: User,
    pub project: Project,
    pub role: Role,
    /// All projects they have a role in, by name.
    pub projects: Vec<(Project, Role)>,
    /// What was left for this page to say.
    pub notice: Option<Notice>,
    /// Notices that they have not seen.
    pub unseen: i64,
    /// What of the project's personal data they may see now.
    pub sight: Sight,
    /// The moment of the request.
    pub now: OffsetDateTime,
    /// The address that was asked for, if it can be opened again.
    pub at: String,
}

impl Member {
    /// The frame of a page of this project.
    pub fn frame(&self, title: &str, section: Section) -> Frame {
        Frame::of_member(title, section, self)
    }

    /// A path below this project, e.g. `path("/history")` is `/p/proj_…/history`.
    pub fn path(&self, below: &str) -> String {
        format!("/p/{}{below}", self.project.id)
    }

    /// What says on a page that something of it is masked, if something was. `here` is the page's address.
    pub fn masked_line(&self, veil: &Veil, here: &str) -> Option<MaskedLine> {
        let reveal_link = || {
            let mut query = form_urlencoded::Serializer::new(String::new());
            self.path(&format!("/reveal?{}", query.append_pair("next", here).finish()))
        };
        let may_reveal = self.role >= Role::Support;
        veil.has_hidden().then(|| MaskedLine { reveal_link: may_reveal.then(reveal_link) })
    }

    /// A line of the audit log about something that they did here.
    pub fn entry(&self, action: Action, subject: impl ToString, detail: impl Into<String>) -> Entry {
        let (user, project) = (Some(self.user.id), Some(self.project.id));
        Entry { user, project, action, subject: subject.to_string(), detail: detail.into() }
    }

    /// Writes down that a record was opened, if personal data is shown for a while. `record` is its id.
    pub async fn saw(&self, db: &Db, clock: &Clock, record: String) -> Result<(), PageError> {
        let Some(reveal) = self.sight.reveal() else { return Ok(()) };
        let (whose, now) = ((self.project.id, self.user.id), clock.now());
        Ok(db.transaction(move |conn| reveals::saw(conn, whose, reveal, record, now)).await?)
    }
}

async fn member(req: &HttpRequest, at_least: Role) -> Result<Member, PageError> {
    let SignedIn { user, projects, notice, unseen } = signed_in(req).await?;
    // The same answer for what does not exist and for what is none of their business.
    let missing = PageError::NotFound("There is no such project, or you are not one of its members.");
    let id: Option<ProjectId> = req.match_info().get("project").and_then(|text| text.parse().ok());
    let found = projects.iter().find(|(project, _)| Some(project.id) == id).cloned();
    let Some((project, role)) = found else { return Err(missing) };
    let (Some(db), Some(clock)) = (req.app_data::<Data<Db>>(), req.app_data::<Data<Clock>>()) else {
        return Err(missing);
    };
    let (whose, who, now) = ((project.id, role), user.id, clock.now());
    let at = if req.method().is_safe() { req.uri().to_string() } else { String::new() };
    let sight = match role {
        Role::Admin => Sight::Plain,
        _ => db.run(move |conn| Sight::load(conn, whose, who, now)).await?,
    };
    let member = Member { user, project, role, projects, notice, unseen, sight, now, at };
    req.extensions_mut().insert(member.frame("", Section::None));
    if role < at_least {
        return Err(PageError::Forbidden(match at_least {
            Role::Admin => "Only an admin of this project may open this page.",
            _ => "Only support staff and admins of this project may open this page.",
        }));
    }
    Ok(member)
}

macro_rules! role_extractor {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub Member);

        impl Deref for $name {
            type Target = Member;
            fn deref(&self) -> &Member {
                &self.0
            }
        }

        impl FromRequest for $name {
            type Error = PageError;
            type Future = LocalBoxFuture<'static, Result<Self, PageError>>;
            fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
                let req = req.clone();
                Box::pin(async move { member(&req, Role::$name).await.map(Self) })
            }
        }
    };
}

role_extractor!(
    /// May do everything in the project.
    Admin
);
role_extractor!(
    /// May work with history, events and contacts; admins too.
    Support
);
role_extractor!(
    /// May read overview, history and reference; everybody in the project.
    Viewer
);
