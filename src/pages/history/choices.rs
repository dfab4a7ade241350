//! What the fields of a filter form offer.
use std::collections::HashMap;

use super::address::Address;
use super::span::{self, AsField, RANGES, Span};
use crate::base::ids::WebhookId;
use crate::models::deliveries::{AttemptCount, FailureKind, Status};
use crate::models::webhooks::Named;
use crate::pages::history::words::{self, Badge};
use crate::rules::catalogue;
use crate::rules::catalogue::own::OwnNames;
use crate::rules::catalogue::words::family_words;

/// One of the values of a field.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Choice {
    pub value: String,
    pub words: String,
    pub is_chosen: bool,
}

/// The values that a list of filters does not hold yet.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Further {
    /// Whether it holds any.
    pub is_set: bool,
    pub choices: Vec<Choice>,
}

/// A state to filter by: a link that sets it, or takes it off.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct StatusChoice {
    pub status: &'static str,
    pub badge: Badge,
    pub is_chosen: bool,
    pub link: String,
}

/// From and to.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct SpanFields {
    pub is_set: bool,
    /// What the field of ranges beside them is called.
    pub range_name: &'static str,
    /// The first thing that is wrong with them, or nothing.
    pub problem: String,
    pub fields: [SpanField; 2],
}

/// One of the two.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct SpanField {
    pub name: &'static str,
    pub label: &'static str,
    pub shown: AsField,
    pub problem: String,
}

/// A field's values with the first one that the address names chosen; one that is not offered is added.
fn field(address: &Address, name: &str, offered: impl Iterator<Item = (String, String)>) -> Vec<Choice> {
    let chosen = address.one(name);
    let mut choices: Vec<Choice> = offered
        .map(|(value, words)| Choice { is_chosen: chosen == Some(value.as_str()), value, words })
        .collect();
    if let Some(value) = chosen.filter(|_| !choices.iter().any(|choice| choice.is_chosen)) {
        choices.push(Choice { value: value.to_owned(), words: value.to_owned(), is_chosen: true });
    }
    choices
}

/// A field that adds a value to those that are set, which are chips: it offers the others, and none is chosen.
fn further(address: &Address, name: &str, offered: impl Iterator<Item = (String, String)>) -> Further {
    let set: Vec<&str> = address.all(name).collect();
    let choices = offered
        .filter(|(value, _)| !set.contains(&value.as_str()))
        .map(|(value, words)| Choice { value, words, is_chosen: false })
        .collect();
    Further { is_set: !set.is_empty(), choices }
}

/// The project's webhooks.
pub fn webhooks(address: &Address, names: &HashMap<WebhookId, Named>) -> Further {
    let offered = names.iter().filter(|(_, webhook)| !webhook.is_deleted);
    let mut named: Vec<(String, String)> =
        offered.map(|(id, webhook)| (id.to_string(), name_shown(webhook))).collect();
    named.sort_by_key(|(_, name)| name.to_lowercase());
    further(address, "webhook_id", named.into_iter())
}

/// A webhook's name, and whether it is deleted.
pub fn name_shown(webhook: &Named) -> String {
    if webhook.is_deleted && !webhook.is_draft {
        format!("{} (deleted)", webhook.name)
    } else {
        webhook.name.clone()
    }
}

/// The catalogue's types and the project's own, for the field of this name.
pub fn types(address: &Address, name: &str, own: &OwnNames) -> Further {
    let names = catalogue::all().iter().map(|event_type| event_type.name);
    let mut names: Vec<&str> = names.chain(own.iter()).collect();
    names.sort_unstable();
    further(address, name, names.into_iter().map(|name| (name.to_owned(), name.to_owned())))
}

/// Classes of statuses and the single ones that people look for.
pub fn responses(address: &Address) -> Further {
    const CLASSES: [(&str, &str); 4] =
        [("2xx", "2xx success"), ("3xx", "3xx redirect"), ("4xx", "4xx refused"), ("5xx", "5xx broken")];
    const SINGLE: [u16; 10] = [400, 401, 403, 404, 410, 422, 429, 500, 502, 503];
    let classes = CLASSES.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned()));
    let single = SINGLE.iter().map(|status| (status.to_string(), words::response_words(*status)));
    further(address, "response_status", classes.chain(single))
}

/// Families of event types.
pub fn families(address: &Address) -> Further {
    let words = family_words().into_iter().map(|word| (word.to_owned(), word.to_owned()));
    further(address, "event_family", words)
}

/// Kinds of failures.
pub fn failures(address: &Address) -> Further {
    let words = |kind: FailureKind| (kind.as_str().to_owned(), words::failure_words(kind).to_owned());
    further(address, "failure", FailureKind::ALL.into_iter().map(words))
}

/// Numbers of attempts that people look for, and the one that the address names.
pub fn attempts(address: &Address) -> Vec<Choice> {
    let mut offered = vec!["0", "1", "2-", "3-", "5-", "10-"];
    offered
        .extend(address.one("attempts").filter(|value| !["0", "1", "2-", "3-", "5-", "10-"].contains(value)));
    let words = |value: &str| AttemptCount::parse(value).map_or_else(|| value.to_owned(), attempts_words);
    field(address, "attempts", offered.into_iter().map(|value| (value.to_owned(), words(value))))
}

/// `None yet`, `1`, `2 or more`, `2 to 5`.
pub fn attempts_words(count: AttemptCount) -> String {
    match (count.least, count.most) {
        (0, Some(0)) => "None yet".to_owned(),
        (least, Some(most)) if least == most => least.to_string(),
        (least, Some(most)) => format!("{least} to {most}"),
        (least, None) => format!("{least} or more"),
    }
}

/// A field of which one value is chosen at most.
pub fn one_of<const N: usize>(address: &Address, name: &str, offered: [(&str, &str); N]) -> Vec<Choice> {
    let owned = offered.map(|(value, words)| (value.to_owned(), words.to_owned()));
    field(address, name, owned.into_iter())
}

/// What of tests and the rest is shown, in words.
pub fn test_words(test: bool) -> &'static str {
    if test { "Tests only" } else { "Real only" }
}

/// Whether tests are shown, or nothing but them.
pub fn tests(address: &Address) -> Vec<Choice> {
    one_of(address, "test", [("0", false), ("1", true)].map(|(value, test)| (value, test_words(test))))
}

/// The ranges up to now.
pub fn ranges(address: &Address) -> Vec<Choice> {
    field(address, "range", RANGES.iter().map(|(value, _, words)| ((*value).to_owned(), (*words).to_owned())))
}

/// Every state, each with the address that sets it beside those that are set, or takes it off.
pub fn statuses(address: &Address) -> Vec<StatusChoice> {
    let first = address.drop_all("cursor");
    let choice = |status: Status| {
        let is_chosen = first.all("status").any(|word| word == status.as_str());
        let link = match is_chosen {
            true => first.without("status", status.as_str()),
            false => first.with("status", status.as_str()),
        };
        StatusChoice { status: status.as_str(), badge: words::badge(status), is_chosen, link }
    };
    Status::ALL.into_iter().map(choice).collect()
}

/// From and to as fields.
pub fn span(address: &Address, span: &Span) -> SpanFields {
    let field = |name: &'static str, label| SpanField {
        name,
        label,
        shown: span::as_field(address.one(name)),
        problem: span.problem(name).unwrap_or_default().to_owned(),
    };
    let is_set = span::has_end(address);
    SpanFields {
        is_set,
        range_name: if is_set { span::RANGE_INSTEAD } else { "range" },
        problem: span.first_problem().to_owned(),
        fields: [field("since", "Since"), field("until", "Until")],
    }
}

/// What the form's fields do not hold and it has to send along: the values of lists, which are chips, `ended`,
/// the saved view that was opened, and whether the list is followed.
pub fn kept(address: &Address, lists: &[&str]) -> Vec<(String, String)> {
    let is_kept = |pair: &&(String, String)| {
        ["ended", "live", "saved"].contains(&pair.0.as_str()) || lists.contains(&pair.0.as_str())
    };
    address.pairs().iter().filter(is_kept).cloned().collect()
}
