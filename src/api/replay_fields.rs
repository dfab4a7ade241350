//! What a replay is asked for with, and how it is told.
use serde_json::{Map, Value, json};

use super::deliveries::{KNOWN as FILTER_KNOWN, family, filter_of};
use super::lists::Parameters;
use super::problem::{FieldProblem, Problem};
use super::replay_events::{self, AskedEvents};
use crate::models::deliveries::{Filter, Status, StatusClass};
use crate::models::replays::{Counted, ItemState, NAMED_MAX, Options, Replay, Wanted};
use crate::rules::body::iso_ms;

const KNOWN: [&str; 8] = [
    "filter",
    "events",
    "delivery_ids",
    "skip_delivered",
    "rate_per_s",
    "order",
    "stop_at_failure_percent",
    "count_only",
];

/// Which deliveries a body asks for.
pub(super) enum Source {
    Wanted(Wanted),
    Events(AskedEvents),
}

/// What a body asks for.
pub(super) struct Asked {
    pub(super) source: Source,
    /// Event families that the filter is narrowed to.
    pub(super) families: Vec<String>,
    pub(super) options: Options,
    /// Nothing is to be sent.
    pub(super) count_only: bool,
}

/// Reads `{filter | delivery_ids | events, skip_delivered?, rate_per_s?, order?, stop_at_failure_percent?, count_only?}`.
pub(super) fn asked(given: &Map<String, Value>) -> Result<Asked, Problem> {
    let mut problems = Vec::new();
    for name in given.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
        let message = format!("There is no field \"{name}\". Known are {}.", KNOWN.join(", "));
        problems.push(FieldProblem::new(format!("/{name}"), message));
    }
    let mut families = Vec::new();
    let source = source(given, &mut families, &mut problems);
    let names_delivered = matches!(&source, Some(Source::Wanted(Wanted::Matching(filter)))
        if filter.statuses.contains(&Status::Delivered));
    let mut read = Fields { given, problems: &mut problems };
    let options = Options {
        newest_first: read.order(),
        // Who asks for what is delivered wants it.
        skips_delivered: read.flag("skip_delivered").unwrap_or(!names_delivered),
        rate_per_s: read.number("rate_per_s", i64::from(Options::RATE_MAX), None),
        stop_percent: read.number("stop_at_failure_percent", 99, Some(Options::STOP_PERCENT)),
    };
    let count_only = read.flag("count_only").unwrap_or(false);
    if count_only && matches!(source, Some(Source::Wanted(Wanted::Named(_)))) {
        problems.push(FieldProblem::new("/count_only", "Only what a filter matches can be counted."));
    }
    match source {
        Some(source) if problems.is_empty() => Ok(Asked { source, families, options, count_only }),
        _ => Err(Problem::wrong(problems)),
    }
}

fn source(
    given: &Map<String, Value>,
    families: &mut Vec<String>,
    problems: &mut Vec<FieldProblem>,
) -> Option<Source> {
    let value = |name: &str| given.get(name).filter(|value| !value.is_null());
    match (value("filter"), value("delivery_ids"), value("events")) {
        (Some(Value::Object(filter)), None, None) => {
            let filter = read_filter(filter, families, problems)?;
            Some(Source::Wanted(Wanted::Matching(Box::new(filter))))
        }
        (None, None, Some(Value::Object(events))) => {
            replay_events::read(events, problems).map(Source::Events)
        }
        (None, None, Some(_)) => {
            problems.push(FieldProblem::new("/events", "This is an object, with a webhook's id."));
            None
        }
        (None, Some(Value::Array(ids)), None) if (1..=NAMED_MAX).contains(&ids.len()) => {
            let mut named = Vec::new();
            for (n, id) in ids.iter().enumerate() {
                match id.as_str().and_then(|id| id.parse().ok()) {
                    Some(id) => named.push(id),
                    None => {
                        problems.push(FieldProblem::new(
                            format!("/delivery_ids/{n}"),
                            "This is no delivery's id.",
                        ));
                    }
                }
            }
            Some(Source::Wanted(Wanted::Named(named)))
        }
        (None, Some(_), None) => {
            let message = format!("Name 1 to {NAMED_MAX} deliveries by their ids.");
            problems.push(FieldProblem::new("/delivery_ids", message));
            None
        }
        (Some(_), None, None) => {
            problems.push(FieldProblem::new("/filter", "The filter is an object."));
            None
        }
        _ => {
            let message = "Say which deliveries: either by `filter`, or by `delivery_ids`, or by `events`.";
            problems.push(FieldProblem::new("/filter", message));
            None
        }
    }
}

fn read_filter(
    object: &Map<String, Value>,
    families: &mut Vec<String>,
    problems: &mut Vec<FieldProblem>,
) -> Option<Filter> {
    let mut given = Parameters::of_object(object, &FILTER_KNOWN);
    let is_empty = given.is_empty();
    let mut filter = filter_of(&mut given);
    filter.test = given.flag("test");
    *families = given.each("event_family", "an event family", family);
    given.q(|text| filter.search_for(text));
    let wrong = given.problems_below("/filter");
    if is_empty && wrong.is_empty() {
        let message =
            "Filter by something, such as a webhook and a status: without, this would send everything again.";
        problems.push(FieldProblem::new("/filter", message));
    }
    problems.extend(wrong);
    Some(filter)
}

struct Fields<'a> {
    given: &'a Map<String, Value>,
    problems: &'a mut Vec<FieldProblem>,
}

impl Fields<'_> {
    fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(FieldProblem::new(format!("/{name}"), message));
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        match self.given.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(*flag),
            Some(_) => {
                self.wrong(name, "This is true or false.");
                None
            }
        }
    }

    /// Null is none; what is not named is the default.
    fn number<T: TryFrom<i64>>(&mut self, name: &str, max: i64, default: Option<T>) -> Option<T> {
        let Some(value) = self.given.get(name) else { return default };
        if value.is_null() {
            return None;
        }
        let number = value.as_i64().filter(|number| (1..=max).contains(number));
        let read = number.and_then(|number| T::try_from(number).ok());
        if read.is_none() {
            self.wrong(name, format!("This is a whole number from 1 to {max}, or null."));
        }
        read
    }

    fn order(&mut self) -> bool {
        match self.given.get("order") {
            None | Some(Value::Null) => false,
            Some(Value::String(word)) if word == "oldest_first" => false,
            Some(Value::String(word)) if word == "newest_first" => true,
            Some(_) => {
                self.wrong("order", "This is \"oldest_first\" or \"newest_first\".");
                false
            }
        }
    }
}

/// A replay with its progress.
pub(super) fn replay(replay: &Replay) -> Value {
    let of = |state| replay.counts.of(state);
    json!({
        "id": replay.id,
        "object": "replay",
        "status": replay.status.as_str(),
        "filter": replay.filter.as_ref().map(filter),
        "events": replay.events.as_ref().map(replay_events::told),
        "skip_delivered": replay.options.skips_delivered,
        "rate_per_s": replay.options.rate_per_s,
        "order": if replay.options.newest_first { "newest_first" } else { "oldest_first" },
        "stop_at_failure_percent": replay.options.stop_percent,
        "created_at": iso_ms(replay.created_at),
        "changed_at": iso_ms(replay.changed_at),
        "counting": !replay.is_collected,
        "total": replay.counts.total(),
        "waiting": of(ItemState::Waiting),
        "handed_over": of(ItemState::HandedOver),
        "delivered": of(ItemState::Delivered),
        "retrying": of(ItemState::Retrying),
        "failed": of(ItemState::Failed),
        "held": of(ItemState::Held),
        "cancelled": of(ItemState::Cancelled),
        "skipped": {
            "delivered": of(ItemState::LeftDelivered),
            "webhook_off": of(ItemState::LeftWebhookOff),
            "webhook_deleted": of(ItemState::LeftWebhookDeleted),
            "not_kept": of(ItemState::LeftNotKept),
            "under_way": of(ItemState::LeftUnderWay),
            "existing": of(ItemState::LeftMade),
        },
    })
}

/// The filter as it was asked for, without what it does not name.
fn filter(filter: &Filter) -> Value {
    let mut told = Map::new();
    let mut list = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            told.insert(name.to_owned(), values.into());
        }
    };
    list("status", filter.statuses.iter().map(|status| status.as_str().to_owned()).collect());
    list("webhook_id", filter.webhooks.iter().map(ToString::to_string).collect());
    list("event_type", filter.types.clone());
    let class = |class: &StatusClass| match class {
        StatusClass::Exact(status) => status.to_string(),
        StatusClass::Class(digit) => format!("{digit}xx"),
    };
    list("response_status", filter.response_statuses.iter().map(class).collect());
    list("failure", filter.failures.iter().map(|kind| kind.as_str().to_owned()).collect());
    let attempts = filter.attempts.map(|wanted| match wanted.most {
        Some(most) if most == wanted.least => most.to_string(),
        Some(most) => format!("{}-{most}", wanted.least),
        None => format!("{}-", wanted.least),
    });
    told.extend(attempts.map(|text| ("attempts".to_owned(), text.into())));
    let moments = [("since", filter.since), ("until", filter.until)];
    let id = filter.delivery.map(|id| id.to_string()).or(filter.event.map(|id| id.with_prefix("ev_")));
    told.extend(filter.q.clone().or(id).map(|q| ("q".to_owned(), q.into())));
    told.extend(filter.test.map(|test| ("test".to_owned(), test.into())));
    told.extend(moments.into_iter().filter_map(|(name, at)| Some((name.to_owned(), iso_ms(at?).into()))));
    told.into()
}

/// What a filter matches at this moment.
pub(super) fn counted(counted: &Counted) -> Value {
    json!({
        "matched": counted.matched,
        "matched_more": counted.is_more,
        "delivered": counted.delivered,
        "under_way": counted.under_way,
    })
}
