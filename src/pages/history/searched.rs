//! What a list says about its search: how far it reaches, and what else to try.
use diesel::PgConnection;
use time::OffsetDateTime;
use url::form_urlencoded;

use super::address::Address;
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, EventId, ProjectId, WebhookId};
use crate::models::search::{self, Reach};
use crate::rules::masks::Veil;
use crate::rules::search::{BEGINNING_MIN, Terms};
use crate::web::Member;

const WHOLE_VALUES: &str = "While personal data is masked, only whole values can be found: leave out the *.";

/// What is told beside what was found by a search text.
#[derive(Clone, Debug)]
pub struct Searched {
    /// Why nothing can be found by the text; empty if something can.
    pub problem: String,
    /// A search for what begins with the text.
    pub beginning: Option<String>,
    /// No index: only the newest events are looked through.
    pub is_off: bool,
    /// Events up to then.
    pub until: Option<OffsetDateTime>,
    /// Events since then.
    pub since: Option<OffsetDateTime>,
    /// It waits for room.
    pub is_full: bool,
}

/// How far a search reaches; without a text to look for nobody asks.
pub fn reach(conn: &mut PgConnection, project: ProjectId, address: &Address) -> Result<Reach, DbError> {
    match address.one("q").filter(|q| !is_id(q)) {
        Some(_) => search::reach(conn, project),
        None => Ok(Reach::default()),
    }
}

/// A list of a project, such as `/history`, of what has this value; none for whom the value is masked.
pub fn link_to(member: &Member, list: &str, value: &str, veil: &Veil) -> Option<String> {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", value).finish();
    let is_shown = !value.is_empty() && veil.text(value) == value;
    is_shown.then(|| member.path(&format!("{list}?{query}")))
}

/// Whether a text asks for what begins with it on behalf of somebody who sees values masked: letter by letter, that would
/// tell them all.
pub fn is_guess(q: &str, veil: &Veil) -> bool {
    !veil.is_clear() && q.trim_end().ends_with('*')
}

impl Searched {
    /// Of the list of this address, for who sees what the veil leaves.
    pub fn of(address: &Address, reach: Reach, veil: &Veil) -> Self {
        let q = address.one("q").filter(|q| !is_id(q)).unwrap_or_default();
        let unsearchable = || Terms::parse(q).err().map(|why| why.to_string()).unwrap_or_default();
        let problem = match q {
            "" => String::new(),
            q if is_guess(q, veil) => WHOLE_VALUES.to_owned(),
            _ => unsearchable(),
        };
        let is_long = q.chars().count() >= BEGINNING_MIN;
        let may_begin = problem.is_empty() && veil.is_clear() && !q.ends_with('*') && is_long;
        Self {
            problem,
            beginning: may_begin.then(|| address.drop_all("q").with("q", &format!("{q}*"))),
            is_off: reach.is_off,
            until: reach.until,
            since: reach.since,
            is_full: reach.is_full,
        }
    }

    /// Whether there is something that it does not find.
    pub fn is_short(&self) -> bool {
        self.is_off || self.until.is_some() || self.since.is_some()
    }
}

fn is_id(q: &str) -> bool {
    q.parse::<DeliveryId>().is_ok() || q.parse::<EventId>().is_ok() || q.parse::<WebhookId>().is_ok()
}
