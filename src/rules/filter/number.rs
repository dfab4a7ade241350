//! JSON numbers compared by value, digit for digit, however large.
use std::cmp::Ordering;

/// Whether a JSON value, as it stands, is a number.
pub(super) fn is_number(raw: &str) -> bool {
    raw.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// Two JSON numbers by value: `1`, `1.0` and `10e-1` are equal, and so is nothing that differs in any digit.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (Decimal::of(one), Decimal::of(other));
    match (one.sign(), other.sign()) {
        (1, 1) => one.cmp_size(&other),
        (-1, -1) => other.cmp_size(&one),
        (one, other) => one.cmp(&other),
    }
}

/// `0.d₁d₂… × 10^point`, with a first digit that is not 0 unless it is zero.
struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    part: &'a [u8],
    point: i64,
}

impl<'a> Decimal<'a> {
    fn of(raw: &'a str) -> Self {
        let (negative, rest) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
        let (digits, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let (whole, part) = (without_zeros(whole.as_bytes()), part.as_bytes());
        // An exponent beyond 64 bits is beyond what a receiver could read, and stays at the end of the scale.
        let end = if exponent.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 };
        let exponent = exponent.strip_prefix('+').unwrap_or(exponent).parse().unwrap_or(end);
        let shown = if whole.is_empty() { without_zeros(part) } else { part };
        let before = whole.len() as i64 - (part.len() - shown.len()) as i64;
        Self { negative, whole, part: shown, point: before.saturating_add(exponent) }
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.part).copied()
    }

    fn sign(&self) -> i8 {
        match (self.digits().all(|digit| digit == b'0'), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn cmp_size(&self, other: &Self) -> Ordering {
        let by_digits = || {
            let places = (self.whole.len() + self.part.len()).max(other.whole.len() + other.part.len());
            let padded = |number: &Self, at: usize| {
                let (whole, part) = (number.whole, number.part);
                whole.get(at).or_else(|| part.get(at.wrapping_sub(whole.len()))).copied().unwrap_or(b'0')
            };
            (0..places).map(|at| padded(self, at).cmp(&padded(other, at))).find(|order| order.is_ne())
        };
        self.point.cmp(&other.point).then_with(|| by_digits().unwrap_or(Ordering::Equal))
    }
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|digit| **digit == b'0').count()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value_and_not_by_how_they_are_written() {
        for equal in
            [["1", "1.0"], ["1", "10e-1"], ["-0", "0"], ["0.00", "0e9"], ["1e+21", "1000000000000000000000"]]
        {
            assert_eq!(compare(equal[0], equal[1]), Ordering::Equal, "{equal:?}");
        }
        let rising = [
            "-1e+300",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1",
            "-0.1",
            "0",
            "1e-7",
            "0.001",
            "0.01",
            "0.5",
            "1",
            "1.5",
            "2",
            "10",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "1e+300",
        ];
        for (at, small) in rising.iter().enumerate() {
            for (other, large) in rising.iter().enumerate() {
                assert_eq!(compare(small, large), at.cmp(&other), "{small} and {large}");
            }
        }
    }
}
