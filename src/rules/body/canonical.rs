//! JSON in the one form that `JSON.stringify(JSON.parse(text))` leaves as it is.
//!
//! Some receivers parse a body and print it again before they check its signature; they agree only with a body in
//! this form: no blanks, numbers and escapes as ECMAScript writes them, keys in the order that JavaScript keeps.
//! One pass checks and rewrites at once. Whatever is already in form is not copied, neither as a whole nor in part
//! until the first byte that has to change.

use std::borrow::Cow;
use std::fmt;

use super::scan::Scan;

/// Deepest nesting of objects and arrays, the outermost counted.
pub const DEPTH_MAX: usize = 64;

/// Why a text can't be a body, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyError {
    pub kind: BodyErrorKind,
    /// Offset in bytes from the start.
    pub offset: usize,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// What is wrong with a text that should be a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyErrorKind {
    /// Valid JSON, but not an object.
    NotAnObject,
    /// Not UTF-8.
    Encoding,
    /// The text ends in the middle.
    Ends,
    /// Something else should stand here; says what.
    Expected(&'static str),
    /// A control character in a string, which JSON wants escaped.
    Control,
    /// Half of a surrogate pair: no character, and lost by many receivers.
    LoneSurrogate,
    /// A number that JavaScript reads as infinite.
    NumberTooLarge,
    /// More than 64 levels.
    TooDeep,
}

impl fmt::Display for BodyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("this must be a JSON object"),
            Self::Encoding => f.write_str("this is not UTF-8"),
            Self::Ends => f.write_str("the JSON ends too early"),
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::Control => f.write_str("control characters in a string have to be escaped"),
            Self::LoneSurrogate => f.write_str("half of a surrogate pair is not a character"),
            Self::NumberTooLarge => {
                f.write_str("this number is too large: JSON readers take it for infinite")
            }
            Self::TooDeep => write!(f, "objects and arrays may be nested {DEPTH_MAX} levels deep"),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.kind)
    }
}

impl std::error::Error for BodyError {}

/// Turns a JSON object into canonical form, a fixed point of `JSON.stringify(JSON.parse(text))`.
///
/// Integers too large for a double (beyond 2^53) pass digit for digit, the one exception. Numbers that would be
/// infinite, lone surrogates, more than 64 levels, invalid UTF-8 and anything but an object are refused.
/// Text that is in form already is borrowed.
pub fn canonical(raw: &[u8]) -> Result<Cow<'_, [u8]>, BodyError> {
    let failed = |(kind, offset)| located(raw, kind, offset);
    if let Err(error) = std::str::from_utf8(raw) {
        return Err(failed((BodyErrorKind::Encoding, error.valid_up_to())));
    }
    let mut scan = Scan::new(raw);
    let text = scan.text().map_err(failed)?;
    if let Some(more) = raw[text.end..].iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\t' | b'\r'))
    {
        return Err(failed((BodyErrorKind::Expected("nothing more"), text.end + more)));
    }
    if raw[text.start] != b'{' {
        return Err(failed((BodyErrorKind::NotAnObject, text.start)));
    }
    Ok(match scan.rewritten() {
        Some(rewritten) => Cow::Owned(rewritten),
        None => Cow::Borrowed(&raw[text]),
    })
}

#[cold]
fn located(raw: &[u8], kind: BodyErrorKind, offset: usize) -> BodyError {
    let before = &raw[..offset];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    // Characters are counted by the bytes that begin one.
    let column = 1 + before[line_start..].iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    BodyError { kind, offset, line: 1 + before.iter().filter(|byte| **byte == b'\n').count(), column }
}

#[cfg(test)]
mod tests;
