//! `/reference`: every event type, what a request looks like, how to verify one. For everybody, signed in or not.
//!
//! What the pages tell is read from the catalogue and from the rules that send, once: by [`prepare`] or at the first look.
pub mod about;
mod detail;
mod guides;
mod languages;
mod list;
mod search;
mod tree;
mod wire;

pub use detail::{detail, envelope};
pub use guides::{requests, verify};
pub use list::list;

/// Reads what the pages tell, which takes a moment. They work without it, only the first look is slower.
pub fn prepare() {
    search::prepare();
    detail::prepare();
}
