//! The views that everybody has, until they hide them.
use crate::models::saved_views::List;

/// A view that everybody has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Builtin {
    /// As stored when it is hidden, and in ids of the page.
    pub(super) word: &'static str,
    pub(super) name: &'static str,
    pub(super) query: &'static str,
}

/// Of the history.
const HISTORY: [Builtin; 3] = [
    Builtin { word: "failed", name: "Failed, last 24 hours", query: "status=failed&range=24h" },
    Builtin { word: "waiting", name: "Waiting", query: "status=due&status=retrying&status=held" },
    Builtin { word: "tests", name: "Tests", query: "test=1" },
];
/// Of events.
const EVENTS: [Builtin; 2] = [
    Builtin { word: "nobody", name: "Reached nobody, last 24 hours", query: "reached=nobody&range=24h" },
    Builtin { word: "tests", name: "Tests", query: "test=1" },
];

/// Those of a list, in the order of the row.
pub(super) fn of_list(list: List) -> &'static [Builtin] {
    match list {
        List::History => &HISTORY,
        List::Events => &EVENTS,
    }
}
