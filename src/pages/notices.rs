//! `/notices`: what a person should know of in the projects that they work for.
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use actix_web::web::Data;
use askama::Template;
use time::OffsetDateTime;

use crate::base::clock::Clock;
use crate::base::db::{Db, DbError};
use crate::base::ids::{ProjectId, WebhookId};
use crate::models::accounts;
use crate::models::notices::{self, Notice};
use crate::models::projects::Role;
use crate::models::webhooks::{self, Named};
use crate::web::{Frame, PageResult, Section, Sight, SignedIn, filters, page};

/// Older ones are not shown.
const SHOWN_MAX: i64 = 100;

#[derive(Template)]
#[template(path = "notices.html")]
struct NoticesPage {
    frame: Frame,
    rows: Vec<Row>,
    is_told: bool,
}

struct Row {
    project: String,
    webhook: String,
    /// None for who may not see settings, and for one that was deleted.
    webhook_link: Option<String>,
    delivery_link: Option<String>,
    why: &'static str,
    detail: String,
    at: OffsetDateTime,
    is_new: bool,
}

/// GET /notices: newest first; all of them count as seen from then on.
pub async fn show(person: SignedIn, db: Data<Db>, clock: Data<Clock>) -> PageResult {
    let (user, now) = (person.user.clone(), clock.now());
    let projects = person.told_of();
    let load = db.run(move |conn| {
        let found = notices::list(conn, &projects, SHOWN_MAX)?;
        let mut names: HashMap<ProjectId, HashMap<WebhookId, Named>> = HashMap::new();
        for notice in &found {
            if let Entry::Vacant(place) = names.entry(notice.project) {
                place.insert(webhooks::names(conn, notice.project)?);
            }
        }
        accounts::saw_notices(conn, user.id, now)?;
        Ok::<_, DbError>((found, names))
    });
    let (found, names) = load.await?;
    let row = |notice: Notice| {
        let named = names.get(&notice.project).and_then(|of| of.get(&notice.webhook));
        Row::of(&person, notice, named)
    };
    let rows = found.into_iter().map(row).collect();
    let frame = Frame { unseen: 0, ..person.frame("Notices", Section::None) };
    page::page(&NoticesPage { frame, rows, is_told: person.user.webhook_notices })
}

impl Row {
    fn of(person: &SignedIn, notice: Notice, named: Option<&Named>) -> Self {
        let own = person.projects.iter().find(|(project, _)| project.id == notice.project);
        let path = |below: String| format!("/p/{}{below}", notice.project);
        let opens = own.is_some_and(|(_, role)| *role == Role::Admin);
        let is_there = named.is_some_and(|named| !named.is_deleted);
        Self {
            project: own.map(|(project, _)| project.name.clone()).unwrap_or_default(),
            webhook: named.map(|named| named.name.clone()).unwrap_or_default(),
            webhook_link: (opens && is_there).then(|| path(format!("/settings/webhooks/{}", notice.webhook))),
            delivery_link: notice.delivery.map(|delivery| path(format!("/history/{delivery}"))),
            why: match notice.kind.as_str() {
                "gone" => "its receiver answered 410.",
                _ => "a delivery failed through all its retries.",
            },
            is_new: person.user.notices_seen_at.is_none_or(|seen| notice.at > seen),
            // Of several projects: what looks like an address or a number is masked by the defaults.
            detail: own.map_or_else(String::new, |(_, role)| {
                Sight::of_role(*role).veil().text(&notice.detail).into_owned()
            }),
            at: notice.at,
        }
    }
}
