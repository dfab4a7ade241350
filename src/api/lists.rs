//! What all lists have in common: comma-separated values, times, limits, cursors.
use std::collections::HashMap;
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::web::Query;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::problem::{FieldProblem, Problem};
use crate::rules::search::Unsearchable;

/// Rows in an answer unless asked for otherwise.
const LIMIT_DEFAULT: i64 = 50;
/// Rows in an answer at most.
pub(super) const LIMIT_MAX: i64 = 250;

/// The parameters of a list call.
pub(super) struct Parameters {
    given: HashMap<String, String>,
    problems: Vec<FieldProblem>,
}

impl Parameters {
    /// Reads the query string; parameters that are not `known` are wrong.
    pub(super) fn of(request: &HttpRequest, known: &[&str]) -> Self {
        let (mut given, mut problems) = (HashMap::<String, String>::new(), Vec::new());
        match Query::<Vec<(String, String)>>::from_query(request.query_string()) {
            Ok(query) => {
                // The same name again is one more value of a list.
                for (name, value) in query.into_inner() {
                    given.entry(name).and_modify(|list| *list = format!("{list},{value}")).or_insert(value);
                }
            }
            Err(error) => problems.push(FieldProblem::new("?", error.to_string())),
        }
        for name in given
            .keys()
            .filter(|name| !known.contains(&name.as_str()) && *name != "limit" && *name != "cursor")
        {
            let message =
                format!("There is no parameter \"{name}\". Known are {}, limit, cursor.", known.join(", "));
            problems.push(FieldProblem::new(format!("?{name}"), message));
        }
        // Postgres's text has no room for it.
        for name in given.iter().filter(|(_, value)| value.contains('\0')).map(|(name, _)| name) {
            problems.push(FieldProblem::new(format!("?{name}"), "This must not hold the character U+0000."));
        }
        Self { given, problems }
    }

    /// The same of an object with the parameters' names, in which lists may be lists; what is wrong is told by pointers
    /// below its place, see [`Self::problems_below`].
    pub(super) fn of_object(object: &Map<String, Value>, known: &[&str]) -> Self {
        let mut read = Self { given: HashMap::new(), problems: Vec::new() };
        for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
            let text = match value {
                Value::String(text) => Some(text.clone()),
                Value::Bool(flag) => Some(flag.to_string()),
                Value::Number(number) => Some(number.to_string()),
                Value::Array(list) => {
                    let texts = list.iter().map(|one| one.as_str().map(str::to_owned));
                    texts.collect::<Option<Vec<String>>>().map(|texts| texts.join(","))
                }
                _ => None,
            };
            match text {
                _ if !known.contains(&name.as_str()) => {
                    let message = format!("There is no field \"{name}\". Known are {}.", known.join(", "));
                    read.wrong(name, message);
                }
                Some(text) if text.contains('\0') => {
                    read.wrong(name, "This must not hold the character U+0000.".to_owned());
                }
                Some(text) => {
                    read.given.insert(name.clone(), text);
                }
                None => read.wrong(name, "This is a text, or a list of texts.".to_owned()),
            }
        }
        read
    }

    /// Whether nothing was given.
    pub(super) fn is_empty(&self) -> bool {
        self.given.values().all(|text| text.trim().is_empty())
    }

    /// All that was wrong with an object at `place`, once everything was read.
    pub(super) fn problems_below(self, place: &str) -> Vec<FieldProblem> {
        let below = |problem: FieldProblem| {
            FieldProblem::new(problem.pointer.replacen('?', &format!("{place}/"), 1), problem.message)
        };
        self.problems.into_iter().map(below).collect()
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// Comma-separated values, each read by `read`.
    pub(super) fn each<T>(&mut self, name: &str, what: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let Some(text) = self.text(name).map(str::to_owned) else { return Vec::new() };
        let mut values = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match read(part) {
                Some(value) => values.push(value),
                None => self.wrong(name, format!("\"{part}\" is not {what}.")),
            }
        }
        values
    }

    /// One value, read by `read`.
    pub(super) fn one<T>(&mut self, name: &str, what: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?.to_owned();
        let value = read(&text);
        if value.is_none() {
            self.wrong(name, format!("\"{text}\" is not {what}."));
        }
        value
    }

    /// A search text, which `narrow` reads.
    pub(super) fn q<T>(&mut self, narrow: impl FnOnce(&str) -> Result<T, Unsearchable>) -> Option<T> {
        let text = self.text("q")?.to_owned();
        match narrow(&text) {
            Ok(read) => Some(read),
            Err(why) => {
                self.wrong("q", why.to_string());
                None
            }
        }
    }

    pub(super) fn moment(&mut self, name: &str) -> Option<OffsetDateTime> {
        let text = self.text(name)?.to_owned();
        // A moment near the calendar's ends may have no date in UTC.
        let read =
            OffsetDateTime::parse(&text, &Rfc3339).ok().and_then(|at| at.checked_to_offset(UtcOffset::UTC));
        match read {
            Some(at) => Some(at),
            None => {
                self.wrong(name, format!("\"{text}\" is not a time as in 2026-01-31T12:00:00Z."));
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let text = self.text(name)?.to_owned();
        let read = text.parse().ok();
        if read.is_none() {
            self.wrong(name, format!("\"{text}\" is not true or false."));
        }
        read
    }

    pub(super) fn cursor<T: FromStr>(&mut self) -> Option<T> {
        let text = self.text("cursor")?.to_owned();
        let read = text.parse().ok();
        if read.is_none() {
            self.wrong("cursor", "Pass the next_cursor of the answer before, unchanged.".to_owned());
        }
        read
    }

    pub(super) fn limit(&mut self) -> i64 {
        let Some(text) = self.text("limit").map(str::to_owned) else { return LIMIT_DEFAULT };
        match text.parse() {
            Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => limit,
            _ => {
                self.wrong("limit", format!("The limit is 1 to {LIMIT_MAX}."));
                LIMIT_DEFAULT
            }
        }
    }

    fn wrong(&mut self, name: &str, message: String) {
        self.problems.push(FieldProblem::new(format!("?{name}"), message));
    }

    /// All that was wrong, once everything was read.
    pub(super) fn checked(self) -> Result<(), Problem> {
        if self.problems.is_empty() { Ok(()) } else { Err(Problem::wrong(self.problems)) }
    }
}

/// `{data, next_cursor}`: `rows` holds one more than `limit` if there is a next page.
pub(super) fn page<T>(
    mut rows: Vec<T>,
    limit: i64,
    cursor: impl Fn(&T) -> String,
    shape: impl Fn(&T) -> Value,
) -> Value {
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    let data: Vec<Value> = rows.iter().map(shape).collect();
    json!({ "data": data, "next_cursor": next })
}
