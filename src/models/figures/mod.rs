//! Figures: what came of deliveries, counted as it happens in rows of minutes up to days, and failures that are alike.
//!
//! They are counted beside the history, not out of it: the history stays the truth, and what a node had not written
//! when it was killed, a second's worth, is not in them.
mod groups;
mod range;
mod read;
mod recount;
mod tally;
mod times;
mod write;

pub use groups::{Group, Known, KnownError, NOTE_MAX, Note, exists, groups, mark_known, unmark_known};
pub use range::{Grain, Range};
pub use read::{Figures, OfWebhook, Sums, load};
pub use recount::recount;
pub use tally::Tally;
pub use times::Times;
pub use write::{forget_old, forget_project, write};
