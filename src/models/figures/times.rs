//! How long receivers took, in buckets that grow by a quarter each.

/// Where buckets begin, in microseconds: three for each doubling, from a millisecond to over a minute. Below the first is
/// one more. What the table holds is counted by these: never change them without counting anew.
const BOUNDS: [i32; 50] = [
    1_000, 1_260, 1_587, 2_000, 2_520, 3_175, 4_000, 5_040, 6_350, 8_000, 10_079, 12_699, 16_000, 20_159,
    25_398, 32_000, 40_317, 50_797, 64_000, 80_635, 101_594, 128_000, 161_270, 203_187, 256_000, 322_540,
    406_375, 512_000, 645_080, 812_749, 1_024_000, 1_290_159, 1_625_499, 2_048_000, 2_580_319, 3_250_997,
    4_096_000, 5_160_637, 6_501_994, 8_192_000, 10_321_274, 13_003_989, 16_384_000, 20_642_549, 26_007_979,
    32_768_000, 41_285_097, 52_015_957, 65_536_000, 82_570_195,
];
/// How many there are.
pub(super) const BUCKETS: usize = BOUNDS.len() + 1;

/// How many attempts took how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times([i64; BUCKETS]);

impl Default for Times {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

/// The bucket of so many microseconds.
pub(super) fn bucket(us: i32) -> usize {
    BOUNDS.partition_point(|bound| *bound <= us)
}

impl Times {
    /// Adds buckets as a row holds them.
    pub(super) fn add(&mut self, row: &[i32]) {
        for (sum, count) in self.0.iter_mut().zip(row) {
            *sum += i64::from(*count);
        }
    }

    /// Adds others.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }

    /// How many attempts they are of.
    pub fn count(&self) -> i64 {
        self.0.iter().sum()
    }

    /// So many percent took at most this long, in microseconds: true but for a bucket's width, a quarter. None of none.
    pub fn percentile(&self, percent: i64) -> Option<i64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = (count * percent + 99) / 100;
        let mut before = 0;
        for (n, inside) in self.0.iter().enumerate() {
            if before + inside >= rank {
                let bound = |n: usize| i64::from(BOUNDS[n.min(BOUNDS.len() - 1)]);
                let low = if n == 0 { 0 } else { bound(n - 1) };
                return Some(low + (bound(n) - low) * (rank - before) / inside.max(&1));
            }
            before += inside;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_true_within_a_quarter() {
        let mut row = [0; BUCKETS];
        for ms in 1..=1_000 {
            row[bucket(ms * 1_000)] += 1;
        }
        let mut times = Times::default();
        assert_eq!(times.percentile(50), None);
        times.add(&row);
        for (percent, true_us) in [(50, 500_000_f64), (95, 950_000.0), (99, 990_000.0), (1, 10_000.0)] {
            let told = times.percentile(percent).expect("some") as f64;
            assert!((told / true_us - 1.0).abs() < 0.26, "{percent}: {told}");
        }
    }

    #[test]
    fn bounds_grow_and_every_length_has_a_bucket() {
        assert!(BOUNDS.is_sorted_by(|a, b| a < b && i64::from(*b) <= i64::from(*a) * 127 / 100));
        assert_eq!((bucket(0), bucket(999), bucket(1_000), bucket(i32::MAX)), (0, 0, 1, BUCKETS - 1));
    }
}
