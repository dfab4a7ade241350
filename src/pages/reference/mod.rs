//! `/reference`: every event type, what a request looks like, how to verify one. For everybody, signed in or not.
//!
//! What the pages tell is read from the catalogue and from the rules that send, once, at the first look.
mod detail;
mod guides;
mod languages;
mod list;
mod search;
mod tree;
mod wire;

pub use detail::detail;
pub use guides::{requests, verify};
pub use list::list;
