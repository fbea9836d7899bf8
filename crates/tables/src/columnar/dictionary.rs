//! The dictionary of a column: its distinct values.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use domesday_model::FastMap;

use crate::schema::FieldKind;

/// Distinct values in order of first use. The position of a value is its dictionary index.
#[derive(Debug)]
pub(crate) struct Dictionary {
    kind: FieldKind,
    /// The values one after the other: text as it is, numbers as eight bytes, lowest first.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Positions by the hash of their value.
    by_hash: FastMap<u64, Vec<u32>>,
}

/// The least and the greatest of some values, by dictionary index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MinMax(Option<(u32, u32)>);

impl Dictionary {
    pub(crate) fn new(kind: FieldKind) -> Self {
        Self { kind, bytes: Vec::new(), ends: Vec::new(), by_hash: FastMap::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, position: u32) -> &[u8] {
        let position = position as usize;
        let start = if position == 0 { 0 } else { self.ends[position - 1] };
        &self.bytes[start..self.ends[position]]
    }

    /// Adds a value that is known to be new, and returns its position.
    pub(crate) fn push(&mut self, value: &[u8]) -> u32 {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
        u32::try_from(self.ends.len() - 1).expect("fewer than 2^32 values in a row group")
    }

    /// Returns the position of a value, which is added when it is new.
    pub(crate) fn intern(&mut self, value: &[u8]) -> u32 {
        let hash = self.by_hash.hasher().hash_one(value);
        let same = self
            .by_hash
            .get(&hash)
            .and_then(|positions| positions.iter().copied().find(|position| self.get(*position) == value));
        same.unwrap_or_else(|| {
            let position = self.push(value);
            self.by_hash.entry(hash).or_default().push(position);
            position
        })
    }

    pub(crate) fn intern_number(&mut self, value: i64) -> u32 {
        self.intern(&value.to_le_bytes())
    }

    /// Compares two values in the order of the column's statistics: numbers as such, text byte by byte.
    pub(crate) fn compare(&self, left: u32, right: u32) -> Ordering {
        let (left, right) = (self.get(left), self.get(right));
        match self.kind {
            FieldKind::String => left.cmp(right),
            FieldKind::Integer | FieldKind::Timestamp | FieldKind::Boolean => {
                read_number(left).cmp(&read_number(right))
            }
        }
    }

    /// Returns the least and the greatest of two pairs.
    pub(crate) fn join(&self, one: MinMax, other: MinMax) -> MinMax {
        let (Some((min, max)), Some((other_min, other_max))) = (one.0, other.0) else {
            return MinMax(one.0.or(other.0));
        };
        let min = if self.compare(other_min, min).is_lt() { other_min } else { min };
        let max = if self.compare(other_max, max).is_gt() { other_max } else { max };
        MinMax(Some((min, max)))
    }

    /// Returns the least and the greatest of the values at some positions.
    pub(crate) fn min_max(&self, positions: impl Iterator<Item = u32>) -> MinMax {
        positions.fold(MinMax::default(), |all, one| self.join(all, MinMax::new(one, one)))
    }

    /// Appends the values in Parquet's PLAIN encoding.
    pub(crate) fn append_plain(&self, out: &mut Vec<u8>) {
        if self.kind != FieldKind::String {
            return out.extend_from_slice(&self.bytes);
        }
        out.reserve(self.bytes.len() + 4 * self.len());
        for position in 0..self.len() as u32 {
            let value = self.get(position);
            let length = u32::try_from(value.len()).expect("a text is shorter than 4 GiB");
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(value);
        }
    }
}

impl MinMax {
    pub(crate) fn new(min: u32, max: u32) -> Self {
        Self(Some((min, max)))
    }

    /// Returns the positions of the least and the greatest value; `None` when there are no values.
    pub(crate) fn get(self) -> Option<(u32, u32)> {
        self.0
    }
}

/// Reads a number from eight bytes.
pub(crate) fn read_number(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes.try_into().expect("numbers are written as eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_position() {
        let mut values = Dictionary::new(FieldKind::String);
        let positions: Vec<_> = ["b", "", "a", "b", ""].map(|text| values.intern(text.as_bytes())).into();
        assert_eq!(positions, [0, 1, 2, 0, 1]);
        let mut plain = Vec::new();
        values.append_plain(&mut plain);
        assert_eq!(plain, b"\x01\0\0\0b\0\0\0\0\x01\0\0\0a");
    }

    #[test]
    fn extremes_follow_the_type() {
        let mut numbers = Dictionary::new(FieldKind::Integer);
        let positions = [256, -1, 3].map(|number| numbers.intern_number(number));
        let (min, max) = numbers.min_max(positions.into_iter()).get().unwrap();
        assert_eq!((read_number(numbers.get(min)), read_number(numbers.get(max))), (-1, 256));
        assert_eq!(numbers.min_max(std::iter::empty()).get(), None);
    }
}
