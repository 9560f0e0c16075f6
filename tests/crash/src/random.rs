//! Chance from a seed: SplitMix64, which is small, fast and good enough to choose moments.

use std::{ops::Range, time::Duration};

/// A sequence of numbers decided by its seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// A sequence of its own for `part`, so that adding a part does not change the others.
    pub fn part(&self, part: u64) -> Random {
        let mut random = Random(self.0 ^ part.wrapping_mul(0xA24B_AED4_963E_E407));
        random.draw();
        random
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number in `range`, which is not empty.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.draw() % (range.end - range.start)
    }

    /// A time in a range of milliseconds.
    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// True `percent` times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.within(0..100) < percent
    }

    /// One of `items`; `None` when there are none.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            return None;
        }
        let index = usize::try_from(self.within(0..items.len() as u64)).expect("an index of a slice fits");
        items.get(index)
    }
}

/// The seed in the environment variable `CRASH_SEED`, or one made from the time.
pub fn seed() -> anyhow::Result<u64> {
    match std::env::var("CRASH_SEED") {
        Ok(text) => text.parse().map_err(|_| anyhow::anyhow!("CRASH_SEED is a whole number, not {text:?}")),
        Err(_) => {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
            Ok(since.as_micros() as u64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides() {
        let drawn = |mut random: Random| (0..8).map(|_| random.within(0..1000)).collect::<Vec<_>>();
        assert_eq!(drawn(Random::new(7)), drawn(Random::new(7)));
        assert_ne!(drawn(Random::new(7)), drawn(Random::new(8)));
        assert_ne!(drawn(Random::new(7).part(1)), drawn(Random::new(7).part(2)));
    }
}
