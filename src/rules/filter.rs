//! A webhook's filter: conditions on an event's data that must all hold, beyond its type.
//!
//! As JSON a list of objects, each with a `path` and exactly one test: `is`, `is_not`, `is_one_of`, `exists`, or `min`
//! and `max` (either or both, inclusive). As text a condition a line, such as `data.order.amount >= 1000`.
//!
//! A path begins with `data`; further come keys after a `.` (in double quotes where they hold anything but letters,
//! digits and the like), `[0]` for one element of an array and `[*]` for any. What is absent fails every test but
//! `is_not` and `exists: false`; a key whose value is null is there. Numbers compare by value, exactly.
mod error;
mod number;
mod path;
mod read;
#[cfg(test)]
mod tests;
mod text;

use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

pub use error::{FilterError, Wrong};
pub use path::PathError;

use super::body::push_json_string;
use path::Path;
use read::Node;

/// Conditions of a filter.
pub const CONDITIONS_MAX: usize = 20;
/// Values that one condition may choose among.
pub const VALUES_MAX: usize = 100;
/// Characters of a text that is compared.
pub const TEXT_LENGTH_MAX: usize = 1_000;
/// Characters of a path as it is written, and keys and indexes in it.
pub const PATH_LENGTH_MAX: usize = 500;
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
/// As deep as data may nest.
pub const STEPS_MAX: usize = 64;

/// Conditions that must all hold: at least one, at most [`CONDITIONS_MAX`].
#[derive(Clone, Debug)]
pub struct Filter {
    conditions: Vec<Condition>,
    /// The same by what has to be read of the data.
    tree: Node,
}

/// What one condition came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The condition, as [`Filter::to_text`] writes it.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
    /// The value it was decided by, as JSON; none if there is nothing at the path.
    pub found: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    path: Path,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Is(Scalar),
    IsNot(Scalar),
    IsOneOf(Vec<Scalar>),
    Exists(bool),
    /// Numbers, one of them at least.
    Within {
        min: Option<Scalar>,
        max: Option<Scalar>,
    },
}

/// A string, number, boolean or null.
#[derive(Clone, Debug, PartialEq)]
struct Scalar {
    given: Value,
    /// As it stands in canonical JSON, so that texts compare without being unescaped.
    raw: String,
}

impl Filter {
    /// Reads the JSON form. A mistake names its condition, says what is wrong and what to do.
    pub fn parse(value: &Value) -> Result<Self, FilterError> {
        let list = value.as_array().ok_or(FilterError::NotAList)?;
        let condition = |(at, value): (usize, &Value)| {
            Condition::parse(value).map_err(|wrong| FilterError::Condition { number: at + 1, wrong })
        };
        if list.len() > CONDITIONS_MAX {
            return Err(FilterError::TooMany(list.len()));
        }
        Self::of(list.iter().enumerate().map(condition).collect::<Result<_, _>>()?)
    }

    /// Reads what a person typed, a condition a line; none if there is nothing but blanks. A mistake names its line.
    pub fn from_text(text: &str) -> Result<Option<Self>, FilterError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let conditions = lines
            .map(|(at, line)| {
                text::condition(line.trim()).map_err(|wrong| FilterError::Line { number: at + 1, wrong })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if conditions.is_empty() { Ok(None) } else { Self::of(conditions).map(Some) }
    }

    /// Takes no event, in the place of one that cannot be read.
    pub fn nothing() -> Self {
        let path = Path::parse("data.\"a filter that cannot be read\"").expect("a path");
        let condition = |exists| Condition { path: path.clone(), test: Test::Exists(exists) };
        Self::of(vec![condition(true), condition(false)]).expect("two conditions")
    }

    /// A condition a line; [`Filter::from_text`] reads it back.
    pub fn to_text(&self) -> String {
        self.conditions.iter().map(text::of).collect::<Vec<_>>().join("\n")
    }

    /// Whether an event with these data, canonical JSON, is taken. Reads no further than it must and keeps nothing.
    pub fn matches(&self, data: &[u8]) -> bool {
        read::matches(&self.conditions, &self.tree, data)
    }

    /// What each condition comes to, in their order: for a person who wants to know why.
    pub fn verdict(&self, data: &[u8]) -> Vec<Finding> {
        read::verdict(&self.conditions, &self.tree, data)
    }

    fn of(conditions: Vec<Condition>) -> Result<Self, FilterError> {
        match conditions.len() {
            0 => return Err(FilterError::Empty),
            1..=CONDITIONS_MAX => {}
            many => return Err(FilterError::TooMany(many)),
        }
        let tree = Node::of(&conditions);
        Ok(Self { conditions, tree })
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.conditions == other.conditions
    }
}

impl Condition {
    fn parse(value: &Value) -> Result<Self, Wrong> {
        let given = value.as_object().ok_or(Wrong::NotAnObject)?;
        let known = ["path", "is", "is_not", "is_one_of", "exists", "min", "max"];
        if let Some(name) = given.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Wrong::UnknownField(name.clone()));
        }
        let path = given.get("path").and_then(Value::as_str).ok_or(Wrong::NoPath)?;
        Ok(Self { path: Path::parse(path)?, test: Test::parse(given)? })
    }

    /// Whether it holds when nothing at its path passes the test, and not when anything does.
    fn is_negated(&self) -> bool {
        matches!(self.test, Test::IsNot(_) | Test::Exists(false))
    }
}

impl Test {
    fn parse(given: &Map<String, Value>) -> Result<Self, Wrong> {
        let tests: Vec<&str> =
            given.keys().map(String::as_str).filter(|name| !matches!(*name, "path" | "max")).collect();
        match (tests[..].first(), given.contains_key("max")) {
            (None, false) => return Err(Wrong::NoTest),
            (Some(test), has_max) if tests.len() > 1 || has_max && *test != "min" => {
                return Err(Wrong::SeveralTests);
            }
            _ => {}
        }
        Ok(match tests.first() {
            Some(&"is") => Self::Is(Scalar::parse(&given["is"])?),
            Some(&"is_not") => Self::IsNot(Scalar::parse(&given["is_not"])?),
            Some(&"is_one_of") => {
                let values = given["is_one_of"].as_array().ok_or(Wrong::NotAListOfValues)?;
                Self::one_of(values.iter().map(Scalar::parse).collect::<Result<_, _>>()?)?
            }
            Some(&"exists") => Self::Exists(given["exists"].as_bool().ok_or(Wrong::ExistsIsNoFlag)?),
            _ => {
                let number = |name: &'static str| match given.get(name) {
                    None | Some(Value::Null) => Ok(None),
                    Some(number @ Value::Number(_)) => Scalar::parse(number).map(Some),
                    Some(_) => Err(Wrong::NotANumber(name)),
                };
                Self::within(number("min")?, number("max")?)?
            }
        })
    }

    fn one_of(values: Vec<Scalar>) -> Result<Self, Wrong> {
        match values.len() {
            0 => Err(Wrong::NoValues),
            1..=VALUES_MAX => Ok(Self::IsOneOf(values)),
            many => Err(Wrong::TooManyValues(many)),
        }
    }

    fn within(min: Option<Scalar>, max: Option<Scalar>) -> Result<Self, Wrong> {
        match (&min, &max) {
            (None, None) => Err(Wrong::NoTest),
            (Some(min), Some(max)) if number::compare(&min.raw, &max.raw).is_gt() => Err(Wrong::MinAboveMax),
            _ => Ok(Self::Within { min, max }),
        }
    }

    /// Whether a value that is there, as it stands in the data, passes. For the negated ones: whether it is what must
    /// not be.
    fn is_passed_by(&self, raw: &str) -> bool {
        match self {
            Self::Is(value) | Self::IsNot(value) => value.is(raw),
            Self::IsOneOf(values) => values.iter().any(|value| value.is(raw)),
            Self::Exists(_) => true,
            Self::Within { min, max } => {
                number::is_number(raw)
                    && min.as_ref().is_none_or(|min| number::compare(raw, &min.raw).is_ge())
                    && max.as_ref().is_none_or(|max| number::compare(raw, &max.raw).is_le())
            }
        }
    }
}

impl Scalar {
    fn parse(value: &Value) -> Result<Self, Wrong> {
        let raw = match value {
            Value::Array(_) | Value::Object(_) => return Err(Wrong::NotAValue),
            Value::String(text) if text.chars().count() > TEXT_LENGTH_MAX => return Err(Wrong::LongText),
            Value::String(text) => {
                let mut raw = String::with_capacity(text.len() + 2);
                push_json_string(&mut raw, text);
                raw
            }
            // Beyond 64 bits it would no longer be what was written.
            Value::Number(number)
                if number.is_f64() && number.as_f64().is_none_or(|f| f.abs() >= TWO_TO_64) =>
            {
                return Err(Wrong::NumberTooLarge);
            }
            as_it_stands => as_it_stands.to_string(),
        };
        Ok(Self { given: value.clone(), raw })
    }

    fn is(&self, raw: &str) -> bool {
        self.raw == raw
            || self.given.is_number() && number::is_number(raw) && number::compare(&self.raw, raw).is_eq()
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.conditions.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("path", self.path.as_str())?;
        match &self.test {
            Test::Is(value) => map.serialize_entry("is", &value.given)?,
            Test::IsNot(value) => map.serialize_entry("is_not", &value.given)?,
            Test::IsOneOf(values) => {
                map.serialize_entry("is_one_of", &values.iter().map(|v| &v.given).collect::<Vec<_>>())?;
            }
            Test::Exists(exists) => map.serialize_entry("exists", exists)?,
            Test::Within { min, max } => {
                for (name, number) in [("min", min), ("max", max)] {
                    number.as_ref().map_or(Ok(()), |number| map.serialize_entry(name, &number.given))?;
                }
            }
        }
        map.end()
    }
}
