//! Personal data: which fields hold it, and how a text looks to somebody who may not see it.
//!
//! One way in: [`Veil`], made once for each page (or each line of an export). Whoever may see everything has a clear one.
mod defaults;
mod dots;
mod field;
mod finder;
mod text;
mod tree;
mod veil;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use defaults::defaults;
pub use field::{Field, NotAField};
pub use veil::Veil;

use field::{Key, Names};

/// How many rules of its own a project may have.
pub const OWN_RULES_MAX: usize = 100;

/// What a field holds, and so what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `a•••@e•••.com`
    Email,
    /// The last two digits.
    Phone,
    /// The first letter.
    Name,
    /// The first two and the last two characters of a long one.
    Code,
    /// Nothing.
    Other,
    /// Everything: takes a field out of a wider rule.
    Shown,
}

impl Kind {
    /// Every kind, in the order of forms.
    pub const ALL: [Self; 6] = [Self::Email, Self::Phone, Self::Name, Self::Code, Self::Other, Self::Shown];

    /// As stored, and as in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Name => "name",
            Self::Code => "code",
            Self::Other => "other",
            Self::Shown => "shown",
        }
    }

    /// What is left of a value, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Email => "E-mail: its first letters stay",
            Self::Phone => "Phone: its last two digits stay",
            Self::Name => "Name: its first letter stays",
            Self::Code => "Code: two characters at each end stay",
            Self::Other => "Anything else: nothing stays",
            Self::Shown => "Not masked",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// What is done with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which.
    pub field: Field,
    /// What it holds.
    pub kind: Kind,
}

/// Every rule of a project. E-mail addresses are masked in any text besides.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The project's own last: of two that fit equally well, the later one counts.
    rules: Vec<Rule>,
}

impl Rules {
    /// The defaults with a project's own beside or instead of them.
    pub fn with(own: Vec<Rule>) -> Self {
        let mut rules: Vec<Rule> = defaults().to_vec();
        rules.extend(own);
        Self { rules }
    }

    /// What a value holds that stands under this key in objects of these names, the innermost last: the rule with the
    /// longest path counts, then one for the key itself before one for how keys end.
    fn judge(&self, key: &Key, above: &[&Names]) -> Option<Kind> {
        let fitting = self.rules.iter().filter(|rule| rule.field.fits(key, above));
        fitting.max_by_key(|rule| rule.field.weight()).map(|rule| rule.kind)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}
