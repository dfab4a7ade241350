//! Webhooks: where we send, what, and how.
mod columns;
mod copying;
mod credentials;
mod draft;
mod naming;
mod own_types;
mod rates;
mod reseal;
mod rotation;
mod rows;
mod secrets;
mod settings;
mod snapshot;
mod switch;
mod window;

pub use copying::{CopyError, with_values_of};
pub use credentials::{Credential, Credentials};
pub use draft::{AuthenticationDraft, Draft, Ground, Problem};
pub use own_types::{delete_type, that_chose, trial_of};
pub use reseal::{ResealError, Resealed, reseal};
pub use rotation::{
    OVERLAP_HOURS, OVERLAP_HOURS_DEFAULT, RotateError, Rotated, end_previous, has_own_key, roll_back, rotate,
};
pub use rows::{
    CreateError, Disabled, Named, UpdateError, Webhook, create, draft, find, find_with_deleted, list, names,
    update,
};
pub use secrets::{SecretMark, add_secret, key_fits, secret_marks};
pub use settings::{Maintenance, RATE_PER_S, Settings, TIMEOUT_MS, WhenPaused};
pub use snapshot::{LiveSecret, ProjectSnapshot, Target, Verdict, leads_elsewhere, versions};
pub use switch::{LastStraw, Turn, disable, mark_deleted, set_active, set_when_paused, turn, turning};

/// A project has at most so many webhooks.
pub const WEBHOOKS_MAX: i64 = 100;
/// Characters in a webhook's name.
pub const NAME_LENGTH_MAX: usize = 128;
/// Characters in a webhook's description.
pub const DESCRIPTION_LENGTH_MAX: usize = 1_000;
