//! The pages for people, one folder or file each.
pub mod events;
pub mod history;
pub mod settings;
