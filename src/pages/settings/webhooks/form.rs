//! The form with a webhook's settings: what is typed, what it means, and the way back.
mod authentication;
mod preset;

use std::collections::BTreeSet;
use std::hash::{Hash as _, Hasher as _};

use serde_json::Value;

pub use authentication::{AuthenticationFields, CertificateFields, HeaderRow, Kept};
pub use preset::{PresetCard, cards};

use crate::models::webhooks::{Draft, Problem, RATE_PER_S, Settings};
use crate::rules::filter::Filter;
use crate::rules::preset::Preset;
use crate::rules::retry::{Retries, RetriesError};
use crate::web::RawForm;

/// The word for an own list of waits among the choices of retries.
const OWN_WAITS: &str = "own";
/// Seconds that a time limit may have, as the form takes them.
const TIMEOUT_S: std::ops::RangeInclusive<f64> = 1.0..=30.0;

/// The form's fields as text, typed or stored.
#[derive(Clone, Debug, Hash, PartialEq)]
#[allow(missing_docs)]
pub struct Fields {
    pub name: String,
    pub description: String,
    pub target_url: String,
    pub all_events: bool,
    pub events: BTreeSet<String>,
    /// Seconds.
    pub timeout_s: String,
    /// Requests a second; empty for no limit.
    pub rate_per_s: String,
    /// A word, or `own` with [`Fields::waits`].
    pub retries: String,
    pub waits: String,
    pub success: String,
    pub when_used_up: String,
    pub body: String,
    /// Of the envelope.
    pub version: String,
    /// The word of the chosen preset; empty for none.
    pub preset: String,
    /// The preset that filled in the other fields as they stand: another one is still to do so.
    pub applied: String,
    pub extra_signature: String,
    pub authentication: AuthenticationFields,
    /// As many as are typed, and room for further ones.
    pub headers: Vec<HeaderRow>,
    pub client_certificate: CertificateFields,
    /// Of a new webhook that copies another: that one's id.
    pub from: String,
    /// A condition a line.
    pub filter: String,
}

impl Fields {
    /// The fields of stored settings.
    pub fn of(settings: &Settings) -> Self {
        let (retries, waits) = match &settings.retries {
            Retries::Custom(_) => (OWN_WAITS.to_owned(), settings.retries.to_string()),
            named => (named.to_string(), String::new()),
        };
        let preset = settings.preset.map(Preset::as_str).unwrap_or_default().to_owned();
        Self {
            name: settings.name.clone(),
            description: settings.description.clone(),
            target_url: settings.target_url.clone(),
            all_events: settings.all_events,
            events: settings.events.iter().cloned().collect(),
            timeout_s: seconds(settings.timeout_ms),
            rate_per_s: settings.rate_per_s.map(|rate| rate.to_string()).unwrap_or_default(),
            retries,
            waits,
            success: settings.success.as_str().to_owned(),
            when_used_up: settings.when_used_up.as_str().to_owned(),
            body: settings.body.as_str().to_owned(),
            version: settings.version.clone(),
            preset: preset.clone(),
            applied: preset,
            extra_signature: settings.extra_signature.as_str().to_owned(),
            authentication: AuthenticationFields::of(&settings.authentication),
            headers: authentication::rows_of(settings),
            client_certificate: CertificateFields::default(),
            from: String::new(),
            filter: settings.filter.as_ref().map(Filter::to_text).unwrap_or_default(),
        }
    }

    /// The fields as a browser sends them: a box that is not ticked is not sent.
    pub fn typed(raw: &RawForm) -> Self {
        let text = |name: &str| raw.text(name).to_owned();
        Self {
            name: text("name"),
            // Browsers send line breaks as CR LF.
            description: text("description").replace("\r\n", "\n"),
            target_url: text("target_url"),
            all_events: text("which") == "all",
            events: raw.all("events").filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            timeout_s: text("timeout_s"),
            rate_per_s: text("rate_per_s"),
            retries: text("retries"),
            waits: text("waits"),
            success: text("success"),
            when_used_up: text("when_used_up"),
            body: text("body"),
            version: text("version"),
            preset: text("preset"),
            applied: text("applied"),
            extra_signature: text("extra_signature"),
            authentication: AuthenticationFields::typed(raw),
            headers: authentication::rows_typed(raw),
            client_certificate: CertificateFields::typed(raw),
            from: text("from"),
            filter: text("filter").replace("\r\n", "\n"),
        }
    }

    /// Tells stored fields from others. A form carries it, so that somebody else's change meanwhile is noticed.
    pub fn mark(&self) -> String {
        let mut hasher = std::hash::DefaultHasher::new();
        self.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// What the fields ask for, and what of them cannot even be read.
    pub fn draft(&self) -> (Draft, Vec<Problem>) {
        let mut problems = Vec::new();
        let timeout_ms = milliseconds(&self.timeout_s);
        if timeout_ms.is_none() {
            problems.push(Problem::new("timeout_ms", "The time limit is 1 to 30 seconds."));
        }
        let rate_per_s = rate(&self.rate_per_s);
        if rate_per_s.is_none() {
            let message = "Enter a whole number from 1 to 1,000, or leave it empty for no limit.";
            problems.push(Problem::new("rate_per_s", message));
        }
        let retries = match self.retries.as_str() {
            OWN_WAITS => match self.waits.parse::<Retries>() {
                Ok(waits) => serde_json::to_value(waits).ok(),
                Err(error) => {
                    problems.push(Problem::new("waits", waits_problem(error)));
                    None
                }
            },
            "" => None,
            word => Some(Value::String(word.to_owned())),
        };
        let client_certificate = self.client_certificate.draft().unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let filter = match Filter::from_text(&self.filter) {
            // A filter is always JSON.
            Ok(filter) => Some(filter.and_then(|filter| serde_json::to_value(filter).ok())),
            Err(error) => {
                problems.push(Problem::new("filter", error.to_string()));
                None
            }
        };
        let choice = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let draft = Draft {
            name: Some(self.name.clone()),
            description: Some(self.description.clone()),
            target_url: Some(self.target_url.clone()),
            all_events: Some(self.all_events),
            events: Some(self.events.iter().cloned().collect()),
            body: choice(&self.body),
            version: choice(&self.version),
            timeout_ms,
            rate_per_s,
            retries,
            success: choice(&self.success),
            when_used_up: choice(&self.when_used_up),
            preset: Some(choice(&self.preset)),
            extra_signature: choice(&self.extra_signature),
            authentication: self.authentication.draft(),
            headers: Some(authentication::drafted(&self.headers)),
            client_certificate,
            filter,
            ..Draft::default()
        };
        (draft, problems)
    }

    /// Which events the fields ask for, whatever else is in them: settings of which nothing else counts. Or why that
    /// cannot be said.
    pub fn choice(&self) -> Result<Settings, String> {
        if !self.all_events && self.events.is_empty() {
            return Err("Choose at least one event type, or all events.".to_owned());
        }
        let filter = Filter::from_text(&self.filter).map_err(|error| error.to_string())?;
        let events = self.events.iter().cloned().collect();
        Ok(Settings { all_events: self.all_events, events, filter, ..Settings::default() })
    }
}

/// What is wrong with own waits, in the words of the form: those of the API name its other choices.
fn waits_problem(error: RetriesError) -> String {
    match error {
        RetriesError::Unknown => "Write up to 30 waits in whole seconds, such as 10, 60, 300.".to_owned(),
        told => told.to_string(),
    }
}

/// `10`, `2.5`: without digits that say nothing.
fn seconds(timeout_ms: i32) -> String {
    let text = format!("{:.3}", f64::from(timeout_ms) / 1000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn milliseconds(seconds: &str) -> Option<i64> {
    let seconds: f64 = seconds.trim().replace(',', ".").parse().ok()?;
    TIMEOUT_S.contains(&seconds).then(|| (seconds * 1000.0).round() as i64)
}

/// What was typed, none within if that is nothing; none if it cannot be a rate.
fn rate(typed: &str) -> Option<Option<i64>> {
    match typed.trim() {
        "" => Some(None),
        // As the hint writes it.
        "1,000" => Some(Some(1_000)),
        typed => typed.parse().ok().filter(|rate| RATE_PER_S.contains(rate)).map(Some),
    }
}

#[cfg(test)]
mod tests;
