//! The history: deliveries with every attempt.
//!
//! [`body`], [`rows`], [`words`], [`choices`] and the list's address serve the pages of events too, [`exchange`],
//! [`words`], [`typed`] and [`shown_url`] those of webhooks, [`json`] and [`curl`] the reference.
pub mod address;
pub mod again;
pub mod body;
mod changes;
pub mod choices;
pub mod curl;
mod detail;
mod attempt_diff;
mod download;
mod difference;
pub mod exchange;
pub mod export;
pub mod json;
mod list;
pub mod live;
mod masking;
pub mod notes;
mod news;
pub mod query;
mod reading;
mod resend;
pub mod rows;
pub mod searched;
pub mod shown_url;
pub mod span;
mod timeline;
mod timing;
pub mod typed;
pub mod words;

pub use changes::{change, check_changes, send_changed};
pub use detail::detail;
pub use download::download;
pub use list::list;
pub use resend::resend;
