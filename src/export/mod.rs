//! Exports: everything that a filter of the history matches, as CSV or NDJSON, written while it is read.
//!
//! A page at a time, newest first, each with a connection of its own for a moment and no transaction between them: an
//! export takes the same memory however long it is. It holds what matched when it began and has not changed since:
//! what arrives meanwhile is left out, and nothing is there twice. One that cannot go on ends its connection instead of
//! its file, so that nobody takes a part for the whole.
mod csv;
mod lines;
mod progress;
mod stream;

pub use csv::Column;
pub use progress::{AT_ONCE_MAX, Exports, Name, Progress, Standing, TooMany};

use std::sync::Arc;

use crate::base::ids::ProjectId;
use crate::models::deliveries::Filter;
use crate::rules::masks::{Rules, Veil};

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a row of names. What a spreadsheet would take for a formula begins with an apostrophe.
    Csv,
    /// A JSON object a line, as in `GET /v1/deliveries`.
    Ndjson,
}

impl Format {
    /// As in an address, and the end of a file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// Reads `csv` or `ndjson`.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Csv, Self::Ndjson].into_iter().find(|format| format.as_str() == word)
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// What is exported, and how.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose history.
    pub project: ProjectId,
    /// None for a filter that matches nothing: the file is empty then.
    pub filter: Option<Filter>,
    /// How it is written.
    pub format: Format,
    /// Of CSV, in this order.
    pub columns: Vec<Column>,
    /// Whether a line of NDJSON has the event's data.
    pub with_data: bool,
    /// Whether a line of NDJSON has the attempts, without headers and bodies.
    pub with_attempts: bool,
    /// Whether addresses lose their query, which often holds a key.
    pub hides_queries: bool,
    /// By these rules personal data is masked; none for whoever may see it.
    pub masks: Option<Arc<Rules>>,
}

impl Wanted {
    /// What hides personal data in one delivery's line.
    fn veil(&self) -> Veil {
        self.masks.as_ref().map_or_else(Veil::clear, |rules| Veil::over(Arc::clone(rules)))
    }

    /// Whether more than the rows of the list is read: to write it, or to know what has to be masked.
    fn is_deep(&self) -> bool {
        self.masks.is_some() || (self.format == Format::Ndjson && (self.with_data || self.with_attempts))
    }
}
