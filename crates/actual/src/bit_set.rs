//! Sets of small numbers as bitmaps of one fixed size.

/// A set of numbers below a size fixed at its creation. Operations on two sets need sets of one size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BitSet {
    words: Box<[u64]>,
}

impl BitSet {
    /// Creates the empty set over `0..size`.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { words: vec![0; size.div_ceil(64)].into() }
    }

    /// Creates the full set over `0..size`.
    #[must_use]
    pub fn full(size: usize) -> Self {
        let mut bits = Self::new(size);
        for (word, first) in bits.words.iter_mut().zip((0..size).step_by(64)) {
            let count = (size - first).min(64);
            *word = if count == 64 { u64::MAX } else { (1 << count) - 1 };
        }
        bits
    }

    /// Adds a number.
    pub fn insert(&mut self, number: usize) {
        self.words[number / 64] |= 1 << (number % 64);
    }

    /// Removes a number.
    pub fn remove(&mut self, number: usize) {
        self.words[number / 64] &= !(1 << (number % 64));
    }

    /// Whether a number is in the set.
    #[must_use]
    pub fn contains(&self, number: usize) -> bool {
        self.words[number / 64] & (1 << (number % 64)) != 0
    }

    /// Whether no number is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Whether a number is in both sets.
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(word, other)| word & other != 0)
    }

    /// Whether every number is in another set too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).all(|(word, other)| word & !other == 0)
    }

    /// Adds the numbers of another set.
    pub fn union(&mut self, other: &Self) {
        self.combine(other, |word, other| word | other);
    }

    /// Keeps the numbers that are in another set too.
    pub fn intersect(&mut self, other: &Self) {
        self.combine(other, |word, other| word & other);
    }

    /// Removes the numbers of another set.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, |word, other| word & !other);
    }

    /// Adds the numbers that are in just one of two other sets.
    pub fn add_difference(&mut self, one: &Self, other: &Self) {
        let differences = one.words.iter().zip(&other.words).map(|(one, other)| one ^ other);
        self.words.iter_mut().zip(differences).for_each(|(word, difference)| *word |= difference);
    }

    fn combine(&mut self, other: &Self, by: impl Fn(u64, u64) -> u64) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word = by(*word, *other));
    }

    /// Returns the numbers that are in both sets.
    #[must_use]
    pub fn intersection(mut self, other: &Self) -> Self {
        self.intersect(other);
        self
    }

    /// Returns the numbers that are not in another set.
    #[must_use]
    pub fn difference(mut self, other: &Self) -> Self {
        self.subtract(other);
        self
    }

    /// Returns the numbers that are in one of the sets.
    #[must_use]
    pub fn into_union(mut self, other: &Self) -> Self {
        self.union(other);
        self
    }

    /// Iterates over the numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
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
                assert!(one.intersects(&full) && !one.intersects(&BitSet::new(size)));
                assert!(one.is_subset(&full) && full.is_subset(&one) == (size == 1));
                let mut rest = full.clone();
                rest.subtract(&one);
                assert_eq!(rest.iter().collect::<Vec<_>>(), (0..size - 1).collect::<Vec<_>>());
                let mut removed = full.clone();
                removed.remove(size - 1);
                assert_eq!(rest, removed);
                let mut difference = BitSet::new(size);
                difference.add_difference(&full, &rest);
                assert_eq!(difference, one);
                assert_eq!(one.into_union(&full), full);
            }
        }
    }
}
