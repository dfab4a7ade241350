//! Loyalty missions. The names are published in part, the payloads are ours.
use super::EventType;
use crate::rules::catalogue::Family::Loyalty;

event_types! { "loyalty";
    group "loyalty" in [Loyalty] {
        designed "mission_completed": "A member reached the goal of a mission.";
        designed "reward_claimed": "A member claimed a reward.";
        designed "badge_earned": "A member earned a badge.";
    }
}
