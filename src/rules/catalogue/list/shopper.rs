//! Verification of shoppers: two flat bodies that tell themselves apart by `state`.
use super::EventType;
use crate::rules::catalogue::Family::Shopper;

event_types! { "shopper";
    group "shopper" in [Shopper] {
        published "shopper.consent_intent": "A shopper left contact data and agreed to a text, and is not verified yet.";
        published "shopper.offer_claimed": "A shopper was verified and took the offer.";
    }
}
