//! What stands between a page and the data that it shows.
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::dots::{DOTS, dotted};
use super::field::Names;
use super::finder::Finder;
use super::tree::{Object, Tree, decoded};
use super::{Kind, Rules, text};

/// JSON within a text of JSON is read so deep.
const NESTED_MAX: usize = 3;
/// Numbers outside masked fields are compared with what is masked from so many characters on.
const NUMBER_CHARS_MIN: usize = 5;
/// In the place of a body that is no text: names could be read off its bytes.
const NO_TEXT: &str = "••• This is not text, so it is not shown while personal data is masked.";

/// Masks the personal data of one page, or lets everything through.
///
/// First [`Veil::learn`] of every document that the page is about, so that a value is hidden wherever it turns up; then
/// take each text that is printed through one of the other functions. Equal values look equal. Takes time in proportion
/// to the text.
#[derive(Debug, Default)]
pub struct Veil {
    over: Option<Over>,
    has_hidden: AtomicBool,
}

#[derive(Debug, Default)]
struct Over {
    rules: Arc<Rules>,
    finder: Finder,
}

impl Veil {
    /// Lets everything through.
    pub fn clear() -> Self {
        Self::default()
    }

    /// Masks what the rules say.
    pub fn over(rules: Arc<Rules>) -> Self {
        let finder = Finder::default();
        Self { over: Some(Over { rules, finder }), has_hidden: AtomicBool::new(false) }
    }

    /// Whether it masks anything at all.
    pub fn is_clear(&self) -> bool {
        self.over.is_none()
    }

    /// Whether something was masked so far.
    pub fn has_hidden(&self) -> bool {
        self.has_hidden.load(Ordering::Relaxed)
    }

    /// Remembers the personal data of a document, JSON or not, to hide it elsewhere.
    pub fn learn(&mut self, document: &[u8]) {
        if let (Some(over), Ok(text)) = (&mut self.over, std::str::from_utf8(document)) {
            over.learn(text, 0);
        }
    }

    /// A document: what rules mask, what was learnt, and addresses anywhere. JSON stays JSON of the same structure.
    pub fn document<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.through(text, |over, text| over.document(text, 0))
    }

    /// A body of any bytes.
    pub fn bytes<'a>(&self, body: &'a [u8]) -> Cow<'a, [u8]> {
        match (std::str::from_utf8(body), &self.over) {
            (_, None) => Cow::Borrowed(body),
            (Ok(text), Some(_)) => match self.document(text) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            (Err(_), Some(_)) => {
                self.has_hidden.store(true, Ordering::Relaxed);
                Cow::Borrowed(NO_TEXT.as_bytes())
            }
        }
    }

    /// A line of text, an address that was called, an id that somebody chose.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.through(text, |over, text| match over.finder.whole(text) {
            Some(left) => Some(left.to_owned()),
            None => text::masked(text, &over.rules, &over.finder),
        })
    }

    /// The value of a header or of a field of this name.
    pub fn field<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        self.through(value, |over, value| match text::judge(name, &over.rules) {
            Some(Kind::Shown) => None,
            Some(kind) if !value.is_empty() => Some(dotted(kind, value)),
            _ => over.finder.whole(value).map(str::to_owned).or_else(|| over.document(value, 0)),
        })
    }

    /// Headers, names and values.
    pub fn headers(&self, headers: Vec<(String, String)>) -> Vec<(String, String)> {
        let header = |(name, value): (String, String)| {
            let value = self.field(&name, &value).into_owned();
            (self.text(&name).into_owned(), value)
        };
        headers.into_iter().map(header).collect()
    }

    fn through<'a>(&self, text: &'a str, masked: impl Fn(&Over, &str) -> Option<String>) -> Cow<'a, str> {
        match self.over.as_ref().and_then(|over| masked(over, text)) {
            Some(left) => {
                self.has_hidden.store(true, Ordering::Relaxed);
                Cow::Owned(left)
            }
            None => Cow::Borrowed(text),
        }
    }
}

impl Over {
    fn learn(&mut self, document: &str, depth: usize) {
        let Some(tree) = Tree::read(document) else {
            for (_, kind, value) in text::pairs(document, &self.rules) {
                self.keep(kind, &value);
            }
            return;
        };
        let judged = judged(&tree, &self.rules);
        for (leaf, kind) in tree.leaves.iter().zip(judged) {
            let token = &document[leaf.span.clone()];
            let value = if leaf.is_text { decoded(token) } else { token.to_owned() };
            match kind.filter(|kind| *kind != Kind::Shown) {
                Some(kind) => self.keep(kind, &value),
                None if leaf.is_text && depth < NESTED_MAX && is_nested(&value) => {
                    self.learn(&value, depth + 1)
                }
                None => {}
            }
        }
    }

    fn keep(&mut self, kind: Kind, value: &str) {
        let left = dotted(kind, value);
        self.finder.add(value, &left);
        match kind {
            Kind::Name => self.finder.add_words(value, DOTS),
            Kind::Phone => {
                let digits: String = value.chars().filter(char::is_ascii_digit).collect();
                self.finder.add(&digits, &left);
            }
            _ => {}
        }
    }

    /// None if nothing was to be masked.
    fn document(&self, document: &str, depth: usize) -> Option<String> {
        let Some(tree) = Tree::read(document) else {
            return text::masked(document, &self.rules, &self.finder);
        };
        let judged = judged(&tree, &self.rules);
        let mut found = Vec::new();
        for (leaf, kind) in tree.leaves.iter().zip(judged) {
            let token = &document[leaf.span.clone()];
            if let Some(left) = self.leaf(token, leaf.is_text, kind, depth) {
                found.push((leaf.span.clone(), quoted(&left)));
            }
        }
        for span in &tree.key_spans {
            let key = decoded(&document[span.clone()]);
            if let Some(left) = self.key(&key) {
                found.push((span.clone(), quoted(&left)));
            }
        }
        let out = text::replaced(document, found);
        // Of broken JSON, what stands between its strings is text as well.
        if serde_json::from_str::<serde::de::IgnoredAny>(document).is_err() {
            let again = text::masked(out.as_deref().unwrap_or(document), &self.rules, &self.finder);
            return again.or(out);
        }
        out
    }

    fn leaf(&self, token: &str, is_text: bool, kind: Option<Kind>, depth: usize) -> Option<String> {
        let value = if is_text { decoded(token) } else { token.to_owned() };
        match kind {
            Some(Kind::Shown) => None,
            // An empty text says that there is none, which is no secret.
            Some(kind) => (!value.is_empty()).then(|| dotted(kind, &value)),
            None if !is_text => {
                let is_long = value.len() >= NUMBER_CHARS_MIN;
                is_long.then(|| self.finder.whole(&value)).flatten().map(str::to_owned)
            }
            None => match self.finder.whole(&value) {
                Some(left) => Some(left.to_owned()),
                None if depth < NESTED_MAX && is_nested(&value) => self.document(&value, depth + 1),
                None => text::masked(&value, &self.rules, &self.finder),
            },
        }
    }

    /// A map may have addresses for keys.
    fn key(&self, key: &str) -> Option<String> {
        if key.contains('@') {
            return text::masked(key, &self.rules, &Finder::default());
        }
        let is_name = key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        self.finder.whole(key).filter(|_| !is_name).map(str::to_owned)
    }
}

fn is_nested(value: &str) -> bool {
    value.trim_start().starts_with(['{', '['])
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What each leaf of a document holds.
fn judged(tree: &Tree, rules: &Rules) -> Vec<Option<Kind>> {
    // What is said of an object holds for everything in it that has no rule of its own.
    let mut inherited: Vec<Option<Kind>> = Vec::with_capacity(tree.objects.len());
    for object in &tree.objects {
        let own = object.key.and_then(|key| rules.judge(&tree.keys[key], &above(tree, object.above)));
        let from_above = object.above.and_then(|above| inherited[above]);
        inherited.push(own.or(from_above));
    }
    let leaf = |leaf: &super::tree::Leaf| {
        let own = leaf.key.and_then(|key| rules.judge(&tree.keys[key], &above(tree, Some(leaf.object))));
        own.or(inherited[leaf.object])
    };
    tree.leaves.iter().map(leaf).collect()
}

/// The names of the objects around, the innermost last; as many as a path can have.
fn above(tree: &Tree, object: Option<usize>) -> Vec<&Names> {
    let next = |object: &&Object| object.above.map(|above| &tree.objects[above]);
    let first = object.map(|object| &tree.objects[object]);
    let mut names: Vec<&Names> = std::iter::successors(first, next)
        .take(super::field::PARTS_MAX)
        .map(|object| &object.names)
        .collect();
    names.reverse();
    names
}
