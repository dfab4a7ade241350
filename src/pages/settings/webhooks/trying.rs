//! The part of a form that tries what stands in it, before it is saved.
use super::request::{Looking, all_types};

/// An event to try a webhook with.
pub struct Trying {
    pub try_link: String,
    pub sample_link: String,
    pub check_link: String,
    pub types: Vec<String>,
    pub event_type: String,
    pub data: String,
}

impl Trying {
    /// What was typed, or the sample of a type that the webhook subscribes to.
    pub fn of(looking: Looking<'_>) -> Self {
        let below = |path: &str| looking.member.path(&format!("/settings/webhooks/{path}"));
        let event_type = &looking.samples.tried;
        let typed = looking.typed("trial_data").replace("\r\n", "\n");
        Self {
            try_link: below("try"),
            sample_link: below("sample"),
            check_link: below("check-data"),
            types: all_types(looking.own).map(str::to_owned).collect(),
            event_type: event_type.name.clone(),
            data: if typed.is_empty() { event_type.sample.clone() } else { typed },
        }
    }
}
