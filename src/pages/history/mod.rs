//! The history: deliveries with every attempt.
//!
//! [`body`], [`rows`], [`words`], [`choices`] and the list's address serve the pages of events too, [`exchange`] the
//! page that tests a webhook.
pub mod address;
pub mod body;
pub mod choices;
mod curl;
mod detail;
pub mod exchange;
mod json;
mod list;
mod masking;
pub mod query;
mod resend;
pub mod rows;
pub mod span;
mod timeline;
mod timing;
pub mod words;

pub use detail::detail;
pub use list::list;
pub use resend::resend;
