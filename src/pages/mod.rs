//! The pages for people, one folder or file each.
pub mod account;
pub mod docs;
pub mod events;
pub mod history;
pub mod jump;
pub mod notices;
pub mod overview;
pub mod projects;
pub mod reference;
pub mod replays;
pub mod sample;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod storage;
pub mod views;
