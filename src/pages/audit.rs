//! The audit log: of the whole installation for owners, of their project for admins.
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use actix_web::web::Data;
use askama::Template;
use time::OffsetDateTime;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{AuditId, ProjectId, UserId};
use crate::models::accounts;
use crate::models::audit::{self, Action, Filter, Line};
use crate::models::projects::{Project, Role};
use crate::pages::history::choices::Choice;
use crate::pages::history::span;
use crate::web::paging::Paged;
use crate::web::{Admin, Frame, Owner, PageResult, Query, RawForm, Section, filters, page};

/// Rows of a page.
const PAGE_ROWS: usize = 50;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    path: String,
    /// Of all projects, for owners; none on the page of one.
    projects: Option<Vec<Choice>>,
    person: String,
    actions: Vec<Choice>,
    ranges: Vec<Choice>,
    is_filtered: bool,
    rows: Vec<Row>,
    newest: Option<String>,
    older: Option<String>,
    days: i64,
}

struct Row {
    at: OffsetDateTime,
    action: String,
    person: String,
    project: String,
    subject: String,
    link: Option<String>,
    detail: String,
}

/// GET /admin/audit?project=&person=&action=&range=&cursor=.
pub async fn all(owner: Owner, db: Data<Db>, clock: Data<Clock>, query: Query) -> PageResult {
    let wanted = query.0.text("project").parse().ok();
    let frame = owner.0.frame("Audit log", Section::Audit);
    let projects = owner.0.projects;
    answer(frame, &projects, (&db, &clock), Asked { project: wanted, is_of_one: false, query: query.0 }).await
}

/// GET /p/{project}/settings/audit: the same of one project.
pub async fn of_project(admin: Admin, db: Data<Db>, clock: Data<Clock>, query: Query) -> PageResult {
    let frame = admin.frame("Audit log", Section::Audit);
    let asked = Asked { project: Some(admin.project.id), is_of_one: true, query: query.0 };
    answer(frame, &admin.projects, (&db, &clock), asked).await
}

/// Which lines are wanted, and where the page stands.
struct Asked {
    project: Option<ProjectId>,
    is_of_one: bool,
    query: RawForm,
}

impl Asked {
    fn path(&self) -> String {
        match self.project.filter(|_| self.is_of_one) {
            Some(project) => format!("/p/{project}/settings/audit"),
            None => "/admin/audit".to_owned(),
        }
    }

    /// The filter but for the person, who is typed as an address.
    fn filter(&self, now: OffsetDateTime) -> Filter {
        Filter {
            project: self.project,
            user: None,
            action: Action::of_word(self.query.text("action")),
            since: span::range_begin(self.query.text("range"), now),
            until: None,
            before: self.query.text("cursor").parse().ok(),
        }
    }
}

async fn answer(
    frame: Frame,
    projects: &[(Project, Role)],
    (db, clock): (&Db, &Clock),
    asked: Asked,
) -> PageResult {
    let (mut filter, person) = (asked.filter(clock.now()), asked.query.text("person").trim().to_owned());
    let load = db.run(move |conn| -> Result<_, DbError> {
        let mut lines = Vec::new();
        filter.user = accounts::find_by_email(conn, &person)?.map(|user| user.id);
        // Whoever is not there did nothing.
        if person.is_empty() || filter.user.is_some() {
            lines = audit::list(conn, &filter, PAGE_ROWS as i64 + 1)?;
        }
        let mut people: HashMap<UserId, String> = HashMap::new();
        for id in lines.iter().filter_map(|line| line.user) {
            if let Entry::Vacant(place) = people.entry(id) {
                place.insert(accounts::find(conn, id)?.map(|user| user.email).unwrap_or_default());
            }
        }
        Ok((lines, people))
    });
    let (lines, people) = load.await?;
    page::page(&AuditPage::of(frame, projects, &asked, lines, &people))
}

impl AuditPage {
    fn of(
        frame: Frame,
        projects: &[(Project, Role)],
        asked: &Asked,
        lines: Vec<Line>,
        people: &HashMap<UserId, String>,
    ) -> Self {
        let (path, query) = (asked.path(), &asked.query);
        let paged = Paged::cut(lines, PAGE_ROWS, |line| line.id.0);
        let last: Option<AuditId> = paged.next.and(paged.rows.last()).map(|line| line.id);
        let is_set = |name: &&str| !query.text(name).is_empty();
        let choice = |name: &str, value: String, words: String| Choice {
            is_chosen: query.text(name) == value,
            value,
            words,
        };
        let all = || projects.iter().map(|(one, _)| choice("project", one.id.to_string(), one.name.clone()));
        let actions = Action::ALL.iter();
        let ranges = span::RANGES.iter();
        Self {
            frame,
            projects: (!asked.is_of_one).then(|| all().collect()),
            person: query.text("person").to_owned(),
            actions: actions.map(|a| choice("action", a.as_str().to_owned(), a.words().to_owned())).collect(),
            ranges: ranges.map(|(w, _, s)| choice("range", (*w).to_owned(), (*s).to_owned())).collect(),
            is_filtered: ["project", "person", "action", "range"].iter().any(is_set),
            rows: paged.rows.iter().map(|line| Row::of(line, projects, people)).collect(),
            newest: is_set(&"cursor").then(|| query.link(&path, "cursor", "")),
            older: last.map(|id| query.link(&path, "cursor", &id.to_string())),
            days: audit::KEPT.whole_days(),
            path,
        }
    }
}

impl Row {
    fn of(line: &Line, projects: &[(Project, Role)], people: &HashMap<UserId, String>) -> Self {
        let project = projects.iter().map(|(project, _)| project).find(|one| Some(one.id) == line.project);
        let person = line.user.map(|id| people.get(&id).cloned().unwrap_or_default());
        let action = Action::of_word(&line.action).map_or(&*line.action, |action| action.words());
        Self {
            at: line.at,
            action: action.to_owned(),
            person: person.unwrap_or_else(|| "A program or the command line".to_owned()),
            link: project.and_then(|project| link(project.id, &line.subject)),
            project: project.map(|project| project.name.clone()).unwrap_or_default(),
            subject: line.subject.clone(),
            detail: line.detail.clone(),
        }
    }
}

/// Where the thing is that something was done to.
fn link(project: ProjectId, subject: &str) -> Option<String> {
    let below = match subject.split('_').next()? {
        "whs" => "history",
        "wh" => "settings/webhooks",
        "rep" => "replays",
        prefix if prefix.starts_with("ev") => "events",
        _ => return None,
    };
    Some(format!("/p/{project}/{below}/{subject}"))
}
