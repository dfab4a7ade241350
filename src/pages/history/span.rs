//! The stretch of time that a list is about: one of a few up to now, or from and to.
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};

use super::address::Address;

/// What is offered: the word in the address, its length in hours, and what a person reads.
pub const RANGES: [(&str, i64, &str); 4] = [
    ("1h", 1, "Last hour"),
    ("24h", 24, "Last 24 hours"),
    ("7d", 7 * 24, "Last 7 days"),
    ("30d", 30 * 24, "Last 30 days"),
];

/// What the field of ranges is called while from or to is set: a range that is chosen then takes their place.
pub const RANGE_INSTEAD: &str = "range_instead";

/// The address with a range or with from and to, whichever holds, so that it names nothing without effect: a range
/// chosen anew takes the place of both ends, else an end beats a range.
pub fn settled(address: Address) -> Address {
    if address.one(RANGE_INSTEAD).is_some() {
        address.drop_all("range").drop_all("since").drop_all("until").rename(RANGE_INSTEAD, "range")
    } else if has_end(&address) {
        address.drop_all("range")
    } else {
        address
    }
}

/// Whether from or to is set.
pub fn has_end(address: &Address) -> bool {
    address.one("since").or(address.one("until")).is_some()
}

/// From and to, as far as the address names them and they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// At or after.
    pub since: Option<OffsetDateTime>,
    /// Before.
    pub until: Option<OffsetDateTime>,
    /// What is wrong with it, each with the field at fault.
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
                (None, _) => span
                    .problems
                    .push((field, format!("“{text}” is not a date and time such as 2026-01-31 12:00."))),
            }
        }
        if span.since.zip(span.until).is_some_and(|(since, until)| since >= until) {
            span.problems.push(("until", "Until has to be later than Since.".to_owned()));
        }
        if span.since.is_none() && span.until.is_none() {
            span.since = address.one("range").and_then(|word| range_begin(word, now));
        }
        span
    }

    /// The first thing that is wrong, or nothing.
    pub fn first_problem(&self) -> &str {
        self.problems.first().map_or("", |(_, message)| message)
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

/// RFC 3339 as in the API, also without its seconds, or without its offset as a browser's field gives it, which is UTC
/// then; or a day alone. Always in UTC; none for what lies outside the calendar there.
fn read(text: &str) -> Option<OffsetDateTime> {
    if let Ok(day) = time::Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return Some(day.midnight().assume_utc());
    }
    let (minute, rest) = text.split_at_checked("2026-01-31T12:00".len())?;
    let seconds = if rest.starts_with(':') { "" } else { ":00" };
    let offset = if rest.contains(['Z', 'z', '+', '-']) { "" } else { "Z" };
    let whole = format!("{}{seconds}{rest}{offset}", minute.replacen(' ', "T", 1));
    OffsetDateTime::parse(&whole, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)
}

/// A moment as a browser's field holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsField {
    /// In UTC with as many digits as it takes; what no such field can hold stays as it was typed.
    pub value: String,
    /// Seconds from one value to the next; none for minutes, and for what is typed.
    pub step: Option<&'static str>,
    /// Whether only a field for text can hold it.
    pub is_text: bool,
}

/// What a field is to show for a filter.
pub fn as_field(text: Option<&str>) -> AsField {
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let millis = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]");
    let text = text.unwrap_or_default();
    // No browser's field knows the year 0.
    let shown = read(text).filter(|at| at.year() > 0).and_then(|at| {
        let (value, step) = match (at.second(), at.millisecond()) {
            (0, 0) => (at.format(minutes), None),
            (_, 0) => (at.format(seconds), Some("1")),
            _ => (at.format(millis), Some("0.001")),
        };
        Some(AsField { value: value.ok()?, step, is_text: false })
    });
    let typed = || AsField { value: text.to_owned(), step: None, is_text: !text.is_empty() };
    shown.unwrap_or_else(typed)
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
    }

    #[test]
    fn a_moment_may_lack_its_seconds_or_its_offset() {
        let at = Some(datetime!(2026-11-21 10:00 UTC));
        for text in [
            "2026-11-21T10:00Z",
            "2026-11-21T10:00",
            "2026-11-21 10:00",
            "2026-11-21T12:00+02:00",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00:00.000",
            "2026-11-21T10:00:00z",
        ] {
            assert_eq!(read(text), at, "{text}");
        }
        for text in ["2026-11-21T10", "2026-11-21T10:0é", "2026-11-21T10:00:", "2026-11-21T10:00 UTC", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_field_holds_the_whole_moment_or_what_was_typed() {
        for (text, value, step, is_text) in [
            ("2026-11-01T10:30:00+02:00", "2026-11-01T08:30", None, false),
            ("2026-11-21T10:30:45Z", "2026-11-21T10:30:45", Some("1"), false),
            ("2026-11-21T10:30:00.5Z", "2026-11-21T10:30:00.500", Some("0.001"), false),
            ("yesterday", "yesterday", None, true),
            ("0000-01-01", "0000-01-01", None, true),
            ("", "", None, false),
        ] {
            assert_eq!(as_field(Some(text)), AsField { value: value.to_owned(), step, is_text }, "{text}");
        }
    }

    #[test]
    fn an_end_before_its_beginning_is_said() {
        assert!(span("since=2026-11-02&until=2026-11-01").problem("until").is_some());
        assert!(span("since=2026-11-01&until=2026-11-01").problem("until").is_some());
        assert!(span("since=2026-11-01&until=2026-11-02").problems.is_empty());
    }

    #[test]
    fn of_a_range_and_ends_only_what_holds_stays() {
        let link = |query: &str| {
            let names = ["range", RANGE_INSTEAD, "since", "until"];
            settled(Address::read("/h", query, &names, &[])).link()
        };
        assert_eq!(link("range=1h&until=2026-11-02"), "/h?until=2026-11-02");
        assert_eq!(link("range_instead=1h&since=2026-11-01&until=2026-11-02"), "/h?range=1h");
        assert_eq!(link("range_instead=&since=2026-11-01"), "/h?since=2026-11-01");
        assert_eq!(link("range=1h"), "/h?range=1h");
    }
}
