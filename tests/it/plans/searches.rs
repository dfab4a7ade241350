//! The index of values over a long history, and what is found by it.
use std::time::Instant;

use callout::models::deliveries::{Filter, Status};
use callout::models::search::{self, Kept, Step};
use time::Duration;

use super::history::History;
use super::pages::{Asked, looked};
use crate::support::app::NOW;

const KEPT: Kept = Kept { bytes: 1 << 40, time: Duration::days(90) };
/// Events that a quiet node takes in at a time.
const PIECE: usize = 10_000;

/// Takes everything in, and prints how fast that was and how large it is.
pub(super) fn index(history: &History) {
    let (mut conn, begin, mut taken) = (history.db.conn(), Instant::now(), 0);
    loop {
        match search::go_on(&mut conn, KEPT, PIECE, NOW + Duration::hours(2)).expect("a piece") {
            Step::Took(count) => taken += count,
            Step::Looked => {}
            Step::Idle => break,
        }
    }
    let (took, bytes) = (begin.elapsed(), search::size(&mut conn).expect("a size"));
    println!(
        "search: {taken} events taken in within {took:.1?} ({:.0}/s), {} bytes each",
        taken as f64 / took.as_secs_f64(),
        bytes / (taken as u64).max(1)
    );
    history.db.execute("analyze");
}

/// Searches, as a page shows them.
pub(super) fn asked() -> Vec<Asked> {
    let failed = || Filter { statuses: vec![Status::Failed], ..Filter::default() };
    vec![
        one("search: an e-mail", "user4711@example.com", Filter::default()),
        one("search: a phone number", "351900007919", Filter::default()),
        one("search: an entity", "cust_c4ca4238a0b923820dcc509a", Filter::default()),
        one("search: a frequent campaign", "summer 7", Filter::default()),
        one("search: what is in every event", "eur", Filter::default()),
        one("search: a frequent beginning", "summer-7*", Filter::default()),
        one("search: a rare beginning", "user4711*", Filter::default()),
        one("search: nothing", "nobody@example.com", Filter::default()),
        one("search: failed, of an e-mail", "user4711@example.com", failed()),
        one("search: failed, of a frequent campaign", "summer 7", failed()),
        one("search: failed, of what is in every event", "eur", failed()),
    ]
}

fn one(name: &'static str, typed: &str, mut filter: Filter) -> Asked {
    assert!(filter.search_for(typed).expect("something to look for"), "{typed}");
    looked(name, (u64::MAX, u64::MAX), filter)
}
