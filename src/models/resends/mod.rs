//! Deliveries that were sent again with changes: to another webhook, or with edited data.
//!
//! Neither the original event nor its delivery is touched. Each is remembered with the reason and who did it, as long as
//! either delivery is in the history.
mod rows;
mod send;

pub use rows::{By, Resend, Told, drop_behind, edited_among, of_delivery, of_event};
pub use send::{Changes, Reason, ReasonFault, SendError, send};
