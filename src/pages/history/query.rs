//! What the history's address asks for, and the same in words.
use std::collections::HashMap;

use diesel::PgConnection;
use time::OffsetDateTime;
use url::form_urlencoded;

use super::address::{Address, Chip};
use super::choices;
use super::searched;
use super::span::{self, Span};
use super::words;
use crate::base::db::DbError;
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::models::deliveries::{AttemptCount, FailureKind, Filter, Status, StatusClass};
use crate::models::event_types;
use crate::models::webhooks::Named;
use crate::rules::catalogue;
use crate::rules::masks::Veil;

const NAMES: [&str; 16] = [
    "status",
    "webhook_id",
    "event_type",
    "event_family",
    "response_status",
    "failure",
    "attempts",
    "test",
    "range",
    span::RANGE_INSTEAD,
    "since",
    "until",
    "ended",
    "q",
    "saved",
    "cursor",
];
/// How a list is looked at, beside what is in it: followed, and which delivery is open beside it, how.
const LOOKS: [&str; 4] = ["live", "open", "attempt", "view"];
/// Filters that may have several values.
pub const LISTS: [&str; 6] =
    ["status", "webhook_id", "event_type", "event_family", "response_status", "failure"];

/// Reads the address of a history page; names as in the API. A cursor that is none is the first page.
pub fn read(path: &str, query: &str) -> Address {
    settled(Address::read(path, query, &NAMES, &LISTS))
}

/// The same with how the list is looked at, for the history alone: elsewhere that would pass for a filter.
pub fn read_whole(path: &str, query: &str) -> Address {
    settled(Address::read(path, query, &[&NAMES[..], &LOOKS].concat(), &LISTS))
}

fn settled(address: Address) -> Address {
    let address = span::settled(address);
    let is_page = address.one("cursor").is_none_or(|id| id.parse::<DeliveryId>().is_ok());
    if is_page { address } else { address.drop_all("cursor") }
}

/// The address of the same list without what its form names to no effect: empty fields, a range beside from or to.
pub fn shorter(address: &Address, query: &str) -> Option<String> {
    let is_idle = |name: &str| ["range", span::RANGE_INSTEAD].contains(&name) && address.one(name).is_none();
    let has_idle =
        form_urlencoded::parse(query.as_bytes()).any(|(name, value)| value.is_empty() || is_idle(&name));
    has_idle.then(|| address.link())
}

/// Which deliveries are asked for; none if nothing can be found by the search text, or no value of a filter means anything. Among
/// values that do, those that do not are left out.
pub fn filter(
    conn: &mut PgConnection,
    project: ProjectId,
    address: &Address,
    span: &Span,
    (veil, now): (&Veil, OffsetDateTime),
) -> Result<Option<Filter>, DbError> {
    let mut filter = Filter {
        statuses: address.all("status").filter_map(Status::of_word).collect(),
        webhooks: address.all("webhook_id").filter_map(|id| id.parse().ok()).collect(),
        types: address.all("event_type").map(str::to_owned).collect(),
        response_statuses: address.all("response_status").filter_map(StatusClass::parse).collect(),
        failures: address.all("failure").filter_map(FailureKind::of_word).collect(),
        attempts: address.one("attempts").and_then(AttemptCount::parse),
        test: address.one("test").and_then(test_of),
        since: span.since,
        until: span.until,
        ended_since: address.one("ended").and_then(|word| span::range_begin(word, now)),
        before: address.one("cursor").and_then(|id| id.parse().ok()),
        ..Filter::default()
    };
    let means_nothing = |name: &str, is_understood: bool| !is_understood && address.one(name).is_some();
    if means_nothing("status", !filter.statuses.is_empty())
        || means_nothing("webhook_id", !filter.webhooks.is_empty())
        || means_nothing("response_status", !filter.response_statuses.is_empty())
        || means_nothing("failure", !filter.failures.is_empty())
        || means_nothing("attempts", filter.attempts.is_some())
        || means_nothing("test", filter.test.is_some())
        || ["range", "ended"].iter().filter_map(|name| address.one(name)).any(|word| !is_range(word))
        || !span.problems.is_empty()
    {
        return Ok(None);
    }
    match types(conn, project, address, filter.types)? {
        Some(types) => filter.types = types,
        None => return Ok(None),
    }
    // Why nothing is found by a text is told beside the empty list.
    if address.one("q").is_some_and(|q| searched::is_guess(q, veil) || !filter.search_for(q).unwrap_or(false))
    {
        return Ok(None);
    }
    Ok(Some(filter))
}

/// The types that are asked for with the families of the address; none if that leaves no type.
pub fn types(
    conn: &mut PgConnection,
    project: ProjectId,
    address: &Address,
    types: Vec<String>,
) -> Result<Option<Vec<String>>, DbError> {
    let families: Vec<String> = address.all("event_family").map(str::to_owned).collect();
    if families.is_empty() {
        return Ok(Some(types));
    }
    Ok(catalogue::words::narrowed(types, &families, &event_types::names(conn, project)?))
}

/// The filters that are set, in words, each with the address without it. The page that is shown is no filter, nor is the
/// view that was opened.
pub fn chips(address: &Address, names: &HashMap<WebhookId, Named>) -> Vec<Chip> {
    let first = address.drop_all("cursor");
    let is_filter = |pair: &&(String, String)| pair.0 != "saved";
    let chip = |(name, value): &(String, String)| {
        let (name_shown, value_shown) = match name.as_str() {
            "status" => (
                "Status",
                known(Status::of_word(value).map(|status| words::badge(status).word.to_owned()), value),
            ),
            "webhook_id" => ("Webhook", webhook_words(value, names)),
            "event_type" => ("Event type", value.clone()),
            "response_status" => ("Response", known(StatusClass::parse(value).map(|_| value.clone()), value)),
            "event_family" => ("Event family", family_words(value)),
            "failure" => (
                "Failure",
                known(FailureKind::of_word(value).map(|kind| words::failure_words(kind).to_owned()), value),
            ),
            "attempts" => ("Attempts", known(AttemptCount::parse(value).map(choices::attempts_words), value)),
            "test" => ("Tests", test_words(value)),
            "range" => ("Time", range_words(value)),
            "ended" => ("Ended", range_words(value)),
            "since" => ("Since", moment_words(value)),
            "until" => ("Until", moment_words(value)),
            _ => ("Search", value.clone()),
        };
        Chip {
            name: name_shown,
            value: value_shown,
            at: span::moment(name, value),
            without: first.without(name, value),
        }
    };
    first.pairs().iter().filter(is_filter).map(chip).collect()
}

fn webhook_words(value: &str, names: &HashMap<WebhookId, Named>) -> String {
    let Ok(id) = value.parse::<WebhookId>() else { return known(None, value) };
    names.get(&id).map_or_else(|| value.to_owned(), choices::name_shown)
}

/// An event family, or that it is none.
pub fn family_words(word: &str) -> String {
    let is_family = catalogue::words::family_words().contains(&word);
    known(is_family.then(|| word.to_owned()), word)
}

/// What of tests is shown, or that it is no such word.
pub fn test_words(value: &str) -> String {
    known(test_of(value).map(|test| choices::test_words(test).to_owned()), value)
}

/// Whether tests are asked for, or what is none.
pub fn test_of(value: &str) -> Option<bool> {
    match value {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

/// Whether a word names one of the ranges that are offered.
pub fn is_range(word: &str) -> bool {
    span::RANGES.iter().any(|(known, _, _)| *known == word)
}

/// A range in words, or that it is none.
pub fn range_words(word: &str) -> String {
    known(is_range(word).then(|| span::range_words(word)), word)
}

/// A moment in words, or that it is none.
pub fn moment_words(text: &str) -> String {
    known(span::as_words(text), text)
}

/// A value in words; what means nothing says so, for it finds nothing.
pub fn known(words: Option<String>, value: &str) -> String {
    words.unwrap_or_else(|| format!("{value} (not understood)"))
}
