//! The row of views above a list: each a link, the one that is shown marked, and what can be kept.
use super::builtin;
use crate::models::saved_views::{List, Views, Whose};
use crate::pages::history::address::Address;
use crate::pages::{events, history};
use crate::web::Member;

/// What of an address is no filter, so that no view keeps it: the page, the view itself, and how the list is looked at.
pub const KEPT_APART: [&str; 6] = ["cursor", "saved", "open", "attempt", "view", "live"];

/// The row.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ViewBar {
    pub links: Vec<ViewLink>,
    /// Where forms go.
    pub action: String,
    pub list: &'static str,
    /// The filters that are set now.
    pub query: String,
    /// Whether they are worth a view: there are any, and no view has just these.
    pub may_save: bool,
    /// The own view that was opened, if the filters are others by now.
    pub changed: Option<ViewLink>,
    pub manage_link: String,
}

/// A view in the row.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ViewLink {
    /// An own view's id, or the word of one that everybody has.
    pub id: String,
    pub name: String,
    pub link: String,
    pub is_shown: bool,
    pub is_own: bool,
}

/// A person's views of a list.
pub fn whose(member: &Member, list: List) -> Whose {
    Whose { project: member.project.id, user: member.user.id, list }
}

/// Reads what a view keeps as the list's address; what it does not know by now is left out.
pub(super) fn read(member: &Member, list: List, query: &str) -> Address {
    let path = member.path(&format!("/{}", list.as_str()));
    let address = match list {
        List::History => history::query::read(&path, query),
        List::Events => events::read(&path, query),
    };
    filters_of(&address)
}

/// The address with nothing but filters.
fn filters_of(address: &Address) -> Address {
    KEPT_APART.iter().fold(address.clone(), |address, name| address.drop_all(name))
}

impl ViewBar {
    /// The row above the list with this address.
    pub fn of(member: &Member, list: List, address: &Address, views: &Views) -> Self {
        let present = filters_of(address);
        let opened = address.one("saved");
        let hidden = |word: &str| views.hidden.iter().any(|hidden| hidden == word);
        let builtin = builtin::of_list(list).iter().filter(|view| !hidden(view.word)).map(|view| {
            let filters = read(member, list, view.query);
            let is_shown = opened.is_none() && filters.is_like(&present);
            let link = filters.link();
            ViewLink { id: view.word.to_owned(), name: view.name.to_owned(), link, is_shown, is_own: false }
        });
        let mut links: Vec<ViewLink> = builtin.collect();
        let (mut changed, mut is_kept) = (None, links.iter().any(|link| link.is_shown));
        for view in &views.own {
            let (id, filters) = (view.id.to_string(), read(member, list, &view.query));
            let is_alike = filters.is_like(&present);
            let is_opened = opened == Some(id.as_str());
            let is_shown = is_opened || opened.is_none() && is_alike;
            is_kept |= is_alike;
            let link = filters.with("saved", &id);
            let link = ViewLink { id, name: view.name.clone(), link, is_shown, is_own: true };
            if is_opened && !is_alike {
                changed = Some(link.clone());
            }
            links.push(link);
        }
        Self {
            links,
            action: member.path("/views"),
            list: list.as_str(),
            query: present.query(),
            may_save: !present.pairs().is_empty() && !is_kept,
            changed,
            manage_link: member.path(&format!("/views?list={}", list.as_str())),
        }
    }
}
