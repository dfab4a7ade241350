//! CSV as of RFC 4180: names first, lines end with CR LF, what needs quotes has them.
use std::borrow::Cow;

use crate::models::deliveries::Delivery;
use crate::rules::body::iso_ms;
use crate::rules::catalogue;

/// A column of a CSV export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Column {
    Id,
    Status,
    EventId,
    EventType,
    WebhookId,
    Webhook,
    TargetUrl,
    Test,
    CreatedAt,
    NextAttemptAt,
    EndedAt,
    AttemptCount,
    LastResponseStatus,
    FailureKind,
    FailureDetail,
}

impl Column {
    /// Every column, in the order of the file, with its name in the first line.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::Id, "id"),
        (Self::Status, "status"),
        (Self::EventId, "event_id"),
        (Self::EventType, "event_type"),
        (Self::WebhookId, "webhook_id"),
        (Self::Webhook, "webhook"),
        (Self::TargetUrl, "target_url"),
        (Self::Test, "test"),
        (Self::CreatedAt, "created_at"),
        (Self::NextAttemptAt, "next_attempt_at"),
        (Self::EndedAt, "ended_at"),
        (Self::AttemptCount, "attempt_count"),
        (Self::LastResponseStatus, "last_response_status"),
        (Self::FailureKind, "last_failure_kind"),
        (Self::FailureDetail, "last_failure_detail"),
    ];

    /// All of them.
    pub fn all() -> Vec<Self> {
        Self::ALL.iter().map(|(column, _)| *column).collect()
    }

    /// Reads a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(column, _)| *column)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(column, _)| *column == self).map_or("", |(_, name)| name)
    }
}

/// What of a delivery stands in another table.
pub(super) struct Names<'a> {
    pub(super) webhook: &'a str,
    pub(super) target_url: &'a str,
}

/// The first line.
pub(super) fn head(columns: &[Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    names.join(",") + "\r\n"
}

/// A delivery's line.
pub(super) fn line(columns: &[Column], delivery: &Delivery, names: &Names<'_>, out: &mut String) {
    for (n, column) in columns.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        put(&value(*column, delivery, names), out);
    }
    out.push_str("\r\n");
}

fn value<'a>(column: Column, of: &'a Delivery, names: &Names<'a>) -> Cow<'a, str> {
    let failure = of.last_failure.as_ref();
    match column {
        Column::Id => of.id.to_string().into(),
        Column::Status => of.status.as_str().into(),
        Column::EventId => of.event.with_prefix(catalogue::id_prefix(&of.event_type)).into(),
        Column::EventType => of.event_type.as_str().into(),
        Column::WebhookId => of.webhook.to_string().into(),
        Column::Webhook => names.webhook.into(),
        Column::TargetUrl => names.target_url.into(),
        Column::Test => if of.test { "true" } else { "false" }.into(),
        Column::CreatedAt => iso_ms(of.created_at).into(),
        Column::NextAttemptAt => of.next_attempt_at.map(iso_ms).unwrap_or_default().into(),
        Column::EndedAt => of.ended_at.map(iso_ms).unwrap_or_default().into(),
        Column::AttemptCount => of.attempt_count.to_string().into(),
        Column::LastResponseStatus => {
            of.last_response_status.map(|status| status.to_string()).unwrap_or_default().into()
        }
        Column::FailureKind => failure.map_or("", |failure| failure.kind.as_str()).into(),
        Column::FailureDetail => failure.map_or("", |failure| failure.detail.as_str()).into(),
    }
}

/// A value, safe for a spreadsheet: an apostrophe before what it would run, quotes round what would end the value.
fn put(value: &str, out: &mut String) {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let needs_quotes = value.contains([',', '"', '\r', '\n']) || value != value.trim();
    if needs_quotes {
        out.push('"');
    }
    if is_formula {
        out.push('\'');
    }
    if needs_quotes {
        out.push_str(&value.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> String {
        let mut out = String::new();
        put(value, &mut out);
        out
    }

    #[test]
    fn what_would_end_a_value_stands_in_quotes() {
        for (value, line) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("a\r\nb", "\"a\r\nb\""),
            (" a", "\" a\""),
        ] {
            assert_eq!(written(value), line);
        }
    }

    #[test]
    fn a_spreadsheet_runs_nothing() {
        for (value, line) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(written(value), line);
        }
    }

    #[test]
    fn every_column_has_a_name_of_its_own_and_is_read_by_it() {
        for (column, name) in Column::ALL {
            assert_eq!((Column::of_name(name), column.name()), (Some(column), name));
        }
        assert_eq!(Column::of_name("no_such"), None);
    }
}
