//! `/p/{project}/views`: a person's own views of a list, and those that everybody has.
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::bar::{read, whose};
use super::builtin;
use crate::base::db::Db;
use crate::models::saved_views::{self, List, NAME_CHARS_MAX, VIEWS_MAX, Views};
use crate::web::{Frame, Member, PageResult, Query, Section, Viewer, filters, page};

#[derive(Template)]
#[template(path = "views/manage.html")]
struct ManagePage {
    frame: Frame,
    action: String,
    list: &'static str,
    list_link: String,
    own: Vec<Own>,
    builtin: Vec<Everybodys>,
    saving: Option<Saving>,
}

/// One of their own.
struct Own {
    id: String,
    /// As it was typed, if that was refused.
    typed: String,
    name: String,
    link: String,
    error: String,
}

/// One that everybody has.
struct Everybodys {
    word: &'static str,
    name: &'static str,
    link: String,
    is_hidden: bool,
}

/// A view that could not be saved, with what was typed.
pub(super) struct Saving {
    pub(super) name: String,
    pub(super) query: String,
    pub(super) error: String,
}

/// A change that was refused.
pub(super) enum Refused {
    Saving(Saving),
    Renaming { id: String, typed: String, error: String },
}

/// GET /p/{project}/views?list=history or events.
pub async fn manage(viewer: Viewer, db: Data<Db>, query: Query) -> PageResult {
    answer(&viewer, &db, List::of_word(query.0.text("list")), None).await
}

/// The page, with what was refused.
pub(super) async fn answer(member: &Member, db: &Db, list: List, refused: Option<Refused>) -> PageResult {
    let whose = whose(member, list);
    let views = db.run(move |conn| saved_views::views(conn, whose)).await?;
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page::page_with(status, &ManagePage::of(member, list, views, refused))
}

impl ManagePage {
    fn of(member: &Member, list: List, views: Views, refused: Option<Refused>) -> Self {
        let (saving, renaming) = match refused {
            Some(Refused::Saving(saving)) => (Some(saving), None),
            Some(Refused::Renaming { id, typed, error }) => (None, Some((id, typed, error))),
            None => (None, None),
        };
        let own = views.own.into_iter().map(|view| {
            let id = view.id.to_string();
            let refused = renaming.as_ref().filter(|(refused, ..)| *refused == id);
            let typed = refused.map_or_else(|| view.name.clone(), |(_, typed, _)| typed.clone());
            let error = refused.map(|(_, _, error)| error.clone()).unwrap_or_default();
            let link = read(member, list, &view.query).with("saved", &id);
            Own { id, typed, name: view.name, link, error }
        });
        let own = own.collect();
        let builtin = builtin::of_list(list).iter().map(|view| Everybodys {
            word: view.word,
            name: view.name,
            link: read(member, list, view.query).link(),
            is_hidden: views.hidden.iter().any(|hidden| hidden == view.word),
        });
        let list_link = member.path(&format!("/{}", list.as_str()));
        let (section, crumb) = match list {
            List::History => (Section::History, "History"),
            List::Events => (Section::Events, "Events"),
        };
        Self {
            frame: member.frame("Your views", section).below(crumb, &list_link),
            action: member.path("/views"),
            list: list.as_str(),
            list_link,
            own,
            builtin: builtin.collect(),
            saving,
        }
    }
}
