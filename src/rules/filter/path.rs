//! Where in an event's data a condition looks: `data.order.items[*].sku`, `data.metadata."a.b"`.
use std::fmt;

use super::{PATH_LENGTH_MAX, STEPS_MAX};

/// A path, with the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    text: String,
    pub(super) steps: Vec<Step>,
}

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
    Any,
}

/// Why a path cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PathError {
    Beginning(String),
    NoKey,
    Long,
    Deep,
    /// A character that a bare key cannot hold.
    Character(char),
    Quote,
    Index,
}

impl fmt::Display for PathError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beginning(path) => {
                write!(to, "The path \"{path}\" must begin with \"data.\", such as data.campaign.id.")
            }
            Self::NoKey => {
                write!(to, "The path ends with \".\" or has \"..\". Write a key after each \".\".")
            }
            Self::Long => write!(to, "A path has at most {PATH_LENGTH_MAX} characters. Shorten it."),
            Self::Deep => write!(to, "Data nest at most {STEPS_MAX} deep. Shorten the path."),
            Self::Character(other) => write!(
                to,
                "The path has {other:?} in a key. Put such a key in double quotes: data.metadata.\"a.b\"."
            ),
            Self::Quote => {
                write!(to, "A key in double quotes does not end, or is no JSON text. Close it with \".")
            }
            Self::Index => {
                write!(
                    to,
                    "In brackets stands the number of an element from 0, or * for any: data.items[0].sku."
                )
            }
        }
    }
}

impl Path {
    /// Reads a whole text as a path.
    pub(super) fn parse(text: &str) -> Result<Self, PathError> {
        let (path, rest) = Self::at_start(text.trim())?;
        rest.chars().next().map_or(Ok(path), |other| Err(PathError::Character(other)))
    }

    /// Reads the path that a text begins with, and gives what stands behind it.
    pub(super) fn at_start(text: &str) -> Result<(Self, &str), PathError> {
        let beginning =
            || PathError::Beginning(text.split_whitespace().next().unwrap_or_default().to_owned());
        let mut rest = text.strip_prefix("data").ok_or_else(beginning)?;
        if !rest.starts_with(['.', '[']) {
            return Err(beginning());
        }
        let mut steps = Vec::new();
        loop {
            if let Some(after) = rest.strip_prefix('.') {
                let (key, after) = if after.starts_with('"') { quoted(after)? } else { bare(after)? };
                steps.push(Step::Key(key));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (inside, after) = after.split_once(']').ok_or(PathError::Index)?;
                steps.push(match inside {
                    "*" => Step::Any,
                    digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                        Step::Index(digits.parse().map_err(|_| PathError::Index)?)
                    }
                    _ => return Err(PathError::Index),
                });
                rest = after;
            } else {
                break;
            }
        }
        let read = &text[..text.len() - rest.len()];
        if read.chars().count() > PATH_LENGTH_MAX {
            return Err(PathError::Long);
        }
        if steps.len() > STEPS_MAX {
            return Err(PathError::Deep);
        }
        Ok((Self { text: read.to_owned(), steps }, rest))
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it can lead to several values.
    pub(super) fn is_to_any(&self) -> bool {
        self.steps.contains(&Step::Any)
    }
}

fn bare(text: &str) -> Result<(String, &str), PathError> {
    let ends = |c: char| c.is_whitespace() || c.is_control() || ".[]\"=<>!,".contains(c);
    let (key, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
    if key.is_empty() {
        return Err(PathError::NoKey);
    }
    match rest.chars().next() {
        Some(other @ (']' | '"')) => Err(PathError::Character(other)),
        _ => Ok((key.to_owned(), rest)),
    }
}

/// A JSON string at the start of a text.
pub(super) fn quoted(text: &str) -> Result<(String, &str), PathError> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match strings.next() {
        Some(Ok(key)) => Ok((key, &text[strings.byte_offset()..])),
        _ => Err(PathError::Quote),
    }
}
