//! The ranges that figures are shown for, and the grains that they are counted in.
use time::{Duration, OffsetDateTime};

/// The stretch of time that a row of figures counts: it begins at a multiple of its length, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Grain {
    Minute,
    Quarter,
    TwoHours,
    Day,
}

impl Grain {
    /// What ends is counted in one row of each.
    pub const ALL: [Self; 4] = [Self::Minute, Self::Quarter, Self::TwoHours, Self::Day];

    /// Its length; also its number in the tables.
    pub fn seconds(self) -> i32 {
        match self {
            Self::Minute => 60,
            Self::Quarter => 900,
            Self::TwoHours => 7_200,
            Self::Day => 86_400,
        }
    }

    /// The same as a length of time.
    pub fn length(self) -> Duration {
        Duration::seconds(self.seconds().into())
    }

    /// How long its rows are kept: a little more than the longest range that is shown in it and the one before.
    pub fn kept(self) -> Duration {
        match self {
            Self::Minute => Duration::hours(3),
            Self::Quarter => Duration::hours(50),
            Self::TwoHours => Duration::days(15),
            Self::Day => Duration::days(200),
        }
    }

    /// The beginning of the row that a moment is counted in, as a Unix time.
    pub(super) fn begin_of(self, unix: i64) -> i64 {
        let seconds = i64::from(self.seconds());
        unix.div_euclid(seconds) * seconds
    }
}

/// A range that figures are shown for. It ends with the row that now is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Range {
    Hour,
    SixHours,
    Day,
    Week,
    Month,
    Quarter,
}

impl Range {
    /// Shortest first.
    pub const ALL: [Self; 6] =
        [Self::Hour, Self::SixHours, Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// Reads the word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == word)
    }

    /// What its points are counted in.
    pub fn grain(self) -> Grain {
        match self {
            Self::Hour => Grain::Minute,
            Self::SixHours | Self::Day => Grain::Quarter,
            Self::Week => Grain::TwoHours,
            Self::Month | Self::Quarter => Grain::Day,
        }
    }

    /// How many points it has.
    pub fn points(self) -> usize {
        match self {
            Self::Hour => 60,
            Self::SixHours => 24,
            Self::Day => 96,
            Self::Week => 84,
            Self::Month => 30,
            Self::Quarter => 90,
        }
    }

    /// The next longer one.
    pub fn longer(self) -> Option<Self> {
        Self::ALL.into_iter().skip_while(|range| *range != self).nth(1)
    }

    /// How long it is.
    pub fn length(self) -> Duration {
        self.grain().length() * u32::try_from(self.points()).unwrap_or_default()
    }

    /// The beginning of its first point.
    pub fn begin(self, now: OffsetDateTime) -> OffsetDateTime {
        self.end(now) - self.length()
    }

    /// The end of its last point, which is to come.
    pub fn end(self, now: OffsetDateTime) -> OffsetDateTime {
        let begin = self.grain().begin_of(now.unix_timestamp());
        OffsetDateTime::from_unix_timestamp(begin).unwrap_or(now) + self.grain().length()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_range_ends_with_the_row_that_now_is_in_and_its_rows_are_kept_twice_as_long() {
        let now = datetime!(2026-11-21 12:07:31 UTC);
        assert_eq!(Range::Hour.begin(now), datetime!(2026-11-21 11:08 UTC));
        assert_eq!(Range::SixHours.begin(now), datetime!(2026-11-21 6:15 UTC));
        assert_eq!(Range::Week.end(now), datetime!(2026-11-21 14:00 UTC));
        assert_eq!(Range::Quarter.end(now), datetime!(2026-11-22 0:00 UTC));
        for range in Range::ALL {
            assert_eq!(Range::of_word(range.as_str()), Some(range));
            assert!(range.grain().kept() >= range.length() * 2, "{range:?}");
        }
        assert_eq!((Range::Hour.longer(), Range::Quarter.longer()), (Some(Range::SixHours), None));
    }
}
