//! A document's values with the keys above them, read in one go; broken or cut JSON as far as it can be read.
use std::ops::Range;

use super::field::{Key, Names};

/// What an object calls itself is looked at only so often: nobody sends more.
const NAMES_MAX: usize = 4;
/// Longest value that says what an object is.
const NAME_BYTES_MAX: usize = 40;
/// Keys that only a person's object has.
const OF_A_PERSON: [&str; 9] =
    ["email", "phone", "phonenumber", "msisdn", "firstname", "lastname", "birthday", "birthdate", "surname"];

/// A text or a number.
#[derive(Debug)]
pub struct Leaf {
    /// With its quotes.
    pub span: Range<usize>,
    pub is_text: bool,
    /// Of it, or of the list that it is in.
    pub key: Option<usize>,
    /// The object that it is in.
    pub object: usize,
}

/// An object; the first stands around the document.
#[derive(Debug, Default)]
pub struct Object {
    pub above: Option<usize>,
    pub key: Option<usize>,
    pub names: Names,
}

/// A document.
#[derive(Debug)]
pub struct Tree {
    pub leaves: Vec<Leaf>,
    pub objects: Vec<Object>,
    pub keys: Vec<Key>,
    /// Where the keys stand, with their quotes.
    pub key_spans: Vec<Range<usize>>,
}

/// Where the reading stands.
struct Frame {
    object: usize,
    key: Option<usize>,
    is_list: bool,
}

impl Tree {
    /// Reads a text; none if it does not begin as an object or a list.
    pub fn read(text: &str) -> Option<Self> {
        if !text.trim_start().starts_with(['{', '[']) {
            return None;
        }
        let mut tree = Self {
            leaves: Vec::new(),
            objects: vec![Object::default()],
            keys: Vec::new(),
            key_spans: Vec::new(),
        };
        let mut frames = vec![Frame { object: 0, key: None, is_list: true }];
        let (bytes, mut at) = (text.as_bytes(), 0);
        while let Some(&byte) = bytes.get(at) {
            let end = token_end(bytes, at);
            let is_key = byte == b'"' && bytes.get(skip_space(bytes, end)) == Some(&b':');
            tree.take(text, at..end, is_key, &mut frames);
            at = end;
        }
        Some(tree)
    }

    fn take(&mut self, text: &str, span: Range<usize>, is_key: bool, frames: &mut Vec<Frame>) {
        let is_nested = frames.len() > 1;
        let Some(frame) = frames.last_mut() else { return };
        match text.as_bytes()[span.start] {
            b'{' => {
                let names = Names(frame.key.map(|key| self.keys[key].clone()).into_iter().collect());
                self.objects.push(Object { above: Some(frame.object), key: frame.key, names });
                frames.push(Frame { object: self.objects.len() - 1, key: None, is_list: false });
            }
            b'[' => {
                let (object, key) = (frame.object, frame.key);
                frames.push(Frame { object, key, is_list: true });
            }
            b'}' | b']' if is_nested => {
                frames.pop();
            }
            b',' if !frame.is_list => frame.key = None,
            b'"' if is_key => {
                self.keys.push(Key::of(&decoded(&text[span.clone()])));
                self.key_spans.push(span);
                let key = self.keys.len() - 1;
                frame.key = Some(key);
                let object = frame.object;
                self.name_by_key(object, key);
            }
            b'"' => {
                let (key, object) = (frame.key, frame.object);
                self.name_by_value(object, key, &text[span.clone()]);
                self.leaves.push(Leaf { span, is_text: true, key, object });
            }
            b'-' | b'0'..=b'9' => {
                let (key, object) = (frame.key, frame.object);
                self.leaves.push(Leaf { span, is_text: false, key, object });
            }
            _ => {}
        }
    }

    /// Somebody's own e-mail address makes an object a person.
    fn name_by_key(&mut self, object: usize, key: usize) {
        let is_person = OF_A_PERSON.contains(&self.keys[key].squeezed());
        let names = &mut self.objects[object].names.0;
        if is_person && names.len() < NAMES_MAX && !names.iter().any(|name| name.squeezed() == "person") {
            names.push(Key::of("person"));
        }
    }

    /// `"object": "customer"` says it.
    fn name_by_value(&mut self, object: usize, key: Option<usize>, value: &str) {
        let says = key.is_some_and(|key| self.keys[key].squeezed() == "object");
        let names = &mut self.objects[object].names.0;
        if says && value.len() <= NAME_BYTES_MAX && names.len() < NAMES_MAX {
            names.push(Key::of(value));
        }
    }
}

/// The text of a string with its quotes; one that cannot be read, as it stands.
pub fn decoded(token: &str) -> String {
    let bare = || token.strip_prefix('"').unwrap_or(token);
    serde_json::from_str(token).unwrap_or_else(|_| bare().strip_suffix('"').unwrap_or(bare()).to_owned())
}

/// Where the token that begins at `start` ends.
fn token_end(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
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
        _ => start + rest.iter().position(|b| b" \n\r\t,:]}[{\"".contains(b)).unwrap_or(rest.len()),
    }
}

fn skip_space(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + rest.iter().position(|b| !b" \n\r\t".contains(b)).unwrap_or(rest.len())
}
