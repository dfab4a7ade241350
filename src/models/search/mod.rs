//! Finding events by the values in them: an e-mail address, a phone number, a code, an id.
//!
//! The index is made afterwards and is no part of accepting events. Of each project some thousand events that follow one
//! another become a segment: their values, sorted, in packed blocks ([`crate::rules::search::block`]). A value is looked
//! up in one block of each segment, the newest first, so that what is frequent is found in the first segment, and what is
//! rare after one short read a segment. What is newer than the index is looked through directly.
//!
//! Segments and blocks are cut into days, which go with the history's, with its bodies, or when the disk budget is used
//! up. Of events that are kept longer than their day (open ones, failures) only ids are found then.
mod days;
mod forget;
mod index;
mod list;
mod progress;
mod walk;

pub use days::{Kept, keep_within, size};
pub use forget::{begin_again, forget_project};
pub use index::{BATCH, MARGIN, MAY_WAIT, Step, WAITING_MIN, go_on};
pub use list::list;
pub use progress::{Reach, reach};
pub use walk::{Chunk, Gaps, Walk};
