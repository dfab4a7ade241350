//! Saved views: the row of them above a list, and the page where a person keeps theirs in order.
mod bar;
mod builtin;
mod change;
mod manage;

pub use bar::{KEPT_APART, ViewBar, whose};
pub use change::{create, delete, rename, show_or_hide, update};
pub use manage::manage;
