//! Why an event reached nobody, in one line.
use std::collections::HashMap;

use crate::base::ids::WebhookId;
use crate::models::deliveries::{Reason, Untold};
use crate::models::webhooks::Named;

/// So many webhooks are named for one reason.
const NAMED_MAX: usize = 2;
/// What says more comes first.
const ORDER: [Reason; 4] = [Reason::Disabled, Reason::Paused, Reason::HostNotAllowed, Reason::Filter];

/// One line about all of the project's webhooks. None of them got nothing if it was sent later after all.
pub(super) fn line(untold: Option<&[Untold]>, names: &HashMap<WebhookId, Named>) -> String {
    let Some(untold) = untold else { return "Sent later.".to_owned() };
    let of = |reason: Reason| untold.iter().filter(move |one| one.reason == reason);
    let noted: Vec<String> = ORDER
        .into_iter()
        .filter(|reason| of(*reason).next().is_some())
        .map(|reason| {
            let all: Vec<&str> = of(reason)
                .map(|one| names.get(&one.webhook).map_or("A deleted webhook", |named| named.name.as_str()))
                .collect();
            format!("{} {}", several(&all), words(reason, all.len()))
        })
        .collect();
    if !noted.is_empty() {
        return format!("{}.", noted.join("; "));
    }
    match of(Reason::NotSubscribed).next() {
        Some(_) => "No webhook subscribes to this type.".to_owned(),
        None => "There was no webhook yet.".to_owned(),
    }
}

fn words(reason: Reason, count: usize) -> &'static str {
    match (reason, count) {
        (Reason::Disabled, 1) => "was disabled",
        (Reason::Disabled, _) => "were disabled",
        (Reason::Paused, 1) => "was paused",
        (Reason::Paused, _) => "were paused",
        (Reason::HostNotAllowed, 1) => "leads to a host that is not allowed",
        (Reason::HostNotAllowed, _) => "lead to hosts that are not allowed",
        (Reason::Filter, 1) => "filters it out",
        (Reason::Filter, _) => "filter it out",
        (Reason::NotSubscribed | Reason::CreatedLater, _) => "did not take it",
    }
}

fn several(names: &[&str]) -> String {
    match names {
        [one] => (*one).to_owned(),
        names if names.len() <= NAMED_MAX => names.join(" and "),
        names => format!("{} and {} more", names[..NAMED_MAX].join(", "), names.len() - NAMED_MAX),
    }
}
