//! What goes on happening in the shop while a demo runs.
use std::collections::{HashMap, VecDeque};

use time::OffsetDateTime;

use super::Sample;
use super::draw::Draw;
use super::people::{Person, everybody};
use super::slots::Scene;
use super::stories::{Channel, Happening, story};
use super::template::Template;
use crate::base::ids::GroupId;

/// An event that happens now, ready to be accepted.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct LiveEvent {
    pub event_type: &'static str,
    /// Canonical JSON.
    pub data: Vec<u8>,
    pub entity_id: Option<String>,
    /// Shared by the events of one story.
    pub group: String,
    /// Whether the shop's own program made it, rather than its staff or a schedule.
    pub by_backend: bool,
}

/// Tells story after story, one event at a time.
#[derive(Debug)]
pub struct Live {
    people: Vec<Person>,
    templates: HashMap<&'static str, Template>,
    draw: Draw,
    base: OffsetDateTime,
    waiting: VecDeque<(Happening, String)>,
}

impl Live {
    /// Goes on where the month of `sample` ends; another seed tells other stories.
    pub fn new(sample: &Sample, seed: u64) -> Self {
        Self {
            people: everybody(),
            templates: HashMap::new(),
            draw: Draw::new(seed),
            base: sample.made_at.replace_time(time::Time::MIDNIGHT),
            waiting: VecDeque::new(),
        }
    }

    /// The next event, which happens at `now`.
    pub fn next(&mut self, now: OffsetDateTime) -> LiveEvent {
        loop {
            let Some((happening, group)) = self.waiting.pop_front() else {
                let group = GroupId::new(now).to_string();
                let story = story(now, self.people.len(), &mut self.draw);
                self.waiting.extend(story.into_iter().map(|happening| (happening, group.clone())));
                continue;
            };
            if !self.templates.contains_key(happening.event_type) {
                let Some(template) = Template::of(happening.event_type) else { continue };
                self.templates.insert(happening.event_type, template);
            }
            let template = &self.templates[happening.event_type];
            let scene = Scene {
                people: happening.people.map(|number| &self.people[number]),
                seed: happening.seed,
                at: now,
                base: self.base,
                tenths: happening.tenths,
            };
            return LiveEvent {
                event_type: happening.event_type,
                data: template.data(&scene),
                entity_id: template.entity(&scene),
                group,
                by_backend: happening.channel == Channel::Backend,
            };
        }
    }

    /// Milliseconds until the next event, drawn anew each time: three to eight seconds.
    pub fn pause_ms(&mut self) -> u64 {
        self.draw.below(5_000) + 3_000
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;

    use super::*;
    use crate::base::ids::ProjectId;

    #[test]
    fn stories_go_on_and_differ() {
        let now = datetime!(2031-03-05 17:20 UTC);
        let sample = Sample { project: ProjectId::new(now), made_at: now, removal_began_at: None };
        let mut live = Live::new(&sample, 3);
        let events: Vec<LiveEvent> = (0..60).map(|_| live.next(now)).collect();
        let types: HashSet<&str> = events.iter().map(|event| event.event_type).collect();
        assert!(types.len() > 8, "{types:?}");
        assert!(events.windows(2).any(|pair| pair[0].group == pair[1].group), "a story of several events");
        assert!((3_000..8_000).contains(&live.pause_ms()));
    }
}
