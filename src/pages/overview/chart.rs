//! The drawings of the overview, laid out here so that the page needs no script. Lengths are a drawing's own units; it is
//! stretched to the room there is, its labels stand beside it.
use time::OffsetDateTime;

use crate::models::figures::{Figures, Grain, Sums};
use crate::web::filters::thousands;

/// A point's share of the width.
const STEP: i64 = 10;
/// How high the chart is.
pub const HEIGHT: i64 = 200;
/// How high a sparkline is.
pub const SPARK_HEIGHT: i64 = 24;

/// Deliveries over time, by what became of them.
pub struct Chart {
    /// How wide it is.
    pub width: i64,
    /// Oldest first; those without anything are left out.
    pub bars: Vec<Bar>,
    /// What its height stands for, and half of it.
    pub top: String,
    /// See above.
    pub half: String,
    /// Moments at even distances, from its beginning on.
    pub labels: Vec<OffsetDateTime>,
    /// How they are shown: `clock`, `day`, or `utc` for days that begin at midnight in UTC.
    pub labels_as: &'static str,
}

/// What ended within a point.
pub struct Bar {
    pub x: i64,
    pub width: i64,
    /// Class, y and height, from the ground up.
    pub parts: Vec<(&'static str, i64, i64)>,
    pub at: OffsetDateTime,
    pub sums: Sums,
    /// The history of that stretch.
    pub query: String,
}

impl Chart {
    pub fn of(figures: &Figures) -> Self {
        let (grain, count) = (figures.range.grain(), figures.points.len());
        let top = nice(figures.points.iter().map(Sums::ended).max().unwrap_or_default());
        let bar = |(n, sums): (usize, &Sums)| {
            let n = i64::try_from(n).unwrap_or_default();
            let at = figures.begin + grain.length() * i32::try_from(n).unwrap_or_default();
            let query = format!("since={}&until={}&test=0", word(at), word(at + grain.length()));
            Bar { x: n * STEP + 1, width: STEP - 2, parts: parts(sums, top), at, sums: *sums, query }
        };
        let bars = figures.points.iter().enumerate().filter(|(_, sums)| sums.ended() > 0).map(bar).collect();
        Self {
            width: STEP * i64::try_from(count).unwrap_or_default(),
            bars,
            top: thousands(top),
            half: thousands(top / 2),
            labels: (0..4).map(|n| figures.begin + figures.range.length() / 4 * n).collect(),
            labels_as: match grain {
                Grain::Minute | Grain::Quarter => "clock",
                Grain::TwoHours => "day",
                Grain::Day => "utc",
            },
        }
    }
}

/// A moment in an address.
pub fn word(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// Stacked from the ground up; what there is can be seen, however little it is.
fn parts(sums: &Sums, top: i64) -> Vec<(&'static str, i64, i64)> {
    let counts = [
        ("chart-first", sums.delivered_first),
        ("chart-later", sums.delivered_later),
        ("chart-failed", sums.failed),
    ];
    let (mut parts, mut y) = (Vec::new(), HEIGHT);
    for (class, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        let height = (count * HEIGHT / top).max(2).min(y);
        y -= height;
        parts.push((class, y, height));
    }
    parts
}

/// The next number that halves well.
fn nice(highest: i64) -> i64 {
    let mut unit = 1;
    loop {
        for times in [2, 4, 6, 8] {
            if times * unit >= highest {
                return times * unit;
            }
        }
        unit *= 10;
    }
}

/// The outline of numbers as steps, as an SVG path that is as many units wide as there are numbers.
pub fn spark(numbers: impl Iterator<Item = i64>, highest: i64) -> String {
    let mut path = format!("M0 {SPARK_HEIGHT}");
    for (n, number) in numbers.enumerate() {
        let height = if number > 0 { (number * SPARK_HEIGHT / highest.max(1)).max(2) } else { 0 };
        path.push_str(&format!("V{}H{}", SPARK_HEIGHT - height, n + 1));
    }
    path.push_str(&format!("V{SPARK_HEIGHT}Z"));
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stacked_stands_on_the_ground_within_the_drawing_and_little_is_seen() {
        let sums = Sums { delivered_first: 1_000, delivered_later: 1, failed: 600, ..Sums::default() };
        let parts = parts(&sums, nice(sums.ended()));
        assert_eq!(parts[0], ("chart-first", 100, 100));
        assert_eq!(parts[1], ("chart-later", 98, 2));
        assert!(parts.windows(2).all(|two| two[1].1 + two[1].2 == two[0].1) && parts[2].1 >= 0);
        assert_eq!([0, 2, 3, 9, 11, 1_601].map(nice), [2, 2, 4, 20, 20, 2_000]);
    }

    #[test]
    fn a_sparkline_is_as_wide_as_there_are_numbers() {
        assert_eq!(spark([0, 4, 1].into_iter(), 4), "M0 24V24H1V0H2V18H3V24Z");
        assert_eq!(spark([0].into_iter(), 0), "M0 24V24H1V24Z");
    }
}
