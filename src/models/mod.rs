//! Nouns: each owns its tables, types, transitions and statements. None begins a transaction of its own accord.
pub mod accounts;
pub mod audit;
pub mod deliveries;
pub mod event_types;
pub mod events;
pub mod figures;
pub mod notices;
pub mod projects;
pub mod replays;
pub mod resends;
pub mod sample;
pub mod saved_views;
pub mod search;
pub mod webhooks;
