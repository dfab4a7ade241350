//! What can be wrong with a filter, in words that say what to do.
use std::fmt;

use super::{CONDITIONS_MAX, PathError, TEXT_LENGTH_MAX, VALUES_MAX};

/// Why a filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FilterError {
    NotAList,
    Empty,
    TooMany(usize),
    /// Counted from 1, in the JSON form.
    Condition {
        number: usize,
        wrong: Wrong,
    },
    /// Counted from 1, in the text form.
    Line {
        number: usize,
        wrong: Wrong,
    },
}

/// What is wrong with one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Wrong {
    NotAnObject,
    NoPath,
    Path(PathError),
    UnknownField(String),
    NoTest,
    SeveralTests,
    NotAValue,
    LongText,
    NotAListOfValues,
    NoValues,
    TooManyValues(usize),
    ExistsIsNoFlag,
    NotANumber(&'static str),
    NumberTooLarge,
    MinAboveMax,
    /// Of the text form: after the path stands no test.
    NoTestOnLine,
    /// Of the text form: `>` or `<`.
    Exclusive(char),
    /// Of the text form: behind `>=` or `<=` or in a range.
    NoNumber(String),
    /// Of the text form.
    Quote,
    /// Of the text form: a blank between commas, or nothing after `=`.
    NothingToCompare,
}

impl FilterError {
    /// Which condition of the JSON form, counted from 0.
    pub fn at(&self) -> Option<usize> {
        match self {
            Self::Condition { number, .. } => Some(number - 1),
            _ => None,
        }
    }
}

impl FilterError {
    /// What of a webhook's settings is wrong: `filter`, or one condition of it, such as `filter.2`, counted from 0.
    pub fn field(&self) -> &'static str {
        self.at().and_then(|at| FIELDS.get(at)).unwrap_or(&"filter")
    }
}

const FIELDS: [&str; CONDITIONS_MAX] = [
    "filter.0",
    "filter.1",
    "filter.2",
    "filter.3",
    "filter.4",
    "filter.5",
    "filter.6",
    "filter.7",
    "filter.8",
    "filter.9",
    "filter.10",
    "filter.11",
    "filter.12",
    "filter.13",
    "filter.14",
    "filter.15",
    "filter.16",
    "filter.17",
    "filter.18",
    "filter.19",
];

impl From<PathError> for Wrong {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl std::error::Error for FilterError {}

impl fmt::Display for FilterError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAList => write!(
                to,
                "A filter is a list of conditions, such as [{{\"path\": \"data.campaign.id\", \"is\": \"camp_1\"}}], or \
                 null for none."
            ),
            Self::Empty => write!(to, "A filter has at least one condition. Send null for no filter."),
            Self::TooMany(many) => write!(
                to,
                "A filter has at most {CONDITIONS_MAX} conditions, and this has {many}. Leave some out, or use a second \
                 webhook."
            ),
            Self::Condition { number, wrong } => write!(to, "Condition {number}: {wrong}"),
            Self::Line { number, wrong } => write!(to, "Line {number}: {wrong}"),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Path(error) => return error.fmt(to),
            Self::UnknownField(name) => {
                return write!(
                    to,
                    "There is no \"{name}\" in a condition. Known are path, is, is_not, is_one_of, exists, min, max."
                );
            }
            Self::LongText => {
                return write!(to, "A text has at most {TEXT_LENGTH_MAX} characters. Shorten it.");
            }
            Self::TooManyValues(many) => {
                return write!(
                    to,
                    "A condition chooses among at most {VALUES_MAX} values, and this has {many}. Leave some out."
                );
            }
            Self::NotANumber(name) => return write!(to, "\"{name}\" must be a number, such as 100."),
            Self::Exclusive(sign) => {
                return write!(to, "Write {sign}= instead of {sign}: limits are part of their range.");
            }
            Self::NoNumber(given) => {
                return write!(to, "\"{given}\" is no number. Write one such as 1000 or 9.5.");
            }
            Self::NotAnObject => "A condition is an object with a path and one test.",
            Self::NoPath => "Name the \"path\" as text, such as \"data.campaign.id\".",
            Self::NoTest => "Add one test: is, is_not, is_one_of, exists, or min and max.",
            Self::SeveralTests => "Keep one test only, and write the others as conditions of their own.",
            Self::NotAValue => "Compare with a text, a number, true, false or null.",
            Self::NotAListOfValues => "\"is_one_of\" must be a list of values, such as [\"a\", \"b\"].",
            Self::NoValues => "The list of values is empty. Name at least one.",
            Self::ExistsIsNoFlag => "\"exists\" must be true or false.",
            Self::NumberTooLarge => {
                "A number has at most 64 bits: up to 18446744073709551615. Use a smaller one."
            }
            Self::MinAboveMax => "The minimum is above the maximum, so nothing would pass. Swap them.",
            Self::NoTestOnLine => {
                "After the path stands = or != and a value, in and values with commas, >= or <= and a number, a range \
                 such as 10..20, exists, or missing."
            }
            Self::Quote => "A text in double quotes does not end where its value ends. Close it with \".",
            Self::NothingToCompare => "A value is missing. Write \"\" for the empty text.",
        };
        to.write_str(text)
    }
}
