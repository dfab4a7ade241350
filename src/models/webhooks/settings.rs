//! What a person or a program may set on a webhook, and the check that turns raw input into it.
use serde_json::Value;

use super::{DESCRIPTION_LENGTH_MAX, NAME_LENGTH_MAX};
use crate::rules::body::{BodyFormat, OLDER_VERSION, VERSION};
use crate::rules::catalogue::{self, EventType};
use crate::rules::name::{has_unseen, unseen_words};
use crate::rules::retry::{Retries, Success, WhenUsedUp};
use crate::rules::target::{self, Policy};

/// The time limit covers the whole exchange; in milliseconds.
pub const TIMEOUT_MS: std::ops::RangeInclusive<i64> = 1_000..=30_000;
/// Requests a second that a webhook may be limited to, over all nodes together.
pub const RATE_PER_S: std::ops::RangeInclusive<i64> = 1..=1_000;

/// The checked settings of a webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// For people; unique in the project among webhooks that exist. Empty: it gets the target's host when it is saved.
    pub name: String,
    /// For people.
    pub description: String,
    /// The address that is called, as typed.
    pub target_url: String,
    /// Off: nothing is sent.
    pub active: bool,
    /// Every event type, also ones that do not exist yet.
    pub all_events: bool,
    /// The chosen event types, sorted; not looked at when `all_events` is set.
    pub events: Vec<String>,
    /// What the request's body looks like.
    pub body: BodyFormat,
    /// Which version of the envelope: [`VERSION`] or [`OLDER_VERSION`].
    pub version: String,
    /// Limit of the whole exchange in milliseconds.
    pub timeout_ms: i32,
    /// When to try again.
    pub retries: Retries,
    /// Which answers count as delivered.
    pub success: Success,
    /// What happens when retries are used up.
    pub when_used_up: WhenUsedUp,
    /// Requests a second at most, over all nodes together; none for no limit.
    pub rate_per_s: Option<i32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            target_url: String::new(),
            active: true,
            all_events: false,
            events: Vec::new(),
            body: BodyFormat::Envelope,
            version: VERSION.to_owned(),
            timeout_ms: 10_000,
            retries: Retries::Doubling24h,
            success: Success::Any2xx,
            when_used_up: WhenUsedUp::Fail,
            rate_per_s: None,
        }
    }
}

impl Settings {
    /// The type to try a webhook with: the first that it subscribes to, or one that every receiver can make sense of.
    pub fn trial_type(&self) -> &'static EventType {
        let chosen = if self.all_events { &[][..] } else { &self.events };
        chosen.iter().find_map(|name| catalogue::find(name)).unwrap_or_else(catalogue::plain)
    }

    /// Whether it subscribes to an event type.
    pub fn takes(&self, event_type: &str) -> bool {
        self.all_events || self.events.iter().any(|name| name == event_type)
    }
}

/// One thing that is wrong with what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting's name.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    /// A problem of `field`.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// Raw input: only what was named is looked at.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Draft {
    pub name: Option<String>,
    pub description: Option<String>,
    pub target_url: Option<String>,
    pub active: Option<bool>,
    pub all_events: Option<bool>,
    pub events: Option<Vec<String>>,
    pub body: Option<String>,
    pub version: Option<String>,
    pub timeout_ms: Option<i64>,
    pub retries: Option<Value>,
    pub success: Option<String>,
    pub when_used_up: Option<String>,
    /// `Some(None)` takes the limit away.
    pub rate_per_s: Option<Option<i64>>,
}

impl Draft {
    /// Puts what is named onto `base` and checks the whole; all problems at once.
    pub fn onto(self, base: Settings, policy: &Policy) -> Result<Settings, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut settings = base;
        if let Some(url) = self.target_url {
            settings.target_url = url.trim().to_owned();
        }
        if settings.target_url.is_empty() {
            problems.push(Problem::new(
                "target_url",
                "Enter the address to send to, such as https://shop.example/hooks.",
            ));
        } else {
            match target::parse_target(&settings.target_url, policy) {
                Ok(_) => {}
                Err(error) => problems.push(Problem::new("target_url", error.to_string())),
            }
        }
        match self.name.as_deref().map(str::trim) {
            Some("") | None => {}
            Some(name) if name.chars().count() > NAME_LENGTH_MAX => {
                problems
                    .push(Problem::new("name", format!("A name has at most {NAME_LENGTH_MAX} characters.")));
            }
            Some(name) if has_unseen(name) => {
                problems.push(Problem::new("name", unseen_words(name)));
            }
            Some(name) => settings.name = name.to_owned(),
        }
        if let Some(text) = self.description {
            if text.chars().count() > DESCRIPTION_LENGTH_MAX {
                let message = format!("A description has at most {DESCRIPTION_LENGTH_MAX} characters.");
                problems.push(Problem::new("description", message));
            }
            settings.description = text.trim().to_owned();
        }
        settings.active = self.active.unwrap_or(settings.active);
        if self.events.is_some() && self.all_events.is_none() {
            settings.all_events = false;
        }
        settings.all_events = self.all_events.unwrap_or(settings.all_events);
        if let Some(mut events) = self.events {
            events.sort();
            events.dedup();
            problems.extend(events.iter().filter_map(|name| unknown_type(name)));
            settings.events = events;
        }
        if !settings.all_events && settings.events.is_empty() {
            problems.push(Problem::new("events", "Choose at least one event type, or all events."));
        }
        if let Some(ms) = self.timeout_ms {
            match i32::try_from(ms) {
                Ok(fits) if TIMEOUT_MS.contains(&ms) => settings.timeout_ms = fits,
                _ => problems
                    .push(Problem::new("timeout_ms", "The time limit is 1,000 to 30,000 milliseconds.")),
            }
        }
        match self.rate_per_s {
            None => {}
            Some(None) => settings.rate_per_s = None,
            Some(Some(rate)) => match i32::try_from(rate) {
                Ok(fits) if RATE_PER_S.contains(&rate) => settings.rate_per_s = Some(fits),
                _ => problems.push(Problem::new(
                    "rate_per_s",
                    "The rate is 1 to 1,000 requests a second, or null for no limit.",
                )),
            },
        }
        if let Some(value) = self.retries {
            match serde_json::from_value(value) {
                Ok(retries) => settings.retries = retries,
                Err(error) => problems.push(Problem::new("retries", error.to_string())),
            }
        }
        match self.version {
            None => {}
            Some(version) if [VERSION, OLDER_VERSION].contains(&&*version) => settings.version = version,
            Some(_) => {
                let message = format!("The version is \"{VERSION}\" or \"{OLDER_VERSION}\".");
                problems.push(Problem::new("version", message));
            }
        }
        choose(self.body, &mut settings.body, "body", "\"envelope\" or \"flat\"", &mut problems);
        choose(self.success, &mut settings.success, "success", "\"2xx\" or \"200\"", &mut problems);
        let used_up = "\"fail\" or \"disable\"";
        choose(self.when_used_up, &mut settings.when_used_up, "when_used_up", used_up, &mut problems);
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

fn choose<T: serde::de::DeserializeOwned>(
    given: Option<String>,
    place: &mut T,
    field: &'static str,
    choices: &str,
    problems: &mut Vec<Problem>,
) {
    let Some(text) = given else { return };
    match serde_json::from_value(Value::String(text)) {
        Ok(choice) => *place = choice,
        Err(_) => problems.push(Problem::new(field, format!("This is {choices}."))),
    }
}

fn unknown_type(name: &str) -> Option<Problem> {
    if catalogue::find(name).is_some() {
        return None;
    }
    let nearest = catalogue::nearest(name, 3).join(", ");
    let question = if nearest.is_empty() { String::new() } else { format!(" Did you mean {nearest}?") };
    Some(Problem::new("events", format!("There is no event type \"{name}\".{question}")))
}
