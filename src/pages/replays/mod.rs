//! Replays: sending everything again that a filter of the history matches, and how far that has come.
mod create;
mod list;
mod new;
mod show;
mod switch;
mod words;

pub use create::create;
pub use list::list;
pub use new::new;
pub use show::show;
pub use switch::{cancel, pause, resume};

/// What is told of a replay that is not there.
const GONE: &str = "There is no such replay, or it was deleted a month after it last ran.";
