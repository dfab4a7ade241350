//! From the sizes of the days to how long the disk lasts.
use std::collections::BTreeMap;

use time::{Date, Duration};

use crate::models::deliveries::DaySize;

/// Full days that growth is told from.
pub const DAYS_SHOWN: i64 = 7;
/// Further ahead nobody plans a disk.
const LOOKED_AHEAD_DAYS: i64 = 10 * 365;

/// Where it is going if every day is as the last ones were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The last full days, oldest first, with the bytes of each.
    pub days: Vec<(Date, u64)>,
    /// The mean of those since the first event; none before the first full day.
    pub per_day: Option<u64>,
    /// What goes by age within the next seven days.
    pub freed_soon: u64,
    /// What becomes of the disk.
    pub end: End,
}

/// What becomes of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The disk or the growth is not known.
    Unknown,
    /// From this day on as much is dropped by age as comes, and there is room for that.
    Never {
        /// When the oldest day that is kept is one of those that grow as now.
        level_from: Date,
    },
    /// Full on a day.
    Full {
        /// The day.
        on: Date,
        /// Days until then.
        in_days: i64,
    },
}

/// Looks ahead from `today`. A day is dropped once `kept_days` have passed since its end; what outlives that, failures
/// and open deliveries, is taken for small.
pub fn forecast(sizes: &BTreeMap<Date, DaySize>, today: Date, kept_days: u32, free: Option<u64>) -> Forecast {
    let kept = i64::from(kept_days);
    let bytes_of = |date: Date| sizes.get(&date).map_or(0, |day| day.bytes);
    let days: Vec<(Date, u64)> =
        (1..=DAYS_SHOWN).rev().map(|ago| ahead(today, -ago)).map(|date| (date, bytes_of(date))).collect();
    let first_event = sizes.iter().find(|(_, day)| day.has_events).map(|(date, _)| *date);
    let counted: Vec<u64> = days
        .iter()
        .filter(|(date, _)| first_event.is_some_and(|first| first <= *date))
        .map(|d| d.1)
        .collect();
    let per_day = match counted.len() {
        0 => None,
        n => Some(counted.iter().sum::<u64>() / n as u64),
    };
    let dropped_by = |date: Date| ahead(date, -kept - 1);
    let freed_soon = sizes
        .range(..=dropped_by(ahead(today, DAYS_SHOWN)))
        .filter(|(date, _)| **date < today)
        .map(|d| d.1.bytes);
    let freed_soon = freed_soon.sum();
    let end = match (per_day, free) {
        (Some(grows), Some(free)) if grows > 0 => {
            end(grows, free, today, kept, |on| {
                let date = dropped_by(on);
                // Today and the days to come will have grown as the others did.
                if date < today { bytes_of(date) } else { grows }
            })
        }
        _ => End::Unknown,
    };
    Forecast { days, per_day, freed_soon, end }
}

/// Day by day: what comes is added, what is too old is given back.
fn end(grows: u64, free: u64, today: Date, kept: i64, dropped: impl Fn(Date) -> u64) -> End {
    let mut free = i128::from(free);
    for in_days in 1..=LOOKED_AHEAD_DAYS {
        let on = ahead(today, in_days);
        if in_days > kept + 1 {
            return End::Never { level_from: on };
        }
        free += i128::from(dropped(on)) - i128::from(grows);
        if free <= 0 {
            return End::Full { on, in_days };
        }
    }
    End::Never { level_from: ahead(today, LOOKED_AHEAD_DAYS) }
}

fn ahead(date: Date, days: i64) -> Date {
    date.saturating_add(Duration::days(days))
}

/// Bytes as people say them.
pub fn bytes_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} {}", if bytes == 1 { "byte" } else { "bytes" });
    }
    let (mut value, mut unit) = (bytes as f64 / 1_024.0, 0);
    // What would be printed as 1024.0 is one of the next unit.
    while value >= 1_023.95 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    format!("{value:.*} {}", usize::from(value < 99.95), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 11 - 21);

    /// So many days before today, each of this size, and today a tenth of it.
    fn sizes(days: i64, bytes: u64) -> BTreeMap<Date, DaySize> {
        let of = |ago: i64| {
            (
                ahead(TODAY, -ago),
                DaySize { bytes: if ago == 0 { bytes / 10 } else { bytes }, has_events: true },
            )
        };
        (0..=days).map(of).collect()
    }

    #[test]
    fn growth_is_the_mean_of_the_full_days_since_the_first_event() {
        let mut three = sizes(3, 600);
        three.insert(ahead(TODAY, -4), DaySize { bytes: 9, has_events: false });
        let told = forecast(&three, TODAY, 30, None);
        assert_eq!(told.per_day, Some(600));
        assert_eq!(told.days.len(), 7);
        assert_eq!((told.days[6], told.days[0].1), ((date!(2026 - 11 - 20), 600), 0));
        assert_eq!(told.end, End::Unknown);
        assert_eq!(forecast(&sizes(0, 600), TODAY, 30, Some(10)).per_day, None, "today is not over");
        assert_eq!(forecast(&BTreeMap::new(), TODAY, 30, Some(10)).end, End::Unknown);
    }

    #[test]
    fn a_young_installation_fills_the_disk_before_its_first_day_is_dropped() {
        let told = forecast(&sizes(3, 100), TODAY, 30, Some(1_001));
        assert_eq!(told.end, End::Full { on: date!(2026 - 12 - 02), in_days: 11 });
        assert_eq!(told.freed_soon, 0);
    }

    #[test]
    fn what_is_dropped_every_day_makes_room_for_what_comes() {
        let told = forecast(&sizes(30, 100), TODAY, 30, Some(50));
        assert_eq!(told.freed_soon, 700);
        assert!(matches!(told.end, End::Never { .. }), "{told:?}");
        let roomy = forecast(&sizes(30, 100), TODAY, 30, Some(150));
        assert_eq!(roomy.end, End::Never { level_from: date!(2026 - 12 - 23) });
    }

    #[test]
    fn bytes_are_said_as_people_say_them() {
        let said = [0, 1, 1_023, 1_024, 1_536, 102_400, 1_048_575, 5 << 30, 3 << 40].map(bytes_words);
        assert_eq!(
            said,
            [
                "0 bytes",
                "1 byte",
                "1023 bytes",
                "1.0 KiB",
                "1.5 KiB",
                "100 KiB",
                "1.0 MiB",
                "5.0 GiB",
                "3.0 TiB"
            ]
        );
    }
}
