//! The history: deliveries with every attempt.
//!
//! [`body`], [`rows`], [`words`], [`choices`] and the list's address serve the pages of events too, [`exchange`],
//! [`words`] and [`shown_url`] those of webhooks, [`json`] and [`curl`] the reference.
pub mod address;
pub mod body;
pub mod choices;
pub mod curl;
mod detail;
pub mod exchange;
pub mod export;
pub mod json;
mod list;
mod masking;
pub mod notes;
pub mod query;
mod resend;
pub mod rows;
pub mod shown_url;
pub mod span;
mod timeline;
mod timing;
pub mod words;

pub use detail::detail;
pub use list::list;
pub use resend::resend;
