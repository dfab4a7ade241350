//! Events: what happened. Written once, never changed.
mod external_ids;
mod forget;
mod history;
mod insert;
mod list;
mod preview;
mod searchable;
mod walk;

pub use external_ids::{Known, Remembered, forget_expired, known, remember};
pub use forget::forget_project;
pub use history::{
    Event, Summary, find, find_by_q, first_posted, has_data, load_payloads, types_of, with_data,
};
pub use insert::{NewEvent, insert, insert_test};
pub use list::{Filter, Page, list};
pub use preview::{LOOKED_AT_MAX, Looked, Preview, preview};
pub use searchable::{Searchable, first_ids, searchable, summaries};
pub use walk::{Meant, Step, Walked, walk};

use bytes::Bytes;
use time::OffsetDateTime;

use crate::base::ids::{EventId, ProjectId};

/// What a request to a receiver is made from. Shared by all deliveries of an event.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Payload {
    pub project: ProjectId,
    pub id: EventId,
    pub event_type: String,
    pub created_at: OffsetDateTime,
    pub entity_id: Option<String>,
    /// Ours (`v-…`) or the caller's own.
    pub group: String,
    /// JSON as in the envelope's `event_source`.
    pub source: String,
    /// Canonical JSON.
    pub data: Bytes,
}

impl Payload {
    /// Whether its data is no longer kept: what is, is an object, which has bytes.
    pub fn is_emptied(&self) -> bool {
        self.data.is_empty()
    }
}
