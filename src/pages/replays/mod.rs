//! Replays: sending everything again that a filter of the history matches, or past events to a webhook, and how far
//! that has come.
mod create;
mod list;
mod new;
mod past;
mod show;
mod switch;
mod words;

pub use create::create;
pub use list::list;
pub use new::new;
pub use past::{past_events, send_past_events};
pub use show::show;
pub use switch::{cancel, pause, resume};

/// What is told of a replay that is not there.
const GONE: &str = "There is no such replay, or it was deleted a month after it last ran.";
