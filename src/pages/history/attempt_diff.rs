//! What has changed between two attempts, line by line.
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::body::{Body, Layout, shown_text};

/// Longer bodies are not compared.
const BYTES_MAX: usize = 256 * 1024;
/// A comparison takes at most this long; then it is coarser than it could be.
const TIME_MAX: Duration = Duration::from_millis(60);
/// So many lines are shown.
const LINES_MAX: usize = 2_000;
/// Of a line so many characters are shown.
const LINE_CHARS_MAX: usize = 4_000;
/// Unchanged lines around what has changed.
const CONTEXT: usize = 3;

/// Two texts compared, ready to print.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// A sentence: that they are the same, or how to read what follows.
    pub said: String,
    /// What has changed with some lines around it; none if there is nothing to show but the text itself.
    pub lines: Vec<Line>,
}

/// A line of the difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// A class of the style sheet.
    pub class: &'static str,
    /// `+`, `−` or a space: colours alone tell nobody.
    pub mark: char,
    /// To be escaped like any other text.
    pub text: String,
}

impl Difference {
    /// Of two bodies; `before` is that of the attempt with this number. None stands for a body that is not kept.
    pub fn of_bodies(before: Option<&[u8]>, after: Option<&[u8]>, number: usize) -> Self {
        let said = |said: String| Self { said, lines: Vec::new() };
        match (before, after) {
            (Some(before), Some(after)) if before == after => said(format!("Same as attempt {number}.")),
            (Some(before), Some(after)) if before.len().max(after.len()) > BYTES_MAX => {
                said(format!("Not the same as attempt {number}, and too long to compare line by line."))
            }
            (Some(before), Some(after)) => {
                let text = |bytes| shown_text(&Body::of(bytes, Layout::Pretty));
                Self::of_texts(&text(before), &text(after), number)
            }
            (None, Some(_)) => said(format!("Attempt {number} has none to compare with.")),
            (_, None) => said(String::new()),
        }
    }

    /// Of two lists of headers.
    pub fn of_headers(before: &[(String, String)], after: &[(String, String)], number: usize) -> Self {
        let text = |headers: &[(String, String)]| -> String {
            headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
        };
        match before == after {
            true => Self { said: format!("Same as attempt {number}."), lines: Vec::new() },
            false => Self::of_texts(&text(before), &text(after), number),
        }
    }

    fn of_texts(before: &str, after: &str, number: usize) -> Self {
        let compared = TextDiff::configure().timeout(TIME_MAX).diff_lines(before, after);
        let mut lines = Vec::new();
        for (n, group) in compared.grouped_ops(CONTEXT).iter().enumerate() {
            if n > 0 {
                lines.push(Line { class: "diff-gap", mark: ' ', text: "…".to_owned() });
            }
            for change in group.iter().flat_map(|op| compared.iter_changes(op)) {
                lines.push(Line::of(change.tag(), change.value()));
            }
        }
        let left = lines.len().saturating_sub(LINES_MAX);
        lines.truncate(LINES_MAX);
        let said = match (lines.is_empty(), left) {
            (true, _) => format!(
                "Not the same as attempt {number}, but for how it is laid out, or past what is shown."
            ),
            (false, 0) => format!("− only in attempt {number}, + only in this one."),
            (false, left) => {
                format!("− only in attempt {number}, + only in this one. {left} more lines are not shown.")
            }
        };
        Self { said, lines }
    }
}

impl Line {
    fn of(tag: ChangeTag, text: &str) -> Self {
        let (class, mark) = match tag {
            ChangeTag::Delete => ("diff-less", '−'),
            ChangeTag::Insert => ("diff-more", '+'),
            ChangeTag::Equal => ("", ' '),
        };
        let text = text.trim_end_matches('\n');
        let end = text.char_indices().nth(LINE_CHARS_MAX).map(|(at, _)| at);
        let text = end.map_or_else(|| text.to_owned(), |end| format!("{}…", &text[..end]));
        Self { class, mark, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;

    fn marked(difference: &Difference) -> Vec<String> {
        difference.lines.iter().map(|line| format!("{}{}", line.mark, line.text.trim())).collect()
    }

    #[test]
    fn json_is_compared_by_its_lines_however_it_was_written() {
        let one = Difference::of_bodies(Some(br#"{"a":1,"b":2}"#), Some(br#"{"a": 1, "b": 3}"#), 2);
        assert_eq!(marked(&one), [" {", " \"a\": 1,", "−\"b\": 2", "+\"b\": 3", " }"]);
        assert!(one.said.contains("attempt 2"));
        let laid_out = Difference::of_bodies(Some(b"{\"a\":1}"), Some(b"{ \"a\":1}"), 2);
        assert!(laid_out.lines.is_empty() && laid_out.said.starts_with("Not the same"));
    }

    #[test]
    fn what_is_the_same_says_so_and_what_is_missing_too() {
        assert_eq!(Difference::of_bodies(Some(b"x"), Some(b"x"), 3).said, "Same as attempt 3.");
        assert!(Difference::of_bodies(None, Some(b"x"), 3).said.contains("none to compare"));
        let headers = [("date".to_owned(), "1".to_owned())];
        assert_eq!(Difference::of_headers(&headers, &headers, 1).said, "Same as attempt 1.");
    }

    #[test]
    fn a_hostile_pair_takes_no_longer_than_it_may() {
        let text = |step: usize| -> String { (0..60_000).map(|n| format!("{}\n", n * step % 977)).collect() };
        let stopwatch = Clock::system().stopwatch();
        let found = Difference::of_bodies(Some(text(7).as_bytes()), Some(text(31).as_bytes()), 1);
        assert!(found.lines.len() <= LINES_MAX);
        // Generous: debug builds on busy machines lay the text out, too.
        assert!(stopwatch.elapsed() < Duration::from_secs(10), "{:?}", stopwatch.elapsed());
    }
}
