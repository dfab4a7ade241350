//! The bars of the last days, laid out here so that the page needs no script. All lengths are the drawing's own units.
use time::Date;

use super::outlook::bytes_words;

/// The drawing is so wide and high; it grows with the page.
pub const WIDTH: u32 = 700;
/// See [`WIDTH`].
pub const HEIGHT: u32 = 200;
/// Below the bars stand the days, above them the figures.
const FOOT: u32 = 30;
const HEAD: u32 = 22;
/// Even the smallest bar can be seen.
const LOWEST: u32 = 2;

/// A day's bar.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Bar {
    pub date: Date,
    /// E.g. `Nov 20`.
    pub label: String,
    pub size: String,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    /// Where its texts are centred.
    pub middle: u32,
    /// The baseline of its figure.
    pub figure_y: u32,
}

/// The line that the bars stand on.
pub const GROUND: u32 = HEIGHT - FOOT;

/// A bar for each day, the highest as high as there is room.
pub fn bars(days: &[(Date, u64)]) -> Vec<Bar> {
    let highest = days.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default().max(1);
    let step = WIDTH / u32::try_from(days.len().max(1)).unwrap_or(1);
    let width = step * 3 / 5;
    let bar = |(n, (date, bytes)): (usize, &(Date, u64))| {
        let room = u128::from(GROUND - HEAD);
        let height = u32::try_from(u128::from(*bytes) * room / u128::from(highest)).unwrap_or_default();
        let height = if *bytes > 0 { height.max(LOWEST) } else { 0 };
        let x = step * u32::try_from(n).unwrap_or_default() + (step - width) / 2;
        let y = GROUND - height;
        Bar {
            date: *date,
            label: format!("{} {}", &date.month().to_string()[..3], date.day()),
            size: bytes_words(*bytes),
            x,
            y,
            width,
            height,
            middle: x + width / 2,
            figure_y: y - 6,
        }
    };
    days.iter().enumerate().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn bars_stay_within_the_drawing_and_stand_on_the_ground() {
        let day = date!(2026 - 11 - 20);
        let bars = bars(&[(day, 0), (day, 1), (day, 1_000_000), (day, u64::MAX)]);
        for bar in &bars {
            assert!(
                bar.x + bar.width <= WIDTH && bar.y + bar.height == GROUND && bar.figure_y > 10,
                "{bar:?}"
            );
        }
        assert_eq!((bars[0].height, bars[1].height, bars[3].y), (0, LOWEST, HEAD));
        assert_eq!(bars[0].label, "Nov 20");
        assert!(super::bars(&[(day, 0)])[0].height == 0 && super::bars(&[]).is_empty());
    }
}
