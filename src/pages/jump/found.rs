//! What a few letters or an id may mean, for one person: nothing that they may not open.
use diesel::PgConnection;

use super::places;
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, EventId, WebhookId};
use crate::models::projects::{Project, Role};
use crate::models::{deliveries, event_types, events, sample, webhooks};
use crate::rules::catalogue;
use crate::web::SignedIn;

/// Where an id is looked for: so many of a person's projects, the present one first.
const PROJECTS_MAX: usize = 50;
/// Where names are looked for outside a project.
const PROJECTS_NAMED_MAX: usize = 10;
/// So many of a kind are shown.
const ITEMS_MAX: usize = 6;
/// The group of things that have exactly this id.
const EXACT: &str = "Found";

/// One line of what was found.
#[derive(Clone, Debug)]
pub struct Item {
    /// The symbol before it.
    pub icon: &'static str,
    /// What it is called.
    pub label: String,
    /// What it is, where the symbol and the group do not say it; may be empty.
    pub detail: String,
    /// Where it leads.
    pub href: String,
}

/// Lines of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    /// What kind.
    pub title: &'static str,
    /// At least one.
    pub items: Vec<Item>,
    /// What fits besides.
    pub further: Option<Further>,
}

/// What fits and is not listed.
#[derive(Clone, Debug)]
pub struct Further {
    /// How many, and where they are or what to do.
    pub words: String,
    /// Where all of them are, if they are anywhere together.
    pub href: Option<String>,
}

/// What a person can see: their projects, and whether they stand in the first one.
#[derive(Debug)]
pub struct Near {
    projects: Vec<(Project, Role)>,
    is_in_first: bool,
    is_owner: bool,
}

impl Near {
    /// All projects of a person, with the named one first if it is theirs.
    pub fn of(person: &SignedIn, here: &str) -> Self {
        let mut projects = person.projects.clone();
        let at = projects.iter().position(|(project, _)| project.id.to_string() == here);
        if let Some(at) = at {
            projects[..=at].rotate_right(1);
        }
        Self { projects, is_in_first: at.is_some(), is_owner: person.user.is_owner }
    }

    /// The project where they are.
    pub fn here(&self) -> Option<&(Project, Role)> {
        self.projects.first().filter(|_| self.is_in_first)
    }

    /// Where names are looked for: here, or in the first few when they are nowhere.
    fn nearby(&self) -> &[(Project, Role)] {
        let count = if self.is_in_first { 1 } else { self.projects.len().min(PROJECTS_NAMED_MAX) };
        &self.projects[..count]
    }
}

/// Everything that fits, in the order in which it is shown.
pub fn search(conn: &mut PgConnection, near: &Near, q: &str) -> Result<Vec<Group>, DbError> {
    let (exact, named) = if q.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        (by_id(conn, near, q)?, by_webhook_name(conn, near, q)?)
    };
    let types = own_types(conn, near, q)?.into_iter().chain(types(q)).collect();
    let has_sample = if near.is_owner { Some(sample::find(conn)?.is_some()) } else { None };
    let pages = places::matching(near.here(), has_sample, q);
    let pages_max = if q.is_empty() { usize::MAX } else { ITEMS_MAX };
    let groups = vec![
        Group::of(EXACT, exact, ITEMS_MAX, None),
        Group::of("Pages", pages, pages_max, None),
        Group::of("Webhooks", named, ITEMS_MAX, all_webhooks(near)),
        Group::of("Event types", types, ITEMS_MAX, Some(("in the reference", in_reference(q)))),
        Group::of("Projects", projects(near, q), ITEMS_MAX, Some(("among all projects", "/".to_owned()))),
    ];
    Ok(groups.into_iter().filter(|group| !group.items.is_empty()).collect())
}

impl Group {
    /// The first of what fits; `place` says where the rest is.
    fn of(
        title: &'static str,
        mut items: Vec<Item>,
        count_max: usize,
        place: Option<(&str, String)>,
    ) -> Self {
        let count = items.len().saturating_sub(count_max);
        items.truncate(count_max);
        let further = (count > 0).then(|| match place {
            Some((place, href)) => Further { words: format!("{count} more {place}"), href: Some(href) },
            None => Further { words: format!("{count} more: type on to narrow them"), href: None },
        });
        Self { title, items, further }
    }
}

/// The list of webhooks, for who may see it.
fn all_webhooks(near: &Near) -> Option<(&'static str, String)> {
    let (project, _) = near.here().filter(|(_, role)| *role == Role::Admin)?;
    Some(("among the webhooks", format!("/p/{}/settings/webhooks", project.id)))
}

fn in_reference(q: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    format!("/reference?{}", query.append_pair("q", q).finish())
}

/// Where to go without asking: the text was the id of one thing.
pub fn exact(groups: &[Group]) -> Option<&str> {
    let group = groups.first().filter(|group| group.title == EXACT)?;
    group.items.first().map(|item| item.href.as_str())
}

fn has(text: &str, q: &str) -> bool {
    text.to_lowercase().contains(&q.to_lowercase())
}

fn types(q: &str) -> Vec<Item> {
    if q.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<_> = catalogue::all().iter().filter(|one| has(one.name, q)).collect();
    found.sort_by_key(|one| (!one.name.starts_with(q), one.name));
    let item = |one: &&catalogue::EventType| Item {
        icon: "file-code",
        label: one.name.to_owned(),
        detail: one.description.to_owned(),
        href: format!("/reference/{}", one.name),
    };
    found.iter().map(item).collect()
}

/// Those of the project where a person stands, for who may see their pages.
fn own_types(conn: &mut PgConnection, near: &Near, q: &str) -> Result<Vec<Item>, DbError> {
    let here = near.here().filter(|(_, role)| *role == Role::Admin && !q.is_empty());
    let Some((project, _)) = here else { return Ok(Vec::new()) };
    let own = event_types::names(conn, project.id)?.0.into_iter().filter(|(name, _)| has(name, q));
    let item = |(name, detail): (String, String)| Item {
        icon: "file-code",
        href: format!("/p/{}/settings/event-types/{name}", project.id),
        label: name,
        detail,
    };
    Ok(own.map(item).collect())
}

fn projects(near: &Near, q: &str) -> Vec<Item> {
    let away = near.projects.iter().skip(usize::from(near.is_in_first));
    let fitting = away.filter(|(project, _)| has(&project.name, q) || project.id.to_string() == q);
    let item = |(project, _): &(Project, Role)| Item {
        icon: "folders",
        label: project.name.clone(),
        detail: String::new(),
        href: format!("/p/{}/overview", project.id),
    };
    fitting.map(item).collect()
}

fn by_webhook_name(conn: &mut PgConnection, near: &Near, q: &str) -> Result<Vec<Item>, DbError> {
    let mut items = Vec::new();
    for place in near.nearby() {
        for (id, webhook) in webhooks::names(conn, place.0.id)? {
            if !webhook.is_deleted && has(&webhook.name, q) {
                items.push(webhook_item(place, id, webhook.name, near));
            }
        }
    }
    let q = q.to_lowercase();
    items.sort_by_key(|item| (!item.label.to_lowercase().starts_with(&q), item.label.to_lowercase()));
    Ok(items)
}

/// Settings for who may see them, else what was sent there.
fn webhook_item((project, role): &(Project, Role), id: WebhookId, name: String, near: &Near) -> Item {
    let href = match role {
        Role::Admin => format!("/p/{}/settings/webhooks/{id}", project.id),
        _ => format!("/p/{}/history?webhook_id={id}", project.id),
    };
    Item { icon: "webhook", label: name, detail: whereabouts("", project, near), href }
}

/// Adds the project's name for what is not here.
fn whereabouts(what: &str, project: &Project, near: &Near) -> String {
    let is_here = near.here().is_some_and(|(here, _)| here.id == project.id);
    match (what, is_here) {
        (what, true) => what.to_owned(),
        ("", false) => format!("in {}", project.name),
        (what, false) => format!("{what} · in {}", project.name),
    }
}

fn by_id(conn: &mut PgConnection, near: &Near, q: &str) -> Result<Vec<Item>, DbError> {
    let is_ours =
        q.parse::<DeliveryId>().is_ok() || q.parse::<EventId>().is_ok() || q.parse::<WebhookId>().is_ok();
    // The caller's own ids may be anything that is typed, so they are looked for nearby only.
    let places =
        if is_ours { &near.projects[..near.projects.len().min(PROJECTS_MAX)] } else { near.nearby() };
    for place in places {
        if let Some(item) = in_project(conn, place, near, q)? {
            return Ok(vec![item]);
        }
    }
    Ok(Vec::new())
}

fn in_project(
    conn: &mut PgConnection,
    place: &(Project, Role),
    near: &Near,
    q: &str,
) -> Result<Option<Item>, DbError> {
    let (project, role) = place;
    if let Ok(id) = q.parse::<DeliveryId>() {
        let Some(delivery) = deliveries::find(conn, project.id, id)? else { return Ok(None) };
        let what = format!("Delivery of {} · {}", delivery.event_type, delivery.status.as_str());
        return Ok(Some(Item {
            icon: "send",
            label: q.to_owned(),
            detail: whereabouts(&what, project, near),
            href: format!("/p/{}/history/{id}", project.id),
        }));
    }
    if let Ok(id) = q.parse::<WebhookId>() {
        let webhook = webhooks::names(conn, project.id)?.remove(&id).filter(|webhook| !webhook.is_deleted);
        return Ok(webhook.map(|webhook| webhook_item(place, id, webhook.name, near)));
    }
    let Some(id) = events::find_by_q(conn, project.id, q)? else { return Ok(None) };
    let Some(event) = events::find(conn, project.id, id)? else { return Ok(None) };
    let ours = id.with_prefix(catalogue::id_prefix(&event.payload.event_type));
    let href = match role {
        Role::Viewer => format!("/p/{}/history?q={ours}", project.id),
        _ => format!("/p/{}/events/{ours}", project.id),
    };
    let what = format!("Event {}", event.payload.event_type);
    Ok(Some(Item { icon: "bolt", label: q.to_owned(), detail: whereabouts(&what, project, near), href }))
}
