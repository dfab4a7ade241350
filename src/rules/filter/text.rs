//! Conditions as people type them, a line each: `data.campaign.id = camp_1`, `data.amount 10..20`, `data.x missing`.
use serde_json::Value;

use super::path::{Path, quoted};
use super::{Condition, Scalar, Test, Wrong};

/// Reads a line without blanks around it.
pub(super) fn condition(line: &str) -> Result<Condition, Wrong> {
    let (path, rest) = Path::at_start(line)?;
    Ok(Condition { path, test: test(rest)? })
}

fn test(rest: &str) -> Result<Test, Wrong> {
    let trimmed = rest.trim_start();
    let has_blank = trimmed.len() < rest.len();
    if let Some(value) = trimmed.strip_prefix("==").or_else(|| trimmed.strip_prefix('=')) {
        return Ok(Test::Is(value_of(value.trim())?));
    }
    if let Some(value) = trimmed.strip_prefix("!=") {
        return Ok(Test::IsNot(value_of(value.trim())?));
    }
    if let Some(number) = trimmed.strip_prefix(">=") {
        return Test::within(Some(number_of(number)?), None);
    }
    if let Some(number) = trimmed.strip_prefix("<=") {
        return Test::within(None, Some(number_of(number)?));
    }
    if let Some(sign @ ('<' | '>')) = trimmed.chars().next() {
        return Err(Wrong::Exclusive(sign));
    }
    match trimmed {
        "exists" if has_blank => return Ok(Test::Exists(true)),
        "missing" if has_blank => return Ok(Test::Exists(false)),
        _ => {}
    }
    if let Some(values) =
        trimmed.strip_prefix("in").filter(|values| has_blank && values.starts_with([' ', '\t', '"']))
    {
        return Test::one_of(values_of(values)?);
    }
    if let Some((min, max)) = trimmed.split_once("..").filter(|_| has_blank) {
        let number = |text: &str| if text.trim().is_empty() { Ok(None) } else { number_of(text).map(Some) };
        return Test::within(number(min)?, number(max)?);
    }
    match path_goes_on(rest) {
        Some(other) => Err(Wrong::Path(super::PathError::Character(other))),
        None => Err(Wrong::NoTestOnLine),
    }
}

/// A character right behind the path that belongs to none of the tests.
fn path_goes_on(rest: &str) -> Option<char> {
    rest.chars().next().filter(|first| !first.is_whitespace())
}

fn number_of(text: &str) -> Result<Scalar, Wrong> {
    let text = text.trim();
    match serde_json::from_str(text) {
        Ok(number @ Value::Number(_)) => Scalar::parse(&number),
        _ => Err(Wrong::NoNumber(text.to_owned())),
    }
}

/// In double quotes a text; otherwise a number, true, false or null if it reads as one, or a text as it stands.
fn value_of(text: &str) -> Result<Scalar, Wrong> {
    if text.is_empty() {
        return Err(Wrong::NothingToCompare);
    }
    if text.starts_with('"') {
        return match quoted(text) {
            Ok((text, "")) => Scalar::parse(&Value::String(text)),
            _ => Err(Wrong::Quote),
        };
    }
    match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => Scalar::parse(&value),
        _ => Scalar::parse(&Value::String(text.to_owned())),
    }
}

/// Values with commas between; one in double quotes may hold commas.
fn values_of(text: &str) -> Result<Vec<Scalar>, Wrong> {
    let mut values = Vec::new();
    let mut rest = text.trim();
    loop {
        let end = if rest.starts_with('"') {
            let (_, after) = quoted(rest).map_err(|_| Wrong::Quote)?;
            rest.len() - after.trim_start().len()
        } else {
            rest.find(',').unwrap_or(rest.len())
        };
        let (value, after) = rest.split_at(end);
        values.push(value_of(value.trim())?);
        match after.strip_prefix(',') {
            Some(after) => rest = after.trim(),
            None if after.is_empty() => return Ok(values),
            None => return Err(Wrong::Quote),
        }
    }
}

/// The line that is read back as this condition.
pub(super) fn of(condition: &Condition) -> String {
    let path = condition.path.as_str();
    match &condition.test {
        Test::Is(value) => format!("{path} = {}", shown(value)),
        Test::IsNot(value) => format!("{path} != {}", shown(value)),
        Test::IsOneOf(values) => {
            format!("{path} in {}", values.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Test::Exists(true) => format!("{path} exists"),
        Test::Exists(false) => format!("{path} missing"),
        Test::Within { min: Some(min), max: Some(max) } => format!("{path} {}..{}", min.raw, max.raw),
        Test::Within { min: Some(min), max: None } => format!("{path} >= {}", min.raw),
        Test::Within { min: None, max } => {
            format!("{path} <= {}", max.as_ref().map(shown).unwrap_or_default())
        }
    }
}

/// Texts stand bare where they are read back as the same.
fn shown(value: &Scalar) -> String {
    let Value::String(text) = &value.given else { return value.given.to_string() };
    let is_plain =
        !text.contains([',', '"']) && !text.starts_with('=') && !text.chars().any(char::is_control);
    let is_line = text.trim() == text && text.lines().count() == 1;
    if is_plain && is_line && value_of(text).is_ok_and(|back| back == *value) {
        return text.clone();
    }
    value.raw.clone()
}
