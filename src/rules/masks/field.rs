//! Which fields a rule is for: `email`, `*phone`, `customer.name`. Case, `_`, `-` and capitals within make no difference.
use std::fmt;

/// Longest text of a field.
const CHARS_MAX: usize = 120;
/// Most parts of a path.
pub(super) const PARTS_MAX: usize = 6;

/// A key of a document as it is compared: in small letters without what separates its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key {
    squeezed: String,
    /// Where its words begin.
    starts: Vec<usize>,
}

impl Key {
    /// Reads a key.
    pub fn of(key: &str) -> Self {
        let (mut squeezed, mut starts) = (String::with_capacity(key.len()), Vec::new());
        let mut chars = key.chars().peekable();
        let (mut before, mut is_apart) = (None::<char>, true);
        while let Some(c) = chars.next() {
            if !c.is_alphanumeric() {
                is_apart = true;
                continue;
            }
            let is_hump = c.is_uppercase()
                && before
                    .is_some_and(|b| !b.is_uppercase() || chars.peek().is_some_and(|n| n.is_lowercase()));
            if is_apart || is_hump {
                starts.push(squeezed.len());
            }
            squeezed.extend(c.to_lowercase());
            (before, is_apart) = (Some(c), false);
        }
        Self { squeezed, starts }
    }

    /// In small letters, without what separates words.
    pub fn squeezed(&self) -> &str {
        &self.squeezed
    }

    fn ends_in(&self, words: &str) -> bool {
        self.squeezed.ends_with(words) && self.starts.contains(&(self.squeezed.len() - words.len()))
    }
}

/// What an object is called: its key, and what it says that it is.
#[derive(Clone, Debug, Default)]
pub struct Names(pub Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    squeezed: String,
    /// Whether other words may stand before it.
    is_end: bool,
}

impl Part {
    fn fits(&self, key: &Key) -> bool {
        if self.is_end { key.ends_in(&self.squeezed) } else { key.squeezed == self.squeezed }
    }

    /// An object in a list is called by the list's name, of which there may be several.
    fn fits_names(&self, names: &Names) -> bool {
        names.0.iter().any(|name| {
            self.fits(name)
                || name.squeezed.strip_suffix('s').is_some_and(|one| {
                    self.fits(&Key { squeezed: one.to_owned(), starts: name.starts.clone() })
                })
        })
    }
}

/// One field, or all of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    text: String,
    parts: Vec<Part>,
}

/// Why a text names no field; the message is for who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAField(&'static str);

impl fmt::Display for NotAField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotAField {}

impl Field {
    /// Reads a key or a path of keys with dots between; a star before a key stands for words before it.
    ///
    /// # Errors
    /// Nothing named, too long, or characters that keys do not have.
    pub fn parse(text: &str) -> Result<Self, NotAField> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NotAField("Name a field, such as loyalty_number or customer.nickname."));
        }
        if text.chars().count() > CHARS_MAX || text.split('.').count() > PARTS_MAX {
            return Err(NotAField("This is too long: at most 120 characters and 6 names."));
        }
        let part = |part: &str| {
            let (is_end, name) = part.strip_prefix('*').map_or((false, part), |rest| (true, rest));
            let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
            let squeezed = Key::of(name).squeezed;
            (is_name && !squeezed.is_empty()).then_some(Part { squeezed, is_end })
        };
        match text.split('.').map(part).collect::<Option<Vec<Part>>>() {
            Some(parts) => Ok(Self { text: text.to_owned(), parts }),
            None => Err(NotAField(
                "A field is letters, digits, _ and -, with dots between the names of a path and a * before a name at most.",
            )),
        }
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether two stand for the same fields.
    pub fn is_like(&self, other: &Self) -> bool {
        self.parts == other.parts
    }

    /// Whether it is for a key in objects of these names, the innermost last.
    pub(super) fn fits(&self, key: &Key, above: &[&Names]) -> bool {
        let Some((last, path)) = self.parts.split_last() else { return false };
        last.fits(key)
            && path.len() <= above.len()
            && path.iter().rev().zip(above.iter().rev()).all(|(part, names)| part.fits_names(names))
    }

    /// The more, the more exact.
    pub(super) fn weight(&self) -> (usize, usize) {
        (self.parts.len(), self.parts.iter().filter(|part| !part.is_end).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(field: &str, key: &str) -> bool {
        Field::parse(field).unwrap().fits(&Key::of(key), &[])
    }

    #[test]
    fn a_key_is_found_however_its_words_are_joined() {
        for key in ["first_name", "firstName", "FirstName", "FIRST-NAME", "firstname"] {
            assert!(fits("first_name", key), "{key}");
        }
        for key in ["email", "ecom_email", "customerEMail", "Customer-Email", "URLEmail"] {
            assert!(fits("*email", key), "{key}");
        }
        assert!(
            !fits("*phone", "headphone") && !fits("email", "ecom_email") && !fits("*email", "emails_sent")
        );
    }

    #[test]
    fn a_path_names_the_objects_around_a_key() {
        let names = |name: &str| Names(vec![Key::of(name)]);
        let (customer, order) = (names("customers"), names("order"));
        let field = Field::parse("customer.name").unwrap();
        assert!(field.fits(&Key::of("name"), &[&order, &customer]));
        assert!(!field.fits(&Key::of("name"), &[&customer, &order]) && !field.fits(&Key::of("name"), &[]));
    }

    #[test]
    fn what_names_no_field_is_refused() {
        for text in ["", " ", ".", "a..b", "a b", "**a", "a.*", "a.b.c.d.e.f.g", "$x"] {
            assert!(Field::parse(text).is_err(), "{text}");
        }
    }
}
