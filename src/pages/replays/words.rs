//! Replays and what became of their deliveries, in words.
use std::collections::HashMap;

use time::macros::format_description;

use crate::base::ids::WebhookId;
use crate::models::deliveries::{Filter, StatusClass};
use crate::models::replays::{ItemState, PastEvents, Replay, ReplayStatus};
use crate::models::webhooks::Named;
use crate::pages::history::choices;
use crate::pages::history::words::{self, Badge};
use crate::rules::masks::Veil;
use crate::web::filters;

/// The badge of a replay's state.
pub(super) fn badge(status: ReplayStatus) -> Badge {
    let (class, word, meaning) = match status {
        ReplayStatus::Running => {
            ("state-busy", "Running", "It goes on by itself, also when you leave this page.")
        }
        ReplayStatus::Paused => ("state-held", "Paused", "Nothing more is sent until it is resumed."),
        ReplayStatus::Cancelled => ("state-quiet", "Cancelled", "The rest is not sent."),
        ReplayStatus::Stopped => ("state-bad", "Stopped", "It stopped by itself, as too many failed."),
        ReplayStatus::Done => ("state-good", "Done", "Everything was sent or left out."),
    };
    Badge { class, word, meaning }
}

/// The badge of what became of a delivery.
pub(super) fn item_badge(state: ItemState) -> Badge {
    let (class, word, meaning) = match state {
        ItemState::Waiting => ("state-quiet", "Waiting", "Its turn has not come."),
        ItemState::HandedOver => ("state-busy", "Being sent", "Due, or an attempt is under way."),
        ItemState::Delivered => ("state-good", "Delivered", "The receiver took it."),
        ItemState::Retrying => ("state-waiting", "Retrying", "Failed so far; another attempt is planned."),
        ItemState::Failed => ("state-bad", "Failed", "Given up."),
        ItemState::Held => ("state-held", "Held", "Its webhook was switched off before it went out."),
        ItemState::Cancelled => ("state-quiet", "Cancelled", "Cancelled before it went out."),
        ItemState::LeftDelivered => {
            ("state-quiet", "Already delivered", "Left out: it was delivered by then.")
        }
        ItemState::LeftWebhookOff => {
            ("state-quiet", "Webhook off", "Left out: its webhook is paused or disabled.")
        }
        ItemState::LeftWebhookDeleted => {
            ("state-quiet", "Webhook deleted", "Left out: there is nowhere to send it.")
        }
        ItemState::LeftNotKept => ("state-quiet", "No longer kept", "Left out: its body is no longer kept."),
        ItemState::LeftMade => ("state-quiet", "Got it already", "Left out: the webhook got it meanwhile."),
        ItemState::LeftUnderWay => {
            ("state-quiet", "Under way already", "Left out: it was waiting or being sent.")
        }
    };
    Badge { class, word, meaning }
}

/// What a replay is of, a text for each filter.
pub(super) fn subject(replay: &Replay, names: &HashMap<WebhookId, Named>, veil: &Veil) -> Vec<String> {
    match (&replay.filter, &replay.events) {
        (Some(filter), _) => of_filter(filter, names, veil),
        (None, Some(events)) => of_events(events, names),
        (None, None) if replay.is_unreadable => vec!["What another version of Callout chose".to_owned()],
        (None, None) => vec!["Chosen one by one".to_owned()],
    }
}

fn of_events(events: &PastEvents, names: &HashMap<WebhookId, Named>) -> Vec<String> {
    let name = names.get(&events.webhook);
    let name = name.map_or_else(|| events.webhook.to_string(), choices::name_shown);
    let mut subject = vec![format!("Past events to {name}")];
    match events.types.as_deref() {
        Some([one]) => subject.push(one.clone()),
        Some(types) => subject.push(format!("{} event types", types.len())),
        None => {}
    }
    let minute = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    subject.extend(events.since.and_then(|at| Some(format!("since {}", at.format(minute).ok()?))));
    subject
}

fn of_filter(filter: &Filter, names: &HashMap<WebhookId, Named>, veil: &Veil) -> Vec<String> {
    let webhook = |id: &WebhookId| names.get(id).map_or_else(|| id.to_string(), choices::name_shown);
    let class = |class: &StatusClass| match class {
        StatusClass::Exact(status) => status.to_string(),
        StatusClass::Class(digit) => format!("{digit}xx"),
    };
    let lists = [
        filter.statuses.iter().map(|status| words::badge(*status).word.to_owned()).collect::<Vec<_>>(),
        filter.webhooks.iter().map(webhook).collect(),
        filter.types.clone(),
        filter.response_statuses.iter().map(class).collect(),
        filter.failures.iter().map(|kind| words::failure_words(*kind).to_owned()).collect(),
    ];
    let mut subject: Vec<String> =
        lists.into_iter().filter(|list| !list.is_empty()).map(|list| list.join(" or ")).collect();
    subject.extend(filter.attempts.map(choices::attempts_words));
    subject.extend(filter.q.as_deref().map(|q| format!("“{}”", veil.text(q))));
    subject.extend(filter.test.map(|test| choices::test_words(test).to_owned()));
    subject.extend(filter.delivery.map(|id| id.to_string()));
    subject.extend(filter.event.map(|_| "One event".to_owned()));
    subject
}

/// How it sends, in a sentence.
pub(super) fn manner(replay: &Replay) -> String {
    let options = &replay.options;
    let order = if options.newest_first { "Newest first" } else { "Oldest first" };
    let rate = match options.rate_per_s {
        Some(rate) => format!("{} a second", grouped(i64::from(rate))),
        None => "as fast as webhooks take them".to_owned(),
    };
    let delivered = match (&replay.events, options.skips_delivered) {
        (Some(_), _) => "without what it got already",
        (None, true) => "without what is delivered",
        (None, false) => "also what is delivered",
    };
    let stop = match options.stop_percent {
        Some(percent) => format!("stops by itself when more than {percent} % fail"),
        None => "goes on however many fail".to_owned(),
    };
    format!("{order}, {rate}, {delivered}; {stop}.")
}

/// A number with its thousands apart.
pub(super) fn grouped(number: i64) -> String {
    filters::thousands(number)
}
