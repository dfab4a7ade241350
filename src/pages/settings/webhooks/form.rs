//! The form with a webhook's settings: what is typed, what it means, and the way back.
use std::collections::BTreeSet;

use serde_json::Value;

use crate::models::webhooks::{Draft, Problem, RATE_PER_S, Settings};
use crate::rules::filter::Filter;
use crate::rules::retry::{Retries, RetriesError};
use crate::web::RawForm;

/// The word for an own list of waits among the choices of retries.
const OWN_WAITS: &str = "own";
/// Seconds that a time limit may have, as the form takes them.
const TIMEOUT_S: std::ops::RangeInclusive<f64> = 1.0..=30.0;

/// The form's fields as text, typed or stored.
#[derive(Clone, Debug, PartialEq)]
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
            filter: text("filter").replace("\r\n", "\n"),
        }
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
            timeout_ms,
            rate_per_s,
            retries,
            success: choice(&self.success),
            when_used_up: choice(&self.when_used_up),
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
        typed => typed.parse().ok().filter(|rate| RATE_PER_S.contains(rate)).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::webhooks::Ground;
    use crate::rules::catalogue::own::OwnNames;
    use crate::rules::target::{AllowedHosts, Policy};

    fn sent(pairs: &[(&str, &str)]) -> Fields {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Fields::typed(&RawForm(pairs.collect()))
    }

    const WHOLE: [(&str, &str); 10] = [
        ("name", "Shop"),
        ("target_url", "https://shop.example/webhooks"),
        ("which", "chosen"),
        ("events", "voucher.created"),
        ("timeout_s", "2,5"),
        ("rate_per_s", " 20 "),
        ("retries", "own"),
        ("waits", "10, 60"),
        ("success", "200"),
        ("body", "flat"),
    ];

    #[test]
    fn what_is_saved_comes_back_into_the_form_as_it_was_typed() {
        let fields = sent(&WHOLE);
        let (draft, problems) = fields.draft();
        assert_eq!(problems, []);
        let settings = draft
            .onto(
                Settings::default(),
                &Ground {
                    policy: &Policy::default(),
                    hosts: &AllowedHosts::default(),
                    own: &OwnNames::default(),
                    stored: None,
                    now: time::OffsetDateTime::UNIX_EPOCH,
                },
            )
            .unwrap();
        assert_eq!(settings.timeout_ms, 2_500);
        let back = Fields::of(&settings);
        assert_eq!((back.timeout_s.as_str(), back.rate_per_s.as_str()), ("2.5", "20"));
        assert_eq!((back.retries.as_str(), back.waits.as_str()), ("own", "10, 60"));
        assert_eq!(back.events, fields.events);
        assert_eq!((back.body.as_str(), back.success.as_str()), ("flat", "200"));
    }

    #[test]
    fn a_time_limit_out_of_range_is_told_in_seconds() {
        for wrong in ["", "0.9", "31", "ten", "NaN"] {
            let mut fields = sent(&WHOLE);
            fields.timeout_s = wrong.to_owned();
            let problems = fields.draft().1;
            assert_eq!(problems.len(), 1, "{wrong}");
            assert!(problems[0].message.contains("1 to 30 seconds"));
        }
    }

    #[test]
    fn a_rate_out_of_range_is_told_with_what_is_accepted_and_an_empty_one_is_no_limit() {
        for wrong in ["0", "1001", "-1", "2.5", "many", "99999999999999999999"] {
            let mut fields = sent(&WHOLE);
            fields.rate_per_s = wrong.to_owned();
            let problems = fields.draft().1;
            assert_eq!(problems.len(), 1, "{wrong}");
            assert!(problems[0].message.contains("from 1 to 1,000"), "{}", problems[0].message);
        }
        let mut fields = sent(&WHOLE);
        fields.rate_per_s = " ".to_owned();
        let (draft, problems) = fields.draft();
        assert_eq!((draft.rate_per_s, problems), (Some(None), Vec::new()));
    }

    #[test]
    fn own_waits_that_cannot_be_read_are_told() {
        let mut fields = sent(&WHOLE);
        fields.waits = "soon".to_owned();
        let problem = fields.draft().1.remove(0);
        assert_eq!(problem.field, "waits");
        assert!(problem.message.contains("such as 10, 60, 300"), "{}", problem.message);
    }
}
