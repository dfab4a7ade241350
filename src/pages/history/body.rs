//! A request's or response's body on the page: JSON laid out, text as it is, anything else as the head of a dump.
use std::fmt::Write as _;

use super::json::{self, Piece};

/// Text past this many bytes is shown in one colour: tens of thousands of coloured pieces make a page slow.
const COLOURED_BYTES_MAX: usize = 96 * 1024;
/// So much of a body that is not text is shown.
const DUMP_BYTES_MAX: usize = 512;

/// How a person wants to see a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// JSON over lines, in colours.
    #[default]
    Pretty,
    /// As sent or received.
    Raw,
    /// What has changed since the attempt before, of JSON over lines.
    Difference,
}

impl Layout {
    /// The word in the page's address; the usual one for anything unknown.
    pub fn of_word(word: Option<&str>) -> Self {
        match word {
            Some("raw") => Self::Raw,
            Some("diff") => Self::Difference,
            _ => Self::Pretty,
        }
    }

    /// What the address of a page in this layout ends with.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Pretty => "",
            Self::Raw => "&view=raw",
            Self::Difference => "&view=diff",
        }
    }

    /// Whether it is the plain one.
    pub fn is_raw(self) -> bool {
        self == Self::Raw
    }
}

/// What a body turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No bytes at all.
    Empty,
    /// JSON, as a whole.
    Json,
    /// UTF-8.
    Text,
    /// Neither.
    Bytes,
}

/// A body, ready to print.
#[derive(Clone, Debug)]
pub struct Body {
    /// What it is.
    pub kind: Kind,
    /// Its text in pieces; the page escapes them.
    pub pieces: Vec<Piece>,
    /// Its length in words.
    pub size: String,
    /// Whether its lines are ours, to be kept whole.
    pub is_laid_out: bool,
}

impl Body {
    /// Makes any bytes presentable.
    pub fn of(bytes: &[u8], layout: Layout) -> Self {
        let size = size_words(bytes.len());
        let (kind, pieces) = match std::str::from_utf8(bytes) {
            Ok("") => (Kind::Empty, Vec::new()),
            Ok(text) => of_text(text, layout),
            Err(_) => (Kind::Bytes, plain(dump(bytes))),
        };
        let is_laid_out = kind == Kind::Bytes || kind == Kind::Json && !layout.is_raw();
        Self { kind, pieces, size, is_laid_out }
    }

    /// The same with the length of what was sent, of which this may be a masked copy.
    pub fn with_length(self, bytes: usize) -> Self {
        Self { size: size_words(bytes), ..self }
    }

    /// Whether there is a choice between two layouts.
    pub fn is_json(&self) -> bool {
        self.kind == Kind::Json
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.kind == Kind::Empty
    }

    /// Whether only the head is shown, as a dump.
    pub fn is_dump(&self) -> bool {
        self.kind == Kind::Bytes
    }
}

fn of_text(text: &str, layout: Layout) -> (Kind, Vec<Piece>) {
    match json::pretty(text) {
        Some(_) if layout.is_raw() => (Kind::Json, plain(visible(text))),
        Some(pieces) if text.len() > COLOURED_BYTES_MAX => {
            (Kind::Json, plain(pieces.into_iter().map(|piece| piece.text).collect()))
        }
        Some(mut pieces) => {
            pieces.iter_mut().for_each(|piece| piece.text = visible(&piece.text));
            (Kind::Json, pieces)
        }
        None => (Kind::Text, plain(visible(text))),
    }
}

/// A body's text as it is shown, without colours.
pub fn shown_text(body: &Body) -> String {
    body.pieces.iter().map(|piece| piece.text.as_str()).collect()
}

fn plain(text: String) -> Vec<Piece> {
    vec![Piece { class: "", text }]
}

/// Control characters as their pictures, so that what cannot be seen cannot mislead. Direction marks among them.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            '\u{80}'..='\u{9f}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            _ => c,
        })
        .collect()
}

fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (row, chunk) in bytes[..bytes.len().min(DUMP_BYTES_MAX)].chunks(16).enumerate() {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let seen: String = chunk
            .iter()
            .map(|&b| if b.is_ascii_graphic() || b == b' ' { char::from(b) } else { '.' })
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:04x}  {:<47}  {seen}", row * 16, hex.join(" "));
    }
    text
}

/// `0 bytes`, `873 bytes`, `12.4 KiB`.
pub fn size_words(bytes: usize) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..=1023 => format!("{bytes} bytes"),
        _ => format!("{:.1} KiB", bytes as f64 / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(body: &Body) -> String {
        body.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn text_shows_its_control_characters() {
        let body = Body::of(b"a\x00b\r\n\x1b[31mred\x7f", Layout::Pretty);
        assert_eq!(body.kind, Kind::Text);
        assert_eq!(text_of(&body), "a␀b␍\n␛[31mred␡");
    }

    #[test]
    fn a_right_to_left_mark_cannot_turn_the_text_around() {
        assert_eq!(text_of(&Body::of("a\u{202e}b".as_bytes(), Layout::Raw)), "a\u{fffd}b");
    }

    #[test]
    fn bytes_that_are_no_text_are_dumped_up_to_a_limit() {
        let body = Body::of(&[0xff; 4096], Layout::Pretty);
        assert_eq!(body.kind, Kind::Bytes);
        assert_eq!(text_of(&body).lines().count(), DUMP_BYTES_MAX / 16);
        assert!(text_of(&body).starts_with("0000  ff ff"));
    }

    #[test]
    fn raw_json_is_left_alone() {
        let stored = br#"{"a":1.50}"#;
        assert_eq!(text_of(&Body::of(stored, Layout::Raw)), r#"{"a":1.50}"#);
        assert_eq!(text_of(&Body::of(stored, Layout::Pretty)), "{\n  \"a\": 1.50\n}");
    }
}
