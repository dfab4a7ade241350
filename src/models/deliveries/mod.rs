//! Deliveries: one event to one webhook. The queue, the attempts, and the history of both.
pub mod as_json;
mod attempts;
mod backlog;
mod bodies;
mod body;
mod by_value;
mod census;
mod filter;
mod follow;
mod forget;
mod hand_over;
mod history;
mod in_memory;
mod insert;
mod leap;
mod list;
mod missed;
mod named;
mod notes;
mod outlines;
mod pace;
mod partitions;
mod past;
mod past_events;
mod queue;
mod rate;
mod recent;
mod record;
mod resend;
mod retention;
mod settled;
mod status;
mod storage;
mod switch;
mod testing;
mod untold;
mod waiting;

pub use attempts::{Attempt, AttemptRow, BodyKind, Response, Timings, of_delivery};
pub use backlog::{Backlog, COUNTED_MAX, backlog, latest_posted, latest_test, newest_failures};
pub use bodies::empty_behind;
pub use body::{envelope_parts, parts, request_body};
pub use census::{Census, any_open, census};
pub use filter::{AttemptCount, Filter, StatusClass};
pub use follow::{PIECE, finish_some, note_stranded, unfinished};
pub use forget::{forget_project, sending_count};
pub use hand_over::{
    HAND_OVER_MAX, HandOver, HandedOver, PLACES, Place, hand_over, keep_places, rescue_places,
};
pub use history::{Delivery, find, of_event};
pub use insert::{NewDelivery, delivery_id, insert};
pub use leap::{bring_near, lease_max};
pub use list::{Looked, list, look, look_closely};
pub use missed::{MISSED_COUNTED_MAX, Missed, missed, send_some_missed, sending_missed};
pub use named::named;
pub use notes::{
    NOTE_CHARS_MAX, NOTES_MAX, Note, NoteError, add_note, delete_note, forget_notes, note_counts, notes,
};
pub use outlines::{Outline, outlines};
pub use pace::{
    APART_MAX, APART_MIN, AT_A_TIME_FULL, FAILURES_MAX, Look, Slowed, Tried, claim_in_turn, keep_pace, slowed,
};
pub use partitions::{make_ahead, make_behind};
pub use past::{PastDelivery, insert_past};
pub use past_events::send_past;
pub use queue::{Claimed, ClaimedRow, Rescued, claim, first_due, lease, rescue, take_back};
pub use recent::{Recent, recent};
pub use record::{Next, Outcome, WithoutRow, record, stale};
pub use resend::{Chosen, ResendError, Resent, resend, resend_some, send_chosen, statuses};
pub use retention::{Retention, drop_behind};
pub use settled::{Settled, settled};
pub use status::{Failure, FailureKind, Status};
pub use storage::{DaySize, Storage, TableSize, storage};
pub use switch::{
    HeldChoice, delete_webhook, disable_webhook, enable_webhooks, keep_windows, pause_webhook,
    pause_webhook_with, resume_and_send_missed, resume_webhook, save_webhook,
};
pub use testing::begin_test;
pub use untold::{HeldBy, Reason, Untold, reached_nobody, silences, untold};
pub use waiting::{Waiting, held_count, waiting};
