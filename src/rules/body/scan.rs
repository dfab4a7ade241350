//! The one pass that checks JSON and brings it into canonical form.

use std::ops::Range;

use super::canonical::{BodyErrorKind, DEPTH_MAX};
use super::order::{self, Key};

/// What is wrong, and at which byte.
pub(super) type Fault = (BodyErrorKind, usize);

/// The pass over the text. The result so far is `out`, followed by `input[flushed..pos]`, which stands unchanged.
pub(super) struct Scan<'a> {
    input: &'a [u8],
    pos: usize,
    out: Vec<u8>,
    flushed: usize,
    /// Keys of the objects that are open, the innermost's last.
    keys: Vec<Key>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self { input, pos: 0, out: Vec::new(), flushed: 0, keys: Vec::new() }
    }

    /// Reads one value and says where it stands; blanks before it are skipped.
    pub(super) fn text(&mut self) -> Result<Range<usize>, Fault> {
        self.skip_blanks();
        let start = self.pos;
        self.value(0)?;
        Ok(start..self.pos)
    }

    /// The value in canonical form, none where it stands so in the input.
    pub(super) fn rewritten(mut self) -> Option<Vec<u8>> {
        if self.out.is_empty() {
            return None;
        }
        self.flush(self.pos);
        Some(self.out)
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.pos).copied()
    }

    fn fail<T>(&self, kind: BodyErrorKind) -> Result<T, Fault> {
        Err(if self.pos >= self.input.len() {
            (BodyErrorKind::Ends, self.input.len())
        } else {
            (kind, self.pos)
        })
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.peek() != Some(byte) {
            return self.fail(BodyErrorKind::Expected(what));
        }
        self.pos += 1;
        Ok(())
    }

    /// Where in the result the next byte will stand.
    fn out_pos(&self) -> usize {
        self.out.len() + self.pos - self.flushed
    }

    /// Writes what stood unchanged up to `end`.
    fn flush(&mut self, end: usize) {
        self.out.extend_from_slice(&self.input[self.flushed..end]);
        self.flushed = end;
    }

    /// Puts `text` in place of what was read since `from`.
    fn replace(&mut self, from: usize, text: &[u8]) {
        self.flush(from);
        self.out.extend_from_slice(text);
        self.flushed = self.pos;
    }

    /// A part of the result that was not torn by a flush: all of it in `out`, or none.
    fn result(&self, range: &Range<usize>) -> &[u8] {
        match range.start.checked_sub(self.out.len()) {
            None => &self.out[range.clone()],
            Some(ahead) => &self.input[self.flushed + ahead..][..range.len()],
        }
    }

    #[inline]
    fn skip_blanks(&mut self) {
        let from = self.pos;
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.pos += 1;
        }
        if self.pos > from {
            self.replace(from, b"");
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        match self.peek() {
            Some(b'{' | b'[') if depth == DEPTH_MAX => self.fail(BodyErrorKind::TooDeep),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.fail(BodyErrorKind::Expected("a value")),
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Fault> {
        for byte in word {
            self.expect(*byte, "true, false or null")?;
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        self.pos += 1;
        self.skip_blanks();
        if self.peek() == Some(b']') {
            self.pos += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.skip_blanks();
            if self.peek() == Some(b']') {
                self.pos += 1;
                return Ok(());
            }
            self.expect(b',', "a comma or the array's end")?;
            self.skip_blanks();
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        self.pos += 1;
        let content = self.out_pos();
        let first_key = self.keys.len();
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            self.pos += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fail(BodyErrorKind::Expected("a key in quotes"));
            }
            let key_start = self.out_pos();
            self.string()?;
            // A key that was rewritten may be torn between `out` and what is pending.
            if self.out.len() > key_start {
                self.flush(self.pos);
            }
            let key = key_start..self.out_pos();
            let index = order::array_index(self.result(&key));
            self.skip_blanks();
            self.expect(b':', "a colon")?;
            self.skip_blanks();
            self.value(depth + 1)?;
            self.keys.push(Key { text: key, member_end: self.out_pos(), index });
            self.skip_blanks();
            if self.peek() == Some(b'}') {
                break;
            }
            self.expect(b',', "a comma or the object's end")?;
            self.skip_blanks();
        }
        if !order::is_kept(&self.keys[first_key..], |key| self.result(&key.text)) {
            self.flush(self.pos);
            let members = order::reordered(&self.keys[first_key..], &self.out);
            self.out.truncate(content);
            self.out.extend_from_slice(&members);
        }
        self.keys.truncate(first_key);
        self.pos += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.pos += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return self.fail(BodyErrorKind::Control),
                Some(_) => self.pos += 1,
                None => return self.fail(BodyErrorKind::Ends),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let from = self.pos;
        self.pos += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.pos += 1;
                Ok(())
            }
            Some(b'/') => {
                self.pos += 1;
                self.replace(from, b"/");
                Ok(())
            }
            Some(b'u') => self.unicode_escape(from),
            _ => self.fail(BodyErrorKind::Expected("one of \" \\ / b f n r t u after a backslash")),
        }
    }

    fn unicode_escape(&mut self, from: usize) -> Result<(), Fault> {
        let unit = self.four_hex()?;
        let code = match unit {
            0xd800..0xdc00 => {
                if !self.input[self.pos..].starts_with(b"\\u") {
                    return Err((BodyErrorKind::LoneSurrogate, from));
                }
                self.pos += 1;
                match self.four_hex()? {
                    low @ 0xdc00..0xe000 => 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00),
                    _ => return Err((BodyErrorKind::LoneSurrogate, from)),
                }
            }
            _ => unit,
        };
        let Some(character) = char::from_u32(code) else {
            return Err((BodyErrorKind::LoneSurrogate, from));
        };
        let mut room = [0; 6];
        let text = escaped(character, &mut room);
        if self.input[from..self.pos] != *text {
            self.replace(from, text);
        }
        Ok(())
    }

    /// Reads `uXXXX`.
    fn four_hex(&mut self) -> Result<u32, Fault> {
        self.pos += 1;
        let mut unit = 0;
        for _ in 0..4 {
            match self.peek().and_then(|byte| char::from(byte).to_digit(16)) {
                Some(digit) => unit = unit << 4 | digit,
                None => return self.fail(BodyErrorKind::Expected("four hexadecimal digits")),
            }
            self.pos += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Fault> {
        let from = self.pos;
        if self.peek() == Some(b'-') {
            self.pos += 1;
        }
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        let mut is_integer = true;
        if self.peek() == Some(b'.') {
            is_integer = false;
            self.pos += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_integer = false;
            self.pos += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.pos += 1;
            }
            self.digits()?;
        }
        let text = &self.input[from..self.pos];
        if is_integer && text != b"-0" && text.len() <= 300 {
            // Printed as it is up to 2^53; beyond, the digits are worth more than the fixed point.
            return Ok(());
        }
        let number: f64 =
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
        if !number.is_finite() {
            return Err((BodyErrorKind::NumberTooLarge, from));
        }
        if is_integer && text != b"-0" {
            return Ok(());
        }
        let mut buffer = ryu_js::Buffer::new();
        let printed = buffer.format_finite(number).as_bytes();
        if printed != text {
            self.replace(from, printed);
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.fail(BodyErrorKind::Expected("a digit"));
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.pos += 1;
        }
        Ok(())
    }
}

/// A character in a string as `JSON.stringify` writes it (ECMA-262, QuoteJSONString).
pub(super) fn escaped(character: char, room: &mut [u8; 6]) -> &[u8] {
    match character {
        '"' => br#"\""#,
        '\\' => br"\\",
        '\u{8}' => br"\b",
        '\u{c}' => br"\f",
        '\n' => br"\n",
        '\r' => br"\r",
        '\t' => br"\t",
        '\0'..' ' => {
            let low = b"0123456789abcdef"[usize::from(character as u8 & 15)];
            *room = [b'\\', b'u', b'0', b'0', b'0' + (character as u8 >> 4), low];
            room
        }
        _ => {
            let length = character.encode_utf8(&mut room[..4]).len();
            &room[..length]
        }
    }
}
