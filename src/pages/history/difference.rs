//! What differs between two JSON objects, value by value.
use serde_json::Value;

/// So many are told.
const TOLD_MAX: usize = 20;
/// So much of a value is shown, in characters.
const VALUE_CHARS_MAX: usize = 80;

/// A value that is not the same in both; none where it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Difference {
    /// Its keys and places from the outside in, e.g. `customer.emails.0`.
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// The first differences in the order of the keys, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Differences {
    pub told: Vec<Difference>,
    pub more: usize,
}

impl Differences {
    /// Between two texts of JSON.
    pub fn between(before: &[u8], after: &[u8]) -> Self {
        let read = |text| serde_json::from_slice::<Value>(text).unwrap_or(Value::Null);
        let mut all = Self::default();
        all.compare("", Some(&read(before)), Some(&read(after)));
        all
    }

    fn compare(&mut self, path: &str, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (Some(Value::Object(one)), Some(Value::Object(other))) => {
                let new = other.keys().filter(|key| !one.contains_key(*key));
                for key in one.keys().chain(new) {
                    self.compare(&below(path, key), one.get(key), other.get(key));
                }
            }
            (Some(Value::Array(one)), Some(Value::Array(other))) => {
                for n in 0..one.len().max(other.len()) {
                    self.compare(&below(path, &n.to_string()), one.get(n), other.get(n));
                }
            }
            (before, after) if before == after => {}
            _ if self.told.len() == TOLD_MAX => self.more += 1,
            (before, after) => {
                let (before, after) = (before.map(shown), after.map(shown));
                self.told.push(Difference { path: path.to_owned(), before, after });
            }
        }
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_that_changed_came_or_went_is_told_with_its_place() {
        let before = br#"{"a":{"b":1,"c":[1,2]},"gone":true}"#;
        let found = Differences::between(before, br#"{"a":{"b":2,"c":[1,2,3]},"new":null}"#);
        let told: Vec<(&str, Option<&str>, Option<&str>)> = found
            .told
            .iter()
            .map(|one| (one.path.as_str(), one.before.as_deref(), one.after.as_deref()))
            .collect();
        let expected = [
            ("a.b", Some("1"), Some("2")),
            ("a.c.2", None, Some("3")),
            ("gone", Some("true"), None),
            ("new", None, Some("null")),
        ];
        assert_eq!(told, expected);
        assert_eq!(Differences::between(before, before), Differences::default());
    }

    #[test]
    fn very_many_are_counted_and_long_values_cut() {
        let many: Vec<u32> = (0..50).collect();
        let found = Differences::between(br#"{"n":[]}"#, format!("{{\"n\":{many:?}}}").as_bytes());
        assert_eq!((found.told.len(), found.more), (20, 30));
        assert_eq!(shown(&Value::from("x".repeat(200))).chars().count(), 81);
    }
}
