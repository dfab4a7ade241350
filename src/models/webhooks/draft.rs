//! The check that turns raw input into settings.
mod carried;

use serde_json::Value;
use time::OffsetDateTime;

use carried::{headers, keep_authentication, twice};

use super::settings::{RATE_PER_S, Settings, TIMEOUT_MS};
use super::{DESCRIPTION_LENGTH_MAX, NAME_LENGTH_MAX, window};
use crate::rules::authentication::Hidden;
use crate::rules::body::{OLDER_VERSION, VERSION};
use crate::rules::catalogue;
use crate::rules::catalogue::own::OwnNames;
use crate::rules::filter::Filter;
use crate::rules::name::{has_unseen, unseen_words};
use crate::rules::preset::Preset;
use crate::rules::target::{self, AllowedHosts, Policy};

/// So many unknown event types are told at once: looking for names that resemble one takes a while.
const UNKNOWN_TOLD_MAX: usize = 100;

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
    /// As in the API; `Some(None)` takes it away.
    pub filter: Option<Option<Value>>,
    /// `Some(None)` takes it away and leaves what it filled in.
    pub preset: Option<Option<String>>,
    pub extra_signature: Option<String>,
    pub authentication: Option<AuthenticationDraft>,
    /// All of them, each with its value, or none for one that stays as it is stored.
    pub headers: Option<Vec<(String, Option<String>)>>,
    /// `Some(None)` takes it away; none within for one that stays as it is stored.
    pub client_certificate: Option<Option<Option<String>>>,
    pub when_paused: Option<String>,
    /// From and until, RFC 3339; `Some(None)` takes the window away.
    pub maintenance: Option<Option<(String, String)>>,
}

/// Authentication as it is named; what is not told again stays as it is stored.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum AuthenticationDraft {
    None,
    Bearer { token: Option<String> },
    Basic { username: Option<String>, password: Option<String> },
    ApiKey { header: Option<String>, value: Option<String> },
}

/// What settings are checked against.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Ground<'a> {
    /// Which addresses this installation may call.
    pub policy: &'a Policy,
    /// Which hosts the project sends to.
    pub hosts: &'a AllowedHosts,
    /// The event types that the project knows beside the catalogue's.
    pub own: &'a OwnNames,
    /// The webhook as it is stored, or the one that is copied.
    pub stored: Option<&'a Settings>,
    /// All of it is judged, as if nothing were stored: of a new one, and of a copy.
    pub is_new: bool,
    /// The present moment.
    pub now: OffsetDateTime,
}

impl Ground<'_> {
    /// The settings that are kept already.
    fn kept(&self) -> Option<&Settings> {
        self.stored.filter(|_| !self.is_new)
    }
}

impl Draft {
    /// Puts what is named onto `base` and checks the whole; all problems at once.
    pub fn onto(self, base: Settings, ground: &Ground<'_>) -> Result<Settings, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut settings = base;
        // First: what is named beside it wins.
        match self.preset {
            Some(Some(word)) => match Preset::parse(&word) {
                Some(preset) if settings.preset == Some(preset) => {}
                Some(preset) => {
                    settings.apply(preset);
                    keep_authentication(&mut settings, ground.stored);
                }
                None => {
                    let known = Preset::ALL.map(Preset::as_str).join(", ");
                    problems.push(Problem::new("preset", format!("The presets are {known}.")));
                }
            },
            Some(None) => settings.preset = None,
            None => {}
        }
        if let Some(url) = self.target_url {
            settings.target_url = url.trim().to_owned();
        }
        // What stays as it is is not judged anew: what it was judged by may have changed meanwhile, and that must not keep
        // anybody from pausing it.
        if ground.kept().is_none_or(|kept| kept.target_url != settings.target_url) {
            problems.extend(target_problem(&settings.target_url, ground));
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
        if let Some(events) = self.events {
            let mut events: Vec<String> =
                events.iter().map(|name| catalogue::spelled(name).to_owned()).collect();
            events.sort();
            events.dedup();
            problems.extend(
                events.iter().filter_map(|name| unknown_type(name, ground.own)).take(UNKNOWN_TOLD_MAX),
            );
            settings.events = events;
        }
        let is_stored = |s: &Settings| s.all_events == settings.all_events && s.events == settings.events;
        if !settings.all_events && settings.events.is_empty() && !ground.kept().is_some_and(is_stored) {
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
        match self.filter.map(|given| given.as_ref().map(Filter::parse).transpose()) {
            None => {}
            Some(Ok(filter)) => settings.filter = filter,
            Some(Err(error)) => problems.push(Problem::new(error.field(), error.to_string())),
        }
        choose(self.body, &mut settings.body, "body", "\"envelope\" or \"flat\"", &mut problems);
        choose(self.success, &mut settings.success, "success", "\"2xx\" or \"200\"", &mut problems);
        let used_up = "\"fail\" or \"disable\"";
        choose(self.when_used_up, &mut settings.when_used_up, "when_used_up", used_up, &mut problems);
        let signatures = "\"none\" or \"voucherify\"";
        choose(
            self.extra_signature,
            &mut settings.extra_signature,
            "extra_signature",
            signatures,
            &mut problems,
        );
        let choices = "\"drop\" or \"hold\"";
        choose(self.when_paused, &mut settings.when_paused, "when_paused", choices, &mut problems);
        if let Some(given) = self.authentication {
            match given.onto(ground.stored) {
                Ok(authentication) => settings.authentication = authentication,
                Err(further) => problems.extend(further),
            }
        }
        if let Some(given) = self.headers {
            settings.headers = headers(given, ground.stored, &mut problems);
        }
        problems.extend(twice(&settings));
        match self.client_certificate {
            None => {}
            Some(None) => settings.client_certificate = None,
            Some(Some(Some(pem))) => settings.client_certificate = Some(Hidden::new(&pem)),
            Some(Some(None)) => match ground.stored.and_then(|stored| stored.client_certificate.clone()) {
                Some(kept) => settings.client_certificate = Some(kept),
                None => problems.push(Problem::new(
                    "client_certificate",
                    "Give a certificate and its private key in PEM form.",
                )),
            },
        }
        if let Some(given) = self.maintenance {
            match window::read(given, ground) {
                Ok(window) => settings.maintenance = window,
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

fn target_problem(url: &str, ground: &Ground<'_>) -> Option<Problem> {
    if url.is_empty() {
        let message = "Enter the address to send to, such as https://shop.example/hooks.";
        return Some(Problem::new("target_url", message));
    }
    match target::parse_target(url, ground.policy) {
        Ok(target) if !ground.hosts.allow(target.host()) => {
            Some(Problem::new("target_url", ground.hosts.refusal()))
        }
        Ok(_) => None,
        Err(error) => Some(Problem::new("target_url", error.to_string())),
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

fn unknown_type(name: &str, own: &OwnNames) -> Option<Problem> {
    if own.knows(name) {
        return None;
    }
    let nearest = own.nearest(name, 3).join(", ");
    let question = if nearest.is_empty() { String::new() } else { format!(" Did you mean {nearest}?") };
    Some(Problem::new("events", format!("There is no event type \"{name}\".{question}")))
}
