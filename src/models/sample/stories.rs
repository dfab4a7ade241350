//! What happens in the shop: small stories of one to three events, by the hour and the day of the week.
use time::{Duration, OffsetDateTime, Time, Weekday};

use super::draw::Draw;

/// Whole days of history before today.
pub(super) const DAYS_BACK: i64 = 28;
/// Stories on an ordinary day.
const STORIES_A_DAY: f64 = 62.0;
/// How busy each hour is.
const HOURS: [u64; 24] = [1, 1, 0, 0, 0, 1, 2, 4, 7, 9, 10, 11, 12, 11, 9, 9, 10, 12, 13, 14, 12, 9, 5, 2];
/// The days, counted back from today, on which a campaign brought everybody in.
const CAMPAIGN_DAYS: std::ops::RangeInclusive<i64> = 11..=12;
/// Nothing happened in the last moments: who looks sees no delivery that is still on its way.
const QUIET: Duration = Duration::seconds(90);

/// Who made an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// The shop's program, with its key.
    Backend,
    /// Somebody of the shop's staff.
    Staff,
    /// A schedule.
    Schedule,
}

/// One event to be.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    pub(super) at: OffsetDateTime,
    pub(super) event_type: &'static str,
    /// The customer and somebody else, by number.
    pub(super) people: [usize; 2],
    /// Of the story: events of one cause share ids and group.
    pub(super) seed: u64,
    pub(super) tenths: i64,
    pub(super) channel: Channel,
}

/// Event types with the milliseconds after the story's beginning, and of a hundred stories how many have them.
type Plot = &'static [(&'static str, i64, u64)];

const PLOTS: &[(u64, (Channel, Plot))] = &[
    (
        20,
        (
            Channel::Backend,
            &[
                ("customer.order.created", 0, 100),
                ("customer.order.paid", 6_400, 88),
                ("voucher.loyalty_card.points_added", 7_900, 62),
            ],
        ),
    ),
    (
        19,
        (
            Channel::Backend,
            &[("redemption.succeeded", 0, 100), ("customer.rewarded.loyalty_points", 1_350, 34)],
        ),
    ),
    (6, (Channel::Backend, &[("redemption.failed", 0, 100)])),
    (
        10,
        (
            Channel::Backend,
            &[
                ("customer.created", 0, 100),
                ("contact.subscribed", 820, 80),
                ("voucher.published", 2_750, 70),
            ],
        ),
    ),
    (6, (Channel::Backend, &[("publication.succeeded", 0, 100)])),
    (5, (Channel::Backend, &[("voucher.gift.balance_added", 0, 100)])),
    (
        7,
        (
            Channel::Backend,
            &[("player.created", 0, 30), ("gameplay.finished", 41_000, 100), ("prize.assigned", 41_600, 38)],
        ),
    ),
    (4, (Channel::Backend, &[("shopper.consent_intent", 0, 100), ("shopper.offer_claimed", 212_000, 78)])),
    (
        5,
        (
            Channel::Backend,
            &[("mission_completed", 0, 100), ("reward_claimed", 34_500, 90), ("badge_earned", 34_910, 22)],
        ),
    ),
    (3, (Channel::Backend, &[("customer.updated", 0, 100), ("customer.segment.entered", 1_900, 55)])),
    (2, (Channel::Schedule, &[("customer.loyalty.tier.upgraded", 0, 100)])),
    (2, (Channel::Backend, &[("customer.referred", 0, 100), ("customer.rewarded", 2_200, 85)])),
    (
        2,
        (
            Channel::Backend,
            &[("redemption.rollback.succeeded", 0, 100), ("customer.order.canceled", 930, 70)],
        ),
    ),
    (2, (Channel::Backend, &[("customer.custom_event", 0, 100)])),
    (1, (Channel::Backend, &[("contact.unsubscribed", 0, 100)])),
    (1, (Channel::Staff, &[("campaign.updated", 0, 100), ("business_validation_rule.updated", 48_000, 40)])),
    (1, (Channel::Staff, &[("voucher.disabled", 0, 100)])),
    (1, (Channel::Staff, &[("campaign.promotion_tier.updated", 0, 100)])),
    (1, (Channel::Staff, &[("campaign.earning_rule.updated", 0, 100)])),
];

/// Things that happened once, so many days before today at this hour.
const ONCE: &[(i64, u8, Channel, Plot)] = &[
    (
        14,
        9,
        Channel::Staff,
        &[
            ("campaign.created", 0, 100),
            ("campaign.vouchers.generation.started", 4_000, 100),
            ("campaign.vouchers.generation.completed", 96_000, 100),
            ("business_validation_rule.created", 210_000, 100),
            ("business_validation_rule.assignment.created", 214_000, 100),
        ],
    ),
    (12, 8, Channel::Staff, &[("campaign.enabled", 0, 100)]),
    (10, 23, Channel::Staff, &[("campaign.disabled", 0, 100)]),
    (8, 10, Channel::Staff, &[("segment.created", 0, 100), ("segment.updated", 380_000, 100)]),
    (22, 11, Channel::Staff, &[("campaign.reward.assignment.created", 0, 100)]),
    (19, 15, Channel::Staff, &[("game.ended", 0, 100)]),
    (6, 16, Channel::Staff, &[("customer.deleted", 0, 100)]),
];

/// A month of the shop up to a moment ago, in order.
pub(super) fn month(now: OffsetDateTime, people: usize) -> Vec<Happening> {
    let mut draw = Draw::new(0x51_7e_a5);
    let mut all = Vec::new();
    for back in (0..=DAYS_BACK).rev() {
        let midnight = (now - Duration::days(back)).replace_time(Time::MIDNIGHT);
        let busy = weekday_factor(midnight.weekday()) * if CAMPAIGN_DAYS.contains(&back) { 2.3 } else { 1.0 };
        let count = (STORIES_A_DAY * busy * (0.9 + 0.2 * draw.share())) as usize;
        let hours: Vec<(u64, i64)> = HOURS.iter().zip(0..).map(|(weight, hour)| (*weight, hour)).collect();
        for _ in 0..count {
            let hour = *draw.weighted(&hours);
            let at = midnight + Duration::hours(hour) + Duration::milliseconds(draw.between(0, 3_599_999));
            all.extend(story(at, people, &mut draw));
        }
        for (_, hour, channel, plot) in ONCE.iter().filter(|(day, ..)| *day == back) {
            let at = midnight + Duration::hours(i64::from(*hour)) + Duration::seconds(draw.between(0, 1_800));
            all.extend(told(at, *channel, plot, people, &mut draw));
        }
        // Points expire in the night.
        for n in 0..draw.between(2, 5) {
            let at = midnight + Duration::hours(3) + Duration::milliseconds(n * 410 + draw.between(0, 300));
            let plot: Plot = &[("voucher.loyalty_card.points_expired", 0, 100)];
            all.extend(told(at, Channel::Schedule, plot, people, &mut draw));
        }
    }
    all.retain(|happening| happening.at < now - QUIET);
    all.sort_by_key(|happening| happening.at);
    all
}

/// A story that begins at `at`.
pub(super) fn story(at: OffsetDateTime, people: usize, draw: &mut Draw) -> Vec<Happening> {
    let (channel, plot) = *draw.weighted(PLOTS);
    told(at, channel, plot, people, draw)
}

fn told(at: OffsetDateTime, channel: Channel, plot: Plot, people: usize, draw: &mut Draw) -> Vec<Happening> {
    let (seed, tenths) = (draw.next(), draw.between(4, 31));
    // Some come often, most now and then.
    let first = (draw.share() * draw.share() * people as f64) as usize;
    let second = (first + 1 + usize::try_from(draw.below(people as u64 - 1)).unwrap_or_default()) % people;
    let mut happenings = Vec::new();
    for (event_type, ms, of_hundred) in plot {
        if draw.percent(*of_hundred) {
            let ms = ms + ms * draw.between(-20, 45) / 100;
            happenings.push(Happening {
                at: at + Duration::milliseconds(ms),
                event_type,
                people: [first, second],
                seed,
                tenths,
                channel,
            });
        }
    }
    happenings
}

fn weekday_factor(day: Weekday) -> f64 {
    match day {
        Weekday::Monday | Weekday::Tuesday => 0.85,
        Weekday::Wednesday => 0.9,
        Weekday::Thursday => 1.0,
        Weekday::Friday => 1.15,
        Weekday::Saturday => 1.4,
        Weekday::Sunday => 1.25,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;

    use super::*;
    use crate::rules::catalogue::{self, Family};

    #[test]
    fn a_month_is_busy_by_day_quiet_by_night_and_ends_before_now() {
        let now = datetime!(2031-03-05 17:20 UTC);
        let month = month(now, 60);
        assert!((3_000..6_000).contains(&month.len()), "{}", month.len());
        assert!(month.is_sorted_by_key(|happening| happening.at));
        assert!(month.last().is_some_and(|last| last.at < now));
        assert!(month[0].at > now - Duration::days(29));
        let in_hour = |hour| month.iter().filter(|happening| happening.at.hour() == hour).count();
        assert!(in_hour(19) > 5 * in_hour(1), "{} {}", in_hour(19), in_hour(1));
    }

    #[test]
    fn every_family_has_its_events_and_every_type_is_known() {
        let month = month(datetime!(2031-03-05 17:20 UTC), 60);
        let types: HashSet<&str> = month.iter().map(|happening| happening.event_type).collect();
        for name in &types {
            assert!(catalogue::find(name).is_some(), "{name}");
        }
        for family in Family::ALL {
            assert!(catalogue::of(family).any(|event_type| types.contains(event_type.name)), "{family}");
        }
    }
}
