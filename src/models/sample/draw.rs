//! Numbers that look drawn at random and are the same in every run.

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast, good enough for stories. Nothing secret is made from it.
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// As the shop's voucher codes have them: nothing that is mistaken for something else when read out.
const CODE_LETTERS: &[u8; 31] = b"23456789ABCDEFGHJKLMNPQRSTUVWXY";

impl Draw {
    /// The same seed gives the same numbers.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers that belong to a seed and a word: the voucher of a customer, say.
    pub(super) fn of(seed: u64, word: &str) -> Self {
        // FNV-1a.
        let start = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self(word.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }

    /// All 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`, which must not be 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// From `from` to `to`, both included.
    pub(super) fn between(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below((to - from + 1).unsigned_abs())).unwrap_or_default()
    }

    /// From 0 to below 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in so many cases of a hundred.
    pub(super) fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    /// One of the choices, of which there must be one.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).unwrap_or_default()]
    }

    /// One of the choices, each as often as its weight says.
    pub(super) fn weighted<'a, T>(&mut self, choices: &'a [(u64, T)]) -> &'a T {
        let mut at = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            if at < *weight {
                return choice;
            }
            at -= weight;
        }
        &choices[0].1
    }

    /// Letters and digits, as in ids.
    pub(super) fn letters(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(LETTERS))).collect()
    }

    /// Lower-case hex digits.
    pub(super) fn hex(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(&LETTERS[..16])).to_ascii_lowercase()).collect()
    }

    /// What stands behind the dash of a voucher code.
    pub(super) fn code(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(CODE_LETTERS))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let told = |seed| {
            let mut draw = Draw::new(seed);
            (draw.letters(8), draw.hex(8), draw.between(-3, 3), draw.below(7))
        };
        assert_eq!(told(7), told(7));
        assert_ne!(told(7), told(8));
        assert_eq!(Draw::of(1, "v_").next(), Draw::of(1, "v_").next());
        assert_ne!(Draw::of(1, "v_").next(), Draw::of(2, "v_").next());
    }

    #[test]
    fn what_is_drawn_keeps_its_bounds_and_its_weights() {
        let mut draw = Draw::new(1);
        let mut heavy = 0;
        for _ in 0..1_000 {
            assert!((-2..=2).contains(&draw.between(-2, 2)));
            assert!((0.0..1.0).contains(&draw.share()));
            heavy += i32::from(*draw.weighted(&[(9, true), (1, false)]));
        }
        assert!((850..950).contains(&heavy), "{heavy}");
        assert!(draw.hex(100).bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
    }
}
