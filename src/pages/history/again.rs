//! What was sent again with changes, in words: on the pages of deliveries and of events.
use std::collections::HashMap;

use time::OffsetDateTime;

use crate::base::ids::{DeliveryId, WebhookId};
use crate::models::projects::Role;
use crate::models::resends::{By, Resend, Told};
use crate::models::webhooks::Named;
use crate::rules::masks::Veil;
use crate::web::Member;

/// Ready to print; empty if nothing is known.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Again {
    pub from: Option<AgainLine>,
    pub made: Vec<AgainLine>,
}

/// One time that something was sent again.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct AgainLine {
    /// What happened, e.g. "Edited copy of".
    pub what: &'static str,
    /// The other delivery; none if it is this one.
    pub other: Option<(String, String)>,
    /// Where it went.
    pub webhook: String,
    pub by: String,
    pub at: OffsetDateTime,
    /// Empty for those who see no bodies.
    pub reason: String,
}

impl Again {
    /// What is told on the page of a delivery, or of an event, which is none of its deliveries.
    pub fn of(
        member: &Member,
        told: &Told,
        own: Option<DeliveryId>,
        (names, veil): (&HashMap<WebhookId, Named>, &Veil),
    ) -> Self {
        let line = |resend: &Resend, what, other: DeliveryId| AgainLine {
            what,
            other: (Some(other) != own)
                .then(|| (other.to_string(), member.path(&format!("/history/{other}")))),
            webhook: names.get(&resend.webhook).map(|named| named.name.clone()).unwrap_or_default(),
            by: by(&resend.by),
            at: resend.at,
            // It may name people, as bodies do.
            reason: if member.role >= Role::Support {
                veil.text(&resend.reason).into_owned()
            } else {
                String::new()
            },
        };
        let from = |resend: &Resend| {
            let what = if resend.is_edited { "Edited copy of" } else { "The same data as" };
            line(resend, what, resend.of_delivery)
        };
        let made = |resend: &Resend| {
            let what = match (resend.is_edited, resend.delivery == resend.of_delivery) {
                (true, _) => "Sent again with edited data as",
                (false, true) => "Sent again",
                (false, false) => "Sent again to another webhook as",
            };
            line(resend, what, resend.delivery)
        };
        Self { from: told.from.as_ref().map(from), made: told.resends.iter().map(made).collect() }
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.from.is_none() && self.made.is_empty()
    }
}

fn by(by: &By) -> String {
    match by {
        By::Person { name, .. } => name.clone(),
        By::Key { name, .. } => format!("the API key “{name}”"),
    }
}
