//! Gamified campaigns. The names are published, the payloads are ours.
use super::EventType;
use crate::rules::catalogue::Family::Gamify;

event_types! { "gamify";
    group "segment" in [Gamify] {
        designed "segment.created": "A segment was added.";
        designed "segment.updated": "The title of a segment or its campaign changed.";
        designed "segment.deleted": "A segment was removed.";
    }
    group "player" in [Gamify] {
        designed "player.created": "Someone registered in a campaign for the first time.";
        designed "player.updated": "A registered player registered again or changed data.";
    }
    group "game" in [Gamify] {
        designed "game.ended": "The game itself came to its end; registration or prize may still follow.";
    }
    group "gameplay" in [Gamify] {
        designed "gameplay.finished": "A player reached the last screen: the experience is complete.";
    }
    group "prize" in [Gamify] {
        designed "prize.assigned": "A player won a prize and got its code.";
    }
}
