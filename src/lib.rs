//! Callout: self-hosted webhooks for promotion and loyalty platforms.
//!
//! Modules in reading order; each may use what stands above it in this list (see ARCHITECTURE.md).
pub mod base;
pub mod rules;
pub mod models;
pub mod web;
pub mod export;
pub mod dispatcher;
pub mod ingest;
pub mod api;
pub mod pages;
pub mod routes;
pub mod app;
pub mod cli;
