//! A project's settings.
pub mod event_types;
pub mod general;
pub mod hosts;
pub mod keys;
pub mod masking;
pub mod switch;
pub mod webhooks;
