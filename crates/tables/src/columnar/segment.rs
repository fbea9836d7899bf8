//! Some rows of a column as bytes, which are copied wherever the rows occur.

use super::dictionary::{Dictionary, MinMax};
use super::rle_hybrid::{append_mixed, append_repeated};

/// The dictionary index of a row without a value.
pub(crate) const NULL: u32 = u32::MAX;

/// Some rows of a column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Segment {
    /// Definition levels, where the column may be null.
    pub(crate) levels: Vec<u8>,
    pub(crate) values: Vec<u8>,
    pub(crate) nulls: usize,
    pub(crate) min_max: MinMax,
}

impl Segment {
    /// Encodes rows by their dictionary indices, `NULL` where there is no value.
    pub(crate) fn new(positions: Vec<u32>, width: u32, values: &Dictionary) -> Self {
        let mut distinct = positions.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Self::of_distinct(positions.len(), || distinct.iter().copied(), || positions, width, values)
    }

    /// Encodes rows whose dictionary indices are `each`; `distinct` returns those that occur.
    pub(crate) fn of_distinct<I: Iterator<Item = u32>>(
        rows: usize,
        distinct: impl Fn() -> I,
        each: impl FnOnce() -> Vec<u32>,
        width: u32,
        values: &Dictionary,
    ) -> Self {
        let mut segment = Self {
            min_max: values.min_max(distinct().filter(|position| *position != NULL)),
            ..Self::default()
        };
        let first = distinct().next().unwrap_or(NULL);
        if distinct().all(|position| position == first) {
            if first == NULL {
                segment.nulls = rows;
                append_repeated(0, rows, 1, &mut segment.levels);
            } else {
                append_repeated(1, rows, 1, &mut segment.levels);
                append_repeated(first, rows, width, &mut segment.values);
            }
            return segment;
        }
        let mut each = each();
        if distinct().any(|position| position == NULL) {
            let levels: Vec<u32> = each.iter().map(|position| u32::from(*position != NULL)).collect();
            append_mixed(&levels, 1, &mut segment.levels);
            each.retain(|position| *position != NULL);
            segment.nulls = rows - each.len();
        } else {
            append_repeated(1, rows, 1, &mut segment.levels);
        }
        append_mixed(&each, width, &mut segment.values);
        segment
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FieldKind;

    #[test]
    fn the_two_constructors_agree() {
        let mut values = Dictionary::new(FieldKind::String);
        for text in ["d", "a", "c", "b"] {
            values.intern(text.as_bytes());
        }
        for positions in [vec![], vec![NULL; 9], vec![2; 9], vec![NULL, 3, 3, 1, NULL], vec![3, 1, 2, 2]] {
            let one = Segment::new(positions.clone(), 2, &values);
            let seen = || positions.iter().copied();
            let other = Segment::of_distinct(positions.len(), seen, || positions.clone(), 2, &values);
            assert_eq!((&one.levels, &one.values, one.nulls), (&other.levels, &other.values, other.nulls));
            let bounds = |segment: &Segment| {
                segment.min_max.get().map(|(min, max)| (values.get(min).to_vec(), values.get(max).to_vec()))
            };
            assert_eq!(bounds(&one), bounds(&other));
            let mut texts: Vec<&[u8]> = seen().filter(|it| *it != NULL).map(|it| values.get(it)).collect();
            texts.sort();
            let wanted = texts.first().zip(texts.last()).map(|(min, max)| (min.to_vec(), max.to_vec()));
            assert_eq!(bounds(&one), wanted);
            assert_eq!(one.nulls, positions.len() - texts.len());
        }
    }
}
