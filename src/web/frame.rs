//! What is drawn around every page: title, menu, project switcher, breadcrumbs, a notice.
use time::{Duration, OffsetDateTime};

use super::member::Member;
use super::session::SignedIn;
use crate::models::accounts::User;
use crate::models::projects::{Project, Role};

/// The part of the menu that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    None,
    Projects,
    Overview,
    History,
    Events,
    General,
    Webhooks,
    EventTypes,
    Keys,
    Masking,
    Audit,
    Account,
    Storage,
    Reference,
    ApiDocs,
}

/// One step of the breadcrumbs; the page itself is the last and has no link.
#[derive(Clone, Debug)]
pub struct Crumb {
    pub label: String,
    pub href: String,
}

/// What `layout.html` needs. Every page's view model has one in its field `frame`.
#[derive(Clone, Debug)]
pub struct Frame {
    pub title: String,
    pub section: Section,
    pub user: Option<User>,
    pub project: Option<Project>,
    pub role: Option<Role>,
    pub projects: Vec<Project>,
    pub crumbs: Vec<Crumb>,
    pub notice: Option<Notice>,
    /// Notices that the person has not seen.
    pub unseen: i64,
    /// Until when they see personal data that is masked for them otherwise.
    pub revealed_until: Option<OffsetDateTime>,
    /// How long that is from now on.
    pub revealed_for: Duration,
    /// The page's own address, to come back to it masked.
    pub revealed_at: String,
    /// Whether somebody who is not signed in gets the whole width and a bar at the top, not a small panel.
    pub is_wide: bool,
}

/// What is said above a page, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    /// Whether it tells why something was not done.
    pub is_refusal: bool,
}

impl Frame {
    /// For somebody who is not signed in: only the page itself, no menu.
    pub fn bare(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            section: Section::None,
            user: None,
            project: None,
            role: None,
            projects: Vec::new(),
            crumbs: Vec::new(),
            notice: None,
            unseen: 0,
            revealed_until: None,
            revealed_for: Duration::ZERO,
            revealed_at: String::new(),
            is_wide: false,
        }
    }

    /// For somebody who is not signed in, of a page that is worth the whole width: a bar at the top leads on.
    pub fn public(title: &str, section: Section) -> Self {
        Self { section, is_wide: true, ..Self::bare(title) }
    }

    pub(super) fn of_person(title: &str, section: Section, person: &SignedIn) -> Self {
        Self {
            section,
            user: Some(person.user.clone()),
            projects: person.projects.iter().map(|(project, _)| project.clone()).collect(),
            notice: person.notice.clone(),
            unseen: person.unseen,
            ..Self::bare(title)
        }
    }

    pub(super) fn of_member(title: &str, section: Section, member: &Member) -> Self {
        Self {
            section,
            user: Some(member.user.clone()),
            project: Some(member.project.clone()),
            role: Some(member.role),
            projects: member.projects.iter().map(|(project, _)| project.clone()).collect(),
            crumbs: vec![Crumb { label: member.project.name.clone(), href: member.path("/overview") }],
            notice: member.notice.clone(),
            unseen: member.unseen,
            revealed_until: member.sight.reveal().map(|reveal| reveal.until),
            revealed_for: member.sight.reveal().map_or(Duration::ZERO, |reveal| reveal.until - member.now),
            revealed_at: member.at.clone(),
            ..Self::bare(title)
        }
    }

    /// The same with one more step in the breadcrumbs, before the page itself.
    pub fn below(mut self, label: &str, href: &str) -> Self {
        self.crumbs.push(Crumb { label: label.to_owned(), href: href.to_owned() });
        self
    }

    /// The same with a notice on this very page, e.g. for a form that was saved by htmx.
    pub fn saying(mut self, notice: &str) -> Self {
        self.notice = Some(Notice { text: notice.to_owned(), is_refusal: false });
        self
    }

    /// Whether the menu marks this part as the present one.
    pub fn is_in(&self, section: Section) -> bool {
        self.section == section
    }

    /// Whether this is the project that the page belongs to.
    pub fn is_at(&self, project: &Project) -> bool {
        self.project.as_ref().is_some_and(|here| here.id == project.id)
    }

    /// Whether the page stands in a column of its own with a heading: for everybody but those before the door.
    pub fn is_open(&self) -> bool {
        self.user.is_some() || self.is_wide
    }

    /// Where the search is, from here.
    pub fn jump_path(&self) -> String {
        match &self.project {
            Some(project) => format!("/jump?project={}", project.id),
            None => "/jump".to_owned(),
        }
    }

    /// Whether the page has to say that nothing is sent: it shows what the project sends, and the project sends nothing.
    pub fn sends_nothing(&self) -> bool {
        let is_about_sending = matches!(
            self.section,
            Section::Overview | Section::History | Section::Events | Section::Webhooks
        );
        is_about_sending && self.project.as_ref().is_some_and(|project| !project.webhooks_enabled)
    }

    /// Whether a person may see the settings of the project.
    pub fn is_admin(&self) -> bool {
        self.role == Some(Role::Admin)
    }

    /// Whether the person is an owner of the installation.
    pub fn is_owner(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.is_owner)
    }

    /// How many seconds personal data is shown from now on.
    pub fn revealed_for_s(&self) -> i64 {
        self.revealed_for.whole_seconds()
    }

    /// The same in words.
    pub fn revealed_for_words(&self) -> String {
        match self.revealed_for.whole_minutes() {
            0 => "less than a minute".to_owned(),
            1 => "1 minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        }
    }

    /// Whether a person may see events.
    pub fn is_support(&self) -> bool {
        self.role >= Some(Role::Support)
    }
}
