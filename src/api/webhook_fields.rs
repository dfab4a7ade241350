//! The fields of a webhook as a body names them: their types, and what cannot be set.
use serde_json::{Map, Value};

use super::problem::{FieldProblem, Problem};
use super::shapes;
use super::told::{self, Stored, Told};
use crate::models::webhooks::{AuthenticationDraft, Draft, Webhook};

/// Reads the fields' types; unknown fields are wrong, as are those that cannot be set and say anything new.
pub(super) fn draft(given: &Map<String, Value>, stored: Option<&Stored<'_>>) -> Result<Draft, Problem> {
    read(given, stored).map_err(Problem::wrong)
}

/// As `POST /v1/webhooks` reads them; all problems at once.
pub fn settings_draft(given: &Map<String, Value>) -> Result<Draft, Vec<FieldProblem>> {
    read(given, None)
}

/// A webhook's settings as `GET /v1/webhooks/{id}` tells them, all of them and nothing else.
pub fn settings_told(webhook: &Webhook) -> Map<String, Value> {
    let mut told = shapes::webhook(webhook, None, &[]);
    FIELDS.into_iter().map(|field| (field.to_owned(), told[field].take())).collect()
}

fn read(given: &Map<String, Value>, stored: Option<&Stored<'_>>) -> Result<Draft, Vec<FieldProblem>> {
    let mut reader = Reader { given, problems: Vec::new() };
    let draft = Draft {
        name: reader.text("name"),
        description: reader.text("description"),
        target_url: reader.text("target_url"),
        active: reader.flag("active"),
        all_events: reader.flag("all_events"),
        events: reader.texts("events"),
        body: reader.text("body"),
        version: reader.text("version"),
        timeout_ms: reader.number("timeout_ms"),
        retries: given.get("retries").filter(|value| !value.is_null()).cloned(),
        success: reader.text("success"),
        when_used_up: reader.text("when_used_up"),
        rate_per_s: reader.number_or_none("rate_per_s"),
        filter: given.get("filter").map(|value| Some(value.clone()).filter(|value| !value.is_null())),
        preset: reader.text_or_none("preset"),
        extra_signature: reader.text("extra_signature"),
        authentication: reader.authentication(),
        headers: reader.headers(stored),
        client_certificate: reader.client_certificate(),
        when_paused: reader.text("when_paused"),
        maintenance: reader.maintenance(),
    };
    reader.refuse_unknown(stored);
    if reader.problems.is_empty() { Ok(draft) } else { Err(reader.problems) }
}

const FIELDS: [&str; 21] = [
    "name",
    "description",
    "target_url",
    "active",
    "all_events",
    "events",
    "body",
    "version",
    "timeout_ms",
    "retries",
    "success",
    "when_used_up",
    "rate_per_s",
    "filter",
    "preset",
    "extra_signature",
    "authentication",
    "headers",
    "client_certificate",
    "when_paused",
    "maintenance",
];

struct Reader<'a> {
    given: &'a Map<String, Value>,
    problems: Vec<FieldProblem>,
}

impl Reader<'_> {
    fn read<T>(&mut self, name: &str, what: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.given.get(name).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.problems.push(FieldProblem::new(format!("/{name}"), format!("This must be {what}.")));
        }
        read
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let text = self.read(name, "a string", |value| value.as_str().map(str::to_owned))?;
        if text.contains('\0') {
            self.problems
                .push(FieldProblem::new(format!("/{name}"), "This must not hold the character U+0000."));
        }
        Some(text)
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "true or false", Value::as_bool)
    }

    fn number(&mut self, name: &str) -> Option<i64> {
        self.read(name, "a whole number", whole)
    }

    /// Here `null` says something: that there is none.
    fn number_or_none(&mut self, name: &str) -> Option<Option<i64>> {
        match self.given.get(name)? {
            Value::Null => Some(None),
            _ => self.number(name).map(Some),
        }
    }

    fn text_or_none(&mut self, name: &str) -> Option<Option<String>> {
        match self.given.get(name)? {
            Value::Null => Some(None),
            _ => self.text(name).map(Some),
        }
    }

    /// The members of an object, each a string; others than `known` are refused.
    fn object(&mut self, name: &str, known: &[&str]) -> Option<Map<String, Value>> {
        let object = self.read(name, "an object", |value| value.as_object().cloned())?;
        for (member, value) in &object {
            let pointer = format!("/{name}/{member}");
            if !known.contains(&member.as_str()) {
                let message = format!("There is no \"{member}\" here. Known are {}.", known.join(", "));
                self.problems.push(FieldProblem::new(pointer, message));
            } else if !value.is_string() {
                self.problems.push(FieldProblem::new(pointer, "This must be a string.".to_owned()));
            }
        }
        Some(object)
    }

    fn authentication(&mut self) -> Option<AuthenticationDraft> {
        // What an answer tells of a stored value may come back.
        let known = ["type", "token", "username", "password", "header", "value", "fingerprint"];
        let object = self.object("authentication", &known)?;
        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        match text("type").as_deref() {
            Some("none") => Some(AuthenticationDraft::None),
            Some("bearer") => Some(AuthenticationDraft::Bearer { token: text("token") }),
            Some("basic") => {
                Some(AuthenticationDraft::Basic { username: text("username"), password: text("password") })
            }
            Some("api_key") => {
                Some(AuthenticationDraft::ApiKey { header: text("header"), value: text("value") })
            }
            _ => {
                let message = "The type is \"none\", \"bearer\", \"basic\" or \"api_key\".";
                self.problems.push(FieldProblem::new("/authentication/type".to_owned(), message.to_owned()));
                None
            }
        }
    }

    /// Values that are told as an answer told them stay as they are stored.
    fn headers(&mut self, stored: Option<&Stored<'_>>) -> Option<Vec<(String, Option<String>)>> {
        let object = self.read("headers", "an object", |value| value.as_object().cloned())?;
        let told = stored.map(|stored| shapes::extra_headers(&stored.webhook.settings)).unwrap_or_default();
        let mut headers = Vec::new();
        for (name, value) in object {
            match value {
                Value::String(_) if told.get(&name) == Some(&value) => headers.push((name, None)),
                Value::String(text) if shapes::is_mask(&text) => self.problems.push(FieldProblem::new(
                    format!("/headers/{name}"),
                    "This stands for a value that is hidden, and not for the present one. Give the value itself."
                        .to_owned(),
                )),
                Value::String(text) => headers.push((name, Some(text))),
                _ => self
                    .problems
                    .push(FieldProblem::new(format!("/headers/{name}"), "This must be a string.".to_owned())),
            }
        }
        Some(headers)
    }

    fn client_certificate(&mut self) -> Option<Option<Option<String>>> {
        if self.given.get("client_certificate")?.is_null() {
            return Some(None);
        }
        let object = self.object("client_certificate", &["certificate", "key", "fingerprint"])?;
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        Some(Some(match (text("certificate"), text("key")) {
            (None, None) => None,
            (certificate, key) => {
                Some(format!("{}\n{}", certificate.unwrap_or_default(), key.unwrap_or_default()))
            }
        }))
    }

    fn maintenance(&mut self) -> Option<Option<(String, String)>> {
        if self.given.get("maintenance")?.is_null() {
            return Some(None);
        }
        let object = self.object("maintenance", &["from", "until"])?;
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Some((text("from"), text("until"))))
    }

    fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.read(name, "an array of strings", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    /// But for what an answer holds beside the settings, as long as it says nothing new: so that it can be sent back.
    fn refuse_unknown(&mut self, stored: Option<&Stored<'_>>) {
        for (name, value) in self.given.iter().filter(|(name, _)| !FIELDS.contains(&name.as_str())) {
            match told::told(name, value, stored) {
                Told::Nothing => {}
                Told::Otherwise => self.problems.push(cannot_be_set(name)),
                Told::Unknown => {
                    let known = FIELDS.join(", ");
                    let message = format!("There is no setting \"{name}\" here. Known are {known}.");
                    self.problems.push(FieldProblem::new(format!("/{name}"), message));
                }
            }
        }
    }
}

pub(super) fn cannot_be_set(name: &str) -> FieldProblem {
    let message = format!("\"{name}\" cannot be set. Leave it out, or send it as it was answered.");
    FieldProblem::new(format!("/{name}"), message)
}

/// As JSON has it, 5000.0 is a whole number too. One too large for that is refused by its limit.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let of_float = || value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64);
    value.as_i64().or_else(of_float)
}
