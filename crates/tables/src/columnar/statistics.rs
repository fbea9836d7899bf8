//! Statistics of columns: bounds of their values.

use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;

use super::dictionary::{Dictionary, MinMax, read_number};

/// Texts in statistics are cut to this many bytes, as the format allows.
const STATISTICS_BYTES: usize = 64;

/// Returns the statistics of a column chunk.
pub(crate) fn column_statistics(
    column: &ColumnDescPtr,
    values: &Dictionary,
    min_max: MinMax,
    nulls: usize,
) -> Statistics {
    let nulls = Some(nulls as u64);
    let min_max = min_max.get().map(|(min, max)| (values.get(min), values.get(max)));
    if column.physical_type() == Type::BOOLEAN {
        let bounds = min_max.map(|(min, max)| (read_number(min) != 0, read_number(max) != 0));
        let (min, max) = (bounds.map(|(min, _)| min), bounds.map(|(_, max)| max));
        Statistics::Boolean(ValueStatistics::new(min, max, None, nulls, false))
    } else if column.physical_type() == Type::BYTE_ARRAY {
        let min = min_max.map(|(min, _)| lower_bound(min));
        let (max, exact) = min_max.map_or((None, true), |(_, max)| {
            let (bound, exact) = upper_bound(max);
            (Some(ByteArray::from(bound)), exact)
        });
        let min_is_exact = min_max.is_none_or(|(min, _)| min.len() <= STATISTICS_BYTES);
        let min = min.map(|min| ByteArray::from(min.to_vec()));
        let statistics = ValueStatistics::new(min, max, None, nulls, false);
        Statistics::ByteArray(statistics.with_min_is_exact(min_is_exact).with_max_is_exact(exact))
    } else {
        let min = min_max.map(|(min, _)| read_number(min));
        let max = min_max.map(|(_, max)| read_number(max));
        Statistics::Int64(
            ValueStatistics::new(min, max, None, nulls, false).with_backwards_compatible_min_max(true),
        )
    }
}

/// Returns a text no greater than this one, of bounded length.
pub(crate) fn lower_bound(text: &[u8]) -> &[u8] {
    &text[..character_boundary(text)]
}

/// Returns a text no less than this one, of bounded length where there is one, and whether it is the text itself.
pub(crate) fn upper_bound(text: &[u8]) -> (Vec<u8>, bool) {
    let mut bound = text[..character_boundary(text)].to_vec();
    if bound.len() == text.len() {
        return (bound, true);
    }
    // Greater than every text that begins like this one: its last character below `~`, one greater.
    while let Some(last) = bound.pop() {
        if last < b'~' {
            bound.push(last + 1);
            return (bound, false);
        }
    }
    (text.to_vec(), true)
}

fn character_boundary(text: &[u8]) -> usize {
    let is_boundary = |at: &usize| text.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (0..=text.len().min(STATISTICS_BYTES)).rev().find(is_boundary).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_texts_hold_and_are_short() {
        let long = |text: &str| text.repeat(40);
        for text in ["", "a", "~", &long("ab"), &long("~"), &long("ü~"), &long("日本"), &long("~z")] {
            let text = text.as_bytes();
            let lower = lower_bound(text);
            let (upper, exact) = upper_bound(text);
            assert!(lower <= text && text <= upper.as_slice());
            assert!(std::str::from_utf8(lower).is_ok() && std::str::from_utf8(&upper).is_ok());
            assert_eq!(exact, upper == text);
            assert!(upper.len() <= STATISTICS_BYTES || upper == text);
        }
        assert_eq!(upper_bound(long("ab").as_bytes()).0.len(), STATISTICS_BYTES);
    }
}
