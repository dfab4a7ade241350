//! `/p/{project}/replays`: all of them, newest first.
use std::collections::HashMap;

use actix_web::web::Data;
use askama::Template;
use time::OffsetDateTime;

use super::words;
use crate::base::db::{Db, DbError};
use crate::base::ids::{ReplayId, WebhookId};
use crate::models::replays::{self, ItemState, Replay};
use crate::models::webhooks::{self, Named};
use crate::pages::history::words::Badge;
use crate::web::paging::Paged;
use crate::web::{Frame, Member, PageResult, Query, Section, Support, filters, page};

/// Rows of a page.
const PAGE_ROWS: usize = 50;

#[derive(Template)]
#[template(path = "replays/list.html")]
struct ListPage {
    frame: Frame,
    history_link: String,
    rows: Vec<Row>,
    newest: Option<String>,
    older: Option<String>,
}

struct Row {
    link: String,
    badge: Badge,
    subject: String,
    total: i64,
    delivered: i64,
    failing: i64,
    left_out: i64,
    created_at: OffsetDateTime,
}

impl Row {
    fn of(member: &Member, replay: &Replay, names: &HashMap<WebhookId, Named>) -> Self {
        Self {
            link: member.path(&format!("/replays/{}", replay.id)),
            badge: words::badge(replay.status),
            subject: words::subject(replay, names, &member.sight.veil()).join(", "),
            total: replay.counts.total(),
            delivered: replay.counts.of(ItemState::Delivered),
            failing: replay.counts.failing(),
            left_out: replay.counts.left_out(),
            created_at: replay.created_at,
        }
    }
}

/// GET /p/{project}/replays.
pub async fn list(support: Support, db: Data<Db>, query: Query) -> PageResult {
    let project = support.project.id;
    let before: Option<ReplayId> = query.0.text("cursor").parse().ok();
    let load = db.run(move |conn| -> Result<_, DbError> {
        let limit = PAGE_ROWS as i64 + 1;
        Ok((replays::list(conn, project, before, limit)?, webhooks::names(conn, project)?))
    });
    let (found, names) = load.await?;
    let paged = Paged::cut(found, PAGE_ROWS, |replay| replay.id.0);
    let (path, history_link) = (support.path("/replays"), support.path("/history"));
    let last = paged.next.and(paged.rows.last()).map(|replay| replay.id);
    page::page(&ListPage {
        frame: support.frame("Replays", Section::History).below("History", &history_link),
        history_link,
        rows: paged.rows.iter().map(|replay| Row::of(&support, replay, &names)).collect(),
        newest: before.map(|_| path.clone()),
        older: last.map(|id| format!("{path}?cursor={id}")),
    })
}
