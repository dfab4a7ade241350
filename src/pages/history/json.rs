//! JSON laid out for reading: every digit, escape and key stays as it was stored, in its order.

/// Deeper levels are indented like this one, so that a deep body stays on the screen.
const INDENT_LEVELS_MAX: usize = 32;

/// A stretch of text of one colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// A class of the style sheet; empty for punctuation and white space.
    pub class: &'static str,
    /// To be escaped like any other text.
    pub text: String,
}

/// The text laid out over lines, two spaces a level; none if it is not JSON.
///
/// Works on the text's own tokens: numbers never become floating point, keys are neither sorted nor merged.
pub fn pretty(text: &str) -> Option<Vec<Piece>> {
    serde_json::from_str::<&serde_json::value::RawValue>(text).ok()?;
    let mut page = Layout::default();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let end = token_end(bytes, at);
        let token = text.get(at..end)?;
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => {}
            b'{' | b'[' => {
                let close = skip_space(bytes, end);
                if matches!(bytes.get(close), Some(b'}' | b']')) {
                    page.push("", token);
                    page.push("", text.get(close..close + 1)?);
                    at = close + 1;
                    continue;
                }
                page.push("", token);
                page.depth += 1;
                page.line();
            }
            b'}' | b']' => {
                page.depth = page.depth.saturating_sub(1);
                page.line();
                page.push("", token);
            }
            b',' => {
                page.push("", token);
                page.line();
            }
            b':' => page.push("", ": "),
            b'"' if bytes.get(skip_space(bytes, end)) == Some(&b':') => page.push("json-key", token),
            b'"' => page.push("json-string", token),
            b't' | b'f' | b'n' => page.push("json-word", token),
            _ => page.push("json-number", token),
        }
        at = end;
    }
    Some(page.pieces)
}

#[derive(Default)]
struct Layout {
    pieces: Vec<Piece>,
    depth: usize,
}

impl Layout {
    fn push(&mut self, class: &'static str, text: &str) {
        match self.pieces.last_mut() {
            Some(last) if last.class == class => last.text.push_str(text),
            _ => self.pieces.push(Piece { class, text: text.to_owned() }),
        }
    }

    fn line(&mut self) {
        self.push("", "\n");
        for _ in 0..self.depth.min(INDENT_LEVELS_MAX) {
            self.push("", "  ");
        }
    }
}

/// Where the token that begins at `start` ends, in text that is known to be JSON.
fn token_end(bytes: &[u8], start: usize) -> usize {
    match bytes[start] {
        b'"' => {
            let mut at = start + 1;
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            (at + 1).min(bytes.len())
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' => start + 1,
        b' ' | b'\n' | b'\r' | b'\t' => skip_space(bytes, start),
        _ => {
            let rest = &bytes[start..];
            let length = rest.iter().position(|b| b" \n\r\t,:]}".contains(b));
            start + length.unwrap_or(rest.len())
        }
    }
}

fn skip_space(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|b| !b" \n\r\t".contains(b)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(pieces: Vec<Piece>) -> String {
        pieces.into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn digits_escapes_and_key_order_stay_as_they_were() {
        let stored = r#"{"b":12345678901234567890.10,"a":["\u00e9\"",{}, [ ]],"b":1E400,"c":true}"#;
        let shown = text_of(pretty(stored).unwrap());
        let expected = "{\n  \"b\": 12345678901234567890.10,\n  \"a\": [\n    \"\\u00e9\\\"\",\n    {},\n    []\n  ],\n  \"b\": 1E400,\n  \"c\": true\n}";
        assert_eq!(shown, expected);
    }

    #[test]
    fn keys_and_texts_are_told_apart() {
        let pieces = pretty(r#"{"a" :"b"}"#).unwrap();
        let of =
            |class| pieces.iter().filter(|p| p.class == class).map(|p| p.text.as_str()).collect::<Vec<_>>();
        assert_eq!(of("json-key"), ["\"a\""]);
        assert_eq!(of("json-string"), ["\"b\""]);
    }

    #[test]
    fn what_is_not_json_is_not_laid_out() {
        for text in ["", "ok", "{", "{'a':1}", "[1,]", "{} {}"] {
            assert_eq!(pretty(text), None, "{text}");
        }
        assert_eq!(text_of(pretty("null").unwrap()), "null");
    }

    #[test]
    fn the_deepest_permitted_json_is_laid_out() {
        let deep = format!("{}1{}", "[".repeat(64), "]".repeat(64));
        assert_eq!(text_of(pretty(&deep).unwrap()).lines().count(), 129);
    }
}
