//! The HTTP API under `/v1`.
mod body;
pub mod deliveries;
pub mod event_types;
pub mod events;
mod events_in;
mod events_out;
pub mod export;
mod key;
mod lists;
pub mod metrics;
pub mod notes;
pub mod openapi;
mod problem;
pub mod project;
mod replay_fields;
pub mod replays;
pub mod resuming;
mod shapes;
pub mod testing;
mod told;
mod webhook_fields;
pub mod webhooks;

pub use events_in::{post, post_batch};
pub use key::{AnyKey, DeliveriesKey, EventsKey, WebhooksKey};
pub use problem::{FieldProblem, Problem, not_allowed, not_found};
pub use webhook_fields::{settings_draft, settings_told};
