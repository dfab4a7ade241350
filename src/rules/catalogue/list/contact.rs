//! The contact connector: 20 flat attributes, the same in both; only the type of the event tells them apart.
use super::EventType;
use crate::rules::catalogue::Family::Contact;

event_types! { "contact";
    group "contact" in [Contact] {
        published "contact.subscribed": "A contact signed up through an on-site campaign, a keyword or an import.";
        published "contact.unsubscribed": "A contact no longer wants messages.";
    }
}
