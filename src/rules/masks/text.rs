//! A text without structure: addresses, numbers and known values are found in it, escaped in whichever way.
use std::ops::Range;

use super::dots::dotted;
use super::finder::Finder;
use super::{Kind, Rules, field};

/// Longest part of an e-mail address before its `@`, and after it.
const LOCAL_CHARS_MAX: usize = 128;
const DOMAIN_CHARS_MAX: usize = 255;
/// Digits of a number with its country.
const PHONE_DIGITS: Range<usize> = 8..16;
/// Longest name of a field in `name=value`.
const NAME_CHARS_MAX: usize = 120;

/// A character, and where it stands in the text, escaped or not.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub c: char,
    start: usize,
    end: usize,
}

/// A stretch of a text and what takes its place.
type Found = (Range<usize>, String);

/// The text with everything masked that it holds; none if that is nothing.
pub fn masked(text: &str, rules: &Rules, finder: &Finder) -> Option<String> {
    let mut found = Vec::new();
    let as_is = seen(text, false);
    look(&as_is, finder, &mut found);
    if text.contains('+') {
        look(&seen(text, true), finder, &mut found);
    }
    for (range, kind, value) in pairs(text, rules) {
        found.push((range, dotted(kind, &value)));
    }
    replaced(text, found)
}

/// Puts everything in its place; of what overlaps, the first and longest counts for the whole stretch.
pub fn replaced(text: &str, mut found: Vec<Found>) -> Option<String> {
    found.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    let (mut out, mut at) = (String::new(), 0);
    for (range, left) in &found {
        if range.start >= at {
            out.push_str(&text[at..range.start]);
            out.push_str(left);
        }
        at = at.max(range.end);
    }
    out.push_str(&text[at..]);
    (out != text).then_some(out)
}

/// The values of a form or query that a rule is for.
pub fn pairs(text: &str, rules: &Rules) -> Vec<(Range<usize>, Kind, String)> {
    let is_break = |c: char| c.is_whitespace() || matches!(c, '&' | '?' | ';' | '"' | '\'' | '<' | '>' | '#');
    let mut found = Vec::new();
    let mut begin = 0;
    for part in text.split_inclusive(is_break) {
        let here = begin..begin + part.trim_end_matches(is_break).len();
        begin += part.len();
        let Some((name, value)) = text[here.clone()].split_once('=') else { continue };
        if name.is_empty() || value.is_empty() || name.len() > NAME_CHARS_MAX {
            continue;
        }
        if let Some(kind) = judge(&decoded(name), rules).filter(|kind| *kind != Kind::Shown) {
            found.push((here.end - value.len()..here.end, kind, decoded(value)));
        }
    }
    found
}

/// What a field named `customer[email]` or `customer.email` holds.
pub fn judge(name: &str, rules: &Rules) -> Option<Kind> {
    let mut keys: Vec<field::Key> =
        name.split(['.', '[', ']', '/']).filter(|part| !part.is_empty()).map(field::Key::of).collect();
    let last = keys.pop()?;
    let above: Vec<field::Names> = keys.into_iter().map(|key| field::Names(vec![key])).collect();
    rules.judge(&last, &above.iter().collect::<Vec<_>>())
}

fn decoded(text: &str) -> String {
    seen(text, true).iter().map(|one| one.c).collect()
}

fn look(seen: &[Seen], finder: &Finder, found: &mut Vec<Found>) {
    let mut add = |from: usize, to: usize, left: String| {
        found.push((seen[from].start..seen[to - 1].end, left));
    };
    for (at, one) in seen.iter().enumerate() {
        if let Some((end, left)) = finder.longest(seen, at) {
            add(at, end, left.to_owned());
        }
        let span = match one.c {
            '@' => email(seen, at).map(|span| (span, Kind::Email)),
            '+' => phone(seen, at).map(|span| (span, Kind::Phone)),
            _ => None,
        };
        if let Some((span, kind)) = span {
            let value: String = seen[span.clone()].iter().map(|one| one.c).collect();
            add(span.start, span.end, dotted(kind, &value));
        }
    }
}

/// The e-mail address around an `@`.
fn email(seen: &[Seen], at: usize) -> Option<Range<usize>> {
    let is_local = |one: &&Seen| one.c.is_alphanumeric() || "._%+'-!#$*/?^`{|}~".contains(one.c);
    let is_domain = |one: &&Seen| one.c.is_alphanumeric() || matches!(one.c, '.' | '-');
    let before = seen[..at].iter().rev().take(LOCAL_CHARS_MAX).take_while(is_local).count();
    let mut after = seen[at + 1..].iter().take(DOMAIN_CHARS_MAX).take_while(is_domain).count();
    while after > 0 && !seen[at + after].c.is_alphanumeric() {
        after -= 1;
    }
    let domain: String = seen[at + 1..=at + after].iter().map(|one| one.c).collect();
    let top = domain.rsplit_once('.').filter(|(host, _)| !host.is_empty())?.1;
    let is_top = top.chars().count() >= 2 && top.chars().any(char::is_alphabetic);
    (before > 0 && is_top).then_some(at - before..at + 1 + after)
}

/// The number that begins with a `+`.
fn phone(seen: &[Seen], at: usize) -> Option<Range<usize>> {
    if at > 0 && seen[at - 1].c.is_alphanumeric() {
        return None;
    }
    let (mut digits, mut end) = (0, at + 1);
    let mut gap = 0;
    for (n, one) in seen.iter().enumerate().skip(at + 1) {
        if one.c.is_ascii_digit() {
            (digits, gap, end) = (digits + 1, 0, n + 1);
        } else if matches!(one.c, ' ' | '-' | '(' | ')' | '.' | '/') && gap < 2 && n > at + 1 {
            gap += 1;
        } else {
            break;
        }
        if digits == PHONE_DIGITS.end {
            return None;
        }
    }
    PHONE_DIGITS.contains(&digits).then_some(at..end)
}

/// The characters of a text, with `%40`, `\u0040`, `\"` and `&#64;` read. `with_plus`: a plus is a space, as in forms.
fn seen(text: &str, with_plus: bool) -> Vec<Seen> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let (c, length) = match c {
            '%' => percent(&text[at..]).unwrap_or((c, 1)),
            '\\' => backslash(&text[at..]).unwrap_or((c, 1)),
            '&' => entity(&text[at..]).unwrap_or((c, 1)),
            '+' if with_plus => (' ', 1),
            _ => (c, c.len_utf8()),
        };
        out.push(Seen { c, start: at, end: at + length });
        at += length;
    }
    out
}

/// One character of up to four `%XX`.
fn percent(text: &str) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    for n in 0..4 {
        let hex = text.get(n * 3..n * 3 + 3)?.strip_prefix('%')?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        if let Ok(one) = std::str::from_utf8(&bytes) {
            return one.chars().next().map(|c| (c, (n + 1) * 3));
        }
    }
    None
}

fn backslash(text: &str) -> Option<(char, usize)> {
    match text[1..].chars().next()? {
        'u' => {
            let unit = |at: usize| u16::from_str_radix(text.get(at..at + 4)?, 16).ok();
            let first = unit(2)?;
            if let Some(c) = char::from_u32(u32::from(first)) {
                return Some((c, 6));
            }
            let second = text.get(6..8).filter(|begin| *begin == "\\u").and_then(|_| unit(8))?;
            let c = char::decode_utf16([first, second]).next()?.ok()?;
            Some((c, 12))
        }
        c @ ('"' | '\\' | '/') => Some((c, 2)),
        'n' | 'r' | 't' => Some((' ', 2)),
        _ => None,
    }
}

fn entity(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let c = match text.get(1..end)? {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "commat" => '@',
        "plus" => '+',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}
