//! Replays: deliveries of a filter of the history, or named ones, that are sent again together, or past events that a
//! webhook gets for the first time.
//!
//! First everything that matches is written down, from the newest on, a few thousand at a time; nothing is sent before
//! that is done, so that what is sent is what matched, however long it takes. Then they are handed over a piece at a
//! time: as many as webhooks take, or at a rate. Each piece is a transaction of its own, on whichever node: the row says
//! how far it has come, and each delivery in it has an item that says what became of it.
mod count;
mod items;
mod past;
mod rows;
mod state;
mod work;

pub use count::{COUNTED_MAX, Counted, count};
pub use items::{Item, items};
pub use past::{CountedEvents, PastEvents, count_events};
pub use rows::{NAMED_MAX, Options, Replay, SwitchError, Wanted, cancel, create, find, list, pause, resume};
pub use state::{Counts, ItemState, ReplayStatus};
pub use work::{KEPT, Step, TRIED_MIN, go_on};
