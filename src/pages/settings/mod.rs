//! A project's settings.
pub mod general;
pub mod hosts;
pub mod keys;
pub mod switch;
pub mod webhooks;
