//! Events: what happened, where it went, and why it went nowhere else.
mod detail;
mod list;
mod reasons;

pub use detail::{detail, source_words};
pub use list::{list, read};
