//! The part of a form that tries what stands in it, before it is saved.
use super::request::Looking;
use crate::rules::catalogue::{self, EventType};

/// An event to try a webhook with.
pub struct Trying {
    pub try_link: String,
    pub sample_link: String,
    pub check_link: String,
    pub types: Vec<&'static str>,
    pub event_type: String,
    pub data: String,
}

impl Trying {
    /// What was typed, or the sample of a type that the webhook subscribes to.
    pub fn of(looking: Looking<'_>, suggested: &'static EventType) -> Self {
        let below = |path: &str| looking.member.path(&format!("/settings/webhooks/{path}"));
        let chosen = catalogue::find(looking.typed("trial_type"));
        let event_type = chosen.unwrap_or(suggested);
        let typed = looking.typed("trial_data").replace("\r\n", "\n");
        Self {
            try_link: below("try"),
            sample_link: below("sample"),
            check_link: below("check-data"),
            types: catalogue::all().iter().map(|event_type| event_type.name).collect(),
            event_type: event_type.name.to_owned(),
            data: if typed.is_empty() { event_type.sample().trim_end().to_owned() } else { typed },
        }
    }
}
