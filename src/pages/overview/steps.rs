//! The first steps: from nothing to the first delivered event.
use diesel::PgConnection;
use time::OffsetDateTime;

use super::{first_event, taken_type};
use crate::base::db::DbError;
use crate::base::ids::ProjectId;
use crate::models::deliveries::{self, Delivery, Status};
use crate::models::event_types::TypeSample;
use crate::models::events;
use crate::models::projects::keys::{self, Key};
use crate::models::projects::{self, Role};
use crate::models::webhooks::{self, Named, Webhook};
use crate::pages::history::rows::Row;
use crate::rules::catalogue;
use crate::web::Member;

/// Stands for the key in a command line: the shell fills it in.
const TOKEN: &str = "$CALLOUT_KEY";

/// The step that tells what became of the first event.
const LAST: usize = 4;

/// How far a project has come.
pub(super) struct Progress {
    webhooks: Vec<Webhook>,
    /// A type that one of them takes.
    taken: TypeSample,
    keys: Vec<Key>,
    test: Option<Delivery>,
    event: Option<events::Summary>,
    /// The newest delivery that a receiver took, or else the newest.
    pub(super) posted: Option<Delivery>,
}

impl Progress {
    /// None once the steps were dismissed.
    pub(super) fn load(conn: &mut PgConnection, project: ProjectId) -> Result<Option<Self>, DbError> {
        if projects::first_steps_are_dismissed(conn, project)? {
            return Ok(None);
        }
        let mut keys = keys::list(conn, project)?;
        keys.retain(|key| key.revoked_at.is_none());
        let webhooks = webhooks::list(conn, project)?;
        Ok(Some(Self {
            taken: taken_type(conn, project, &webhooks)?,
            webhooks,
            keys,
            test: deliveries::latest_test(conn, project)?,
            event: events::first_posted(conn, project)?,
            posted: deliveries::latest_posted(conn, project)?,
        }))
    }

    fn has_posted(&self) -> bool {
        self.event.is_some() || self.posted.is_some()
    }

    fn is_delivered(&self) -> bool {
        is_taken(self.posted.as_ref())
    }

    /// Which steps are done. What comes later shows that a step before is no longer needed.
    fn done(&self) -> [bool; 5] {
        [
            !self.webhooks.is_empty(),
            is_taken(self.test.as_ref()) || self.is_delivered(),
            !self.keys.is_empty() || self.event.is_some(),
            self.event.is_some(),
            self.is_delivered(),
        ]
    }

    /// Whether every step is done.
    pub(super) fn is_complete(&self) -> bool {
        self.done().into_iter().all(|done| done)
    }

    /// Changes whenever there is something new to see.
    pub(super) fn seen(&self) -> String {
        let standing = |delivery: &Option<Delivery>| {
            delivery.as_ref().map_or("none".to_owned(), |one| {
                format!("{}-{}-{}", one.id.0.simple(), one.status.as_str(), one.attempt_count)
            })
        };
        let (webhooks, keys) = (self.webhooks.len(), self.keys.len());
        let event = u8::from(self.event.is_some());
        format!("{webhooks}-{keys}-{event}-{}-{}", standing(&self.test), standing(&self.posted))
    }
}

fn is_taken(delivery: Option<&Delivery>) -> bool {
    delivery.is_some_and(|delivery| delivery.status == Status::Delivered)
}

/// Where something leads, and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) label: String,
    pub(super) href: String,
}

/// A step, ready to print.
pub(super) struct Step {
    pub(super) number: usize,
    pub(super) title: &'static str,
    pub(super) is_done: bool,
    pub(super) is_current: bool,
    /// Whether there is something to tell of it: it is done, or its turn, or it went wrong although steps before are open.
    pub(super) is_told: bool,
    /// What was done, or what is to be done and why.
    pub(super) text: String,
    /// When it was done.
    pub(super) at: Option<OffsetDateTime>,
    /// Leads to what was done, or a second way to do it.
    pub(super) link: Option<Link>,
    /// The way to do it, for admins.
    pub(super) action: Option<Link>,
    /// Whether an admin has to do it.
    pub(super) waits_for_admin: bool,
    pub(super) command: Option<String>,
    /// How a delivery stands that the step is about.
    pub(super) delivery: Option<Row>,
}

/// The five steps. Done ones tell what was done, the first of the others is the current one.
pub(super) fn list(member: &Member, progress: &Progress, public_url: &str) -> Vec<Step> {
    let done = progress.done();
    let current = done.iter().position(|done| !done);
    let told = [
        webhook(member, progress),
        test(member, progress, done[1]),
        key(member, progress),
        event(member, progress, public_url),
        delivered(member, progress),
    ];
    let numbered = told.into_iter().zip(done).enumerate();
    numbered
        .map(|(n, (step, is_done))| {
            let is_current = current == Some(n);
            let waits_for_admin = is_current && n < 3 && member.role < Role::Admin;
            let action = step.action.filter(|_| is_current && !waits_for_admin);
            let command = step.command.filter(|_| is_current);
            // An event may be posted with a step before left out: what became of it must not stay hidden.
            let is_told = is_done || is_current || (n == LAST && progress.has_posted());
            Step { number: n + 1, is_done, is_current, is_told, waits_for_admin, action, command, ..step }
        })
        .collect()
}

impl Step {
    fn of(title: &'static str, text: impl Into<String>) -> Self {
        Self {
            number: 0,
            title,
            is_done: false,
            is_current: false,
            is_told: false,
            text: text.into(),
            at: None,
            link: None,
            action: None,
            waits_for_admin: false,
            command: None,
            delivery: None,
        }
    }

    fn linked(mut self, label: impl Into<String>, href: String) -> Self {
        self.link = Some(Link { label: label.into(), href });
        self
    }

    fn acting(mut self, label: &str, href: String) -> Self {
        self.action = Some(Link { label: label.to_owned(), href });
        self
    }
}

fn is_admin(member: &Member) -> bool {
    member.role == Role::Admin
}

fn webhook(member: &Member, progress: &Progress) -> Step {
    let title = "Create a webhook";
    let Some(first) = progress.webhooks.first() else {
        return Step::of(title, "The address that is told when something happens, and what it is told.")
            .acting("Create a webhook", member.path("/settings/webhooks/new"));
    };
    let more = match progress.webhooks.len() - 1 {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let name = &first.settings.name;
    if is_admin(member) {
        let href = member.path(&format!("/settings/webhooks/{}", first.id));
        return Step::of(title, more.trim_start()).linked(name, href);
    }
    Step::of(title, format!("{name}{more}"))
}

fn test(member: &Member, progress: &Progress, is_done: bool) -> Step {
    let title = "Send a test";
    let to = |webhook: &Webhook| member.path(&format!("/settings/webhooks/{}/test", webhook.id));
    let href = progress.webhooks.first().map(to);
    match (&progress.test, is_done) {
        (Some(test), _) => {
            let row = row(member, progress, test);
            let (label, text) = match (is_taken(Some(test)), is_done) {
                (true, _) => ("", ""),
                (false, true) => ("", "An event was delivered, so no test is needed any more."),
                (false, false) => {
                    ("Send another test", "The receiver did not take it. See why, mend it, and try again.")
                }
            };
            let step = Step { delivery: Some(row), ..Step::of(title, text) };
            match href {
                Some(href) => step.acting(label, href),
                None => step,
            }
        }
        (None, true) => Step::of(title, "An event was delivered, so no test is needed any more."),
        (None, false) => {
            let step =
                Step::of(title, "One event to the webhook alone. You see at once what its receiver says.");
            match href {
                Some(href) => step.acting("Send a test", href),
                None => step,
            }
        }
    }
}

fn key(member: &Member, progress: &Progress) -> Step {
    let title = "Create an API key";
    let href = member.path("/settings/keys");
    match progress.keys.last() {
        Some(key) if is_admin(member) => Step::of(title, "").linked(&key.name, href),
        Some(key) => Step::of(title, key.name.as_str()),
        None if progress.event.is_some() => Step::of(title, "None is in use at the moment."),
        None => Step::of(
            title,
            "Your program shows it with every call. The key’s page has the next step’s command with it.",
        )
        .acting("Create an API key", href),
    }
}

fn event(member: &Member, progress: &Progress, public_url: &str) -> Step {
    let title = "Post the first event";
    let Some(event) = &progress.event else {
        let text = "Your key goes in the place of $CALLOUT_KEY. What becomes of the event is shown here as it happens.";
        let command = first_event(public_url, TOKEN, &progress.taken);
        return Step { command: Some(command), ..Step::of(title, text) };
    };
    let step = Step { at: Some(event.created_at), ..Step::of(title, "") };
    if member.role < Role::Support {
        return Step { text: event.event_type.clone(), ..step };
    }
    let id = event.id.with_prefix(catalogue::id_prefix(&event.event_type));
    step.linked(&event.event_type, member.path(&format!("/events/{id}")))
}

fn delivered(member: &Member, progress: &Progress) -> Step {
    let title = "See it delivered";
    match (&progress.posted, &progress.event) {
        (Some(posted), _) => {
            let text = match posted.status {
                Status::Delivered => "",
                Status::Retrying => "The receiver did not take it. It is tried again.",
                Status::Failed => "The receiver did not take it. See why, mend it, and resend it.",
                Status::Held => "It is held while webhooks, or this one, are switched off.",
                Status::Cancelled => "It was cancelled. Post another event.",
                Status::Due | Status::Sending => "It is on its way.",
            };
            Step { delivery: Some(row(member, progress, posted)), ..Step::of(title, text) }
        }
        (None, Some(event)) => {
            let text = "The event went to no webhook: none that is on takes its type.";
            let step = Step::of(title, text);
            if member.role < Role::Support {
                return step;
            }
            let id = event.id.with_prefix(catalogue::id_prefix(&event.event_type));
            step.linked("See why", member.path(&format!("/events/{id}")))
        }
        (None, None) => Step::of(title, "It appears here by itself."),
    }
}

fn row(member: &Member, progress: &Progress, delivery: &Delivery) -> Row {
    let webhook = progress.webhooks.iter().find(|webhook| webhook.id == delivery.webhook);
    let named = webhook.map(|webhook| Named {
        name: webhook.settings.name.clone(),
        target_url: webhook.settings.target_url.clone(),
        is_deleted: false,
        is_draft: false,
    });
    Row::of(member.project.id, delivery, named.as_ref(), &member.sight.veil())
}
