//! Finds many values in a text at once: a tree of their letters, walked from where each word begins.
use std::collections::HashMap;

use super::text::Seen;

/// So many characters of a value are compared; nobody's name is longer.
const CHARS_MAX: usize = 400;
/// Shorter values are no words to look for in running text.
const CHARS_MIN: usize = 3;
/// From here on, words stand without spaces between them.
const UNSPACED: char = '\u{2e80}';

/// What a value ends in.
#[derive(Clone, Debug)]
struct End {
    left: String,
    /// One word of a name: only as it is written, or in capitals, for many are words like others.
    exact: Option<String>,
}

/// Values, each with what is left of it.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    steps: HashMap<(u32, char), u32>,
    ends: HashMap<u32, End>,
    /// Also those that are too short for running text, in small letters.
    whole: HashMap<String, String>,
}

impl Finder {
    /// Looks for a value from now on.
    pub fn add(&mut self, value: &str, left: &str) {
        let value = value.trim();
        if value.chars().nth(1).is_none() {
            return;
        }
        self.whole.entry(value.to_lowercase()).or_insert_with(|| left.to_owned());
        self.put(value, End { left: left.to_owned(), exact: None });
    }

    /// Looks for each word of a value as well.
    pub fn add_words(&mut self, value: &str, left: &str) {
        for word in value.split_whitespace().filter(|word| *word != value) {
            self.put(word, End { left: left.to_owned(), exact: Some(word.to_owned()) });
        }
    }

    fn put(&mut self, value: &str, end: End) {
        if value.chars().nth(CHARS_MIN - 1).is_none() && !value.chars().all(|c| c >= UNSPACED) {
            return;
        }
        let mut node = 0;
        for c in value.chars().take(CHARS_MAX).map(folded) {
            // Fewer nodes than bytes of the documents.
            let next = u32::try_from(self.steps.len() + 1).unwrap_or(u32::MAX);
            node = *self.steps.entry((node, c)).or_insert(next);
        }
        let place = self.ends.entry(node).or_insert_with(|| end.clone());
        if end.exact.is_none() {
            *place = end;
        }
    }

    /// What is left of a text that is one of the values.
    pub fn whole(&self, text: &str) -> Option<&str> {
        self.whole.get(&text.trim().to_lowercase()).map(String::as_str)
    }

    /// The longest value that begins at the character `at`: its end, and what is left of it.
    pub fn longest(&self, seen: &[Seen], at: usize) -> Option<(usize, &str)> {
        if self.steps.is_empty() || at > 0 && is_word(seen[at - 1].c) && is_word(seen[at].c) {
            return None;
        }
        let (mut node, mut found) = (0, None);
        for (n, one) in seen.iter().enumerate().skip(at) {
            let Some(next) = self.steps.get(&(node, folded(one.c))) else { break };
            node = *next;
            let is_end = !(is_word(one.c) && seen.get(n + 1).is_some_and(|after| is_word(after.c)));
            if let Some(end) = self.ends.get(&node).filter(|_| is_end)
                && end.exact.as_ref().is_none_or(|exact| is_as_written(exact, &seen[at..=n]))
            {
                found = Some((n + 1, end.left.as_str()));
            }
        }
        found
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() && c < UNSPACED
}

fn is_as_written(word: &str, seen: &[Seen]) -> bool {
    word.chars().eq(seen.iter().map(|one| one.c)) || seen.iter().all(|one| !one.c.is_lowercase())
}

fn folded(c: char) -> char {
    if c.is_whitespace() { ' ' } else { c.to_lowercase().next().unwrap_or(c) }
}
