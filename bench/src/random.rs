//! Random numbers that are the same on every platform and in every version: SplitMix64.

/// A deterministic source of random numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Creates a generator; its numbers depend on `seed` alone.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number from 0 to `end`, `end` excluded.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// Returns `true` with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64 <= probability
    }

    /// Returns one of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Draws positions with a probability that falls with the position: `1 / (position + 1) ^ exponent`.
#[derive(Debug, Clone)]
pub struct Zipf(Vec<f64>);

impl Zipf {
    /// Creates a distribution over `count` positions.
    #[must_use]
    pub fn new(count: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let weights = (0..count).map(|position| {
            sum += 1.0 / ((position + 1) as f64).powf(exponent);
            sum
        });
        let cumulated: Vec<f64> = weights.collect();
        Self(cumulated.iter().map(|weight| weight / sum).collect())
    }

    /// Draws a position.
    pub fn draw(&self, random: &mut Random) -> usize {
        let point = (random.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        self.0.partition_point(|weight| *weight < point).min(self.0.len() - 1)
    }
}
