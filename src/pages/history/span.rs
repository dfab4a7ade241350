//! The stretch of time that a list is about: one of a few up to now, or from and to.
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::address::Address;

/// What is offered: the word in the address, its length in hours, and what a person reads.
pub const RANGES: [(&str, i64, &str); 4] = [
    ("1h", 1, "Last hour"),
    ("24h", 24, "Last 24 hours"),
    ("7d", 7 * 24, "Last 7 days"),
    ("30d", 30 * 24, "Last 30 days"),
];

/// From and to, as far as the address names them and they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// At or after.
    pub since: Option<OffsetDateTime>,
    /// Before.
    pub until: Option<OffsetDateTime>,
    /// What of it could not be read.
    pub problems: Vec<(&'static str, String)>,
}

impl Span {
    /// Reads `range`, `since` and `until`; the latter two beat the first.
    pub fn of(address: &Address, now: OffsetDateTime) -> Self {
        let mut span = Self::default();
        for field in ["since", "until"] {
            let Some(text) = address.one(field) else { continue };
            match (read(text), field) {
                (Some(at), "since") => span.since = Some(at),
                (Some(at), _) => span.until = Some(at),
                (None, _) => span.problems.push((field, format!("“{text}” is not a date and time."))),
            }
        }
        if span.since.is_none() && span.until.is_none() {
            span.since = address.one("range").and_then(|word| range_begin(word, now));
        }
        span
    }

    /// What is wrong with `since` or `until`, if anything.
    pub fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|(name, _)| *name == field).map(|(_, message)| message.as_str())
    }
}

/// When a range that is offered begins, if it ends now.
pub fn range_begin(word: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let (_, hours, _) = RANGES.iter().find(|(known, _, _)| *known == word)?;
    Some(now - Duration::hours(*hours))
}

/// The moment that a filter of this name and value is about, if it is about one.
pub fn moment(name: &str, value: &str) -> Option<OffsetDateTime> {
    ["since", "until"].contains(&name).then(|| read(value)).flatten()
}

/// RFC 3339 as in the API, or what a browser's field gives, which is taken for UTC. Always in UTC; none for what lies
/// outside the calendar there.
fn read(text: &str) -> Option<OffsetDateTime> {
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return at.checked_to_offset(UtcOffset::UTC);
    }
    let forms = [
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]"),
        format_description!("[year]-[month]-[day]T[hour]:[minute]"),
    ];
    if let Some(at) = forms.iter().find_map(|form| PrimitiveDateTime::parse(text, form).ok()) {
        return Some(at.assume_utc());
    }
    let day = time::Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
    Some(day.midnight().assume_utc())
}

/// As a browser's field wants it, in UTC; what cannot be read stays as it was typed.
pub fn as_field(text: Option<&str>) -> String {
    let Some(text) = text else { return String::new() };
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    read(text).and_then(|at| at.format(form).ok()).unwrap_or_else(|| text.to_owned())
}

/// A range in words.
pub fn range_words(word: &str) -> String {
    RANGES.iter().find(|(known, _, _)| *known == word).map_or(word, |(_, _, words)| words).to_owned()
}

/// A moment in words; none for what cannot be read.
pub fn as_words(text: &str) -> Option<String> {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    read(text).and_then(|at| at.format(form).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn span(query: &str) -> Span {
        let names = ["range", "since", "until"];
        Span::of(&Address::read("/h", query, &names, &[]), datetime!(2026-11-21 12:00 UTC))
    }

    #[test]
    fn a_range_reaches_back_from_now_and_named_moments_beat_it() {
        assert_eq!(span("range=24h").since, Some(datetime!(2026-11-20 12:00 UTC)));
        let named = span("range=24h&since=2026-11-01T10:30&until=2026-11-02");
        assert_eq!(named.since, Some(datetime!(2026-11-01 10:30 UTC)));
        assert_eq!(named.until, Some(datetime!(2026-11-02 0:00 UTC)));
        assert_eq!(span("since=2026-11-01T10:30:00%2B02:00").since, Some(datetime!(2026-11-01 8:30 UTC)));
    }

    #[test]
    fn a_moment_that_utc_has_no_date_for_is_said_and_not_used() {
        let wrong = span("since=9999-12-31T23:59:00-23:00");
        assert!(wrong.since.is_none() && wrong.problem("since").is_some());
        assert_eq!(as_words("9999-12-31T23:59:00-23:00"), None);
    }

    #[test]
    fn what_is_no_moment_is_said_and_not_used() {
        let wrong = span("since=yesterday");
        assert_eq!(wrong.since, None);
        assert!(wrong.problem("since").is_some_and(|message| message.contains("yesterday")));
        assert_eq!(as_field(Some("yesterday")), "yesterday");
        assert_eq!(as_field(Some("2026-11-01T10:30:00+02:00")), "2026-11-01T08:30");
    }
}
