//! A project's settings.
pub mod webhooks;
