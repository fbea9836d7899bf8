//! Sets of small numbers as bitmaps of one fixed size.

/// A set of numbers below a size fixed at its creation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct BitSet {
    words: Box<[u64]>,
}

impl BitSet {
    /// Creates the empty set over `0..size`.
    pub(crate) fn new(size: usize) -> Self {
        Self { words: vec![0; size.div_ceil(64)].into() }
    }

    /// Creates the full set over `0..size`.
    pub(crate) fn full(size: usize) -> Self {
        let mut bits = Self::new(size);
        for (word, first) in bits.words.iter_mut().zip((0..size).step_by(64)) {
            let count = (size - first).min(64);
            *word = if count == 64 { u64::MAX } else { (1 << count) - 1 };
        }
        bits
    }

    pub(crate) fn insert(&mut self, number: usize) {
        self.words[number / 64] |= 1 << (number % 64);
    }

    pub(crate) fn contains(&self, number: usize) -> bool {
        self.words[number / 64] & (1 << (number % 64)) != 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn union(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn intersection(mut self, other: &Self) -> Self {
        self.intersect(other);
        self
    }

    pub(crate) fn into_union(mut self, other: &Self) -> Self {
        self.union(other);
        self
    }

    /// Iterates over the numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(position, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(position * 64 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_behave_at_the_edges_of_words() {
        for size in [0, 1, 63, 64, 65, 200] {
            let full = BitSet::full(size);
            assert_eq!(full.iter().collect::<Vec<_>>(), (0..size).collect::<Vec<_>>());
            let mut one = BitSet::new(size);
            assert!(one.is_empty());
            if size > 0 {
                one.insert(size - 1);
                assert!(one.contains(size - 1));
                assert_eq!(one.clone().intersection(&full), one);
                assert_eq!(one.into_union(&full), full);
            }
        }
    }
}
