//! The RLE/bit-packing hybrid encoding of the Parquet format, for dictionary indices and levels.
//!
//! A sequence consists of runs. A *packed* run contains a multiple of eight values, `width` bits each; a
//! *repeated* run contains one value and its count. Every run begins and ends at a byte, and packed runs are not
//! padded, so encoded sequences can be concatenated.

/// The length from which a repeated run saves bytes, besides the values that complete the packed run before it.
const MIN_REPEATED: usize = 16;

/// Returns the bits for values up to `max`; at least one, since not every reader supports a width of zero.
pub(crate) fn bit_width(max: u32) -> u32 {
    (32 - max.leading_zeros()).max(1)
}

/// Appends a value `count` times.
pub(crate) fn append_repeated(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    if count > 0 {
        append_varint((count as u64) << 1, out);
        out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
    }
}

/// Appends values of which few repeat: one packed run of all full groups of eight, the rest value by value.
pub(crate) fn append_packed(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let (full, rest) = values.split_at(values.len() / 8 * 8);
    if !full.is_empty() {
        append_varint((full.len() as u64 / 8) << 1 | 1, out);
        out.reserve(full.len() / 8 * width as usize);
        append_groups(full, width, out);
    }
    for equal in rest.chunk_by(|left, right| left == right) {
        append_repeated(equal[0], equal.len(), width, out);
    }
}

/// Appends values, each a number of times; equal neighbours become one run.
pub(crate) fn append_runs(values: impl Iterator<Item = (u32, usize)>, width: u32, out: &mut Vec<u8>) {
    let mut last = (0, 0);
    for (value, count) in values {
        if value == last.0 {
            last.1 += count;
        } else {
            append_repeated(last.0, last.1, width, out);
            last = (value, count);
        }
    }
    append_repeated(last.0, last.1, width, out);
}

/// Appends values of which some are repeated many times.
pub(crate) fn append_mixed(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut literal = 0_usize;
    let mut at = 0;
    // A run of that length fills one of the blocks of eight that begin at a multiple of eight: only those are compared.
    while let Some(block) = values.get(at..at + 8) {
        let value = block[0];
        let same = |other: &&u32| **other == value;
        if !block.iter().all(|other| *other == value) {
            at += 8;
            continue;
        }
        let start = at - values[literal..at].iter().rev().take_while(same).count();
        let end = at + 8 + values[at + 8..].iter().take_while(same).count();
        let completing = literal.wrapping_sub(start) % 8;
        if end - start >= MIN_REPEATED + completing {
            let repeat_from = start + completing;
            append_packed(&values[literal..repeat_from], width, out);
            append_repeated(value, end - repeat_from, width, out);
            literal = end;
        }
        at = end.next_multiple_of(8);
    }
    append_packed(&values[literal..], width, out);
}

/// Appends `count` values of a cycle, beginning at its position `from`.
pub(crate) fn append_cycle(
    first: u32,
    period: usize,
    from: usize,
    count: usize,
    width: u32,
    out: &mut Vec<u8>,
) {
    let value = |position: usize| first + ((from + position) % period) as u32;
    if period == 1 {
        return append_repeated(first, count, width, out);
    }
    let full = count / 8;
    if full > 0 {
        append_varint((full as u64) << 1 | 1, out);
        // After `period` groups of eight the bytes repeat.
        let begin = out.len();
        let once: Vec<u32> = (0..full.min(period) * 8).map(value).collect();
        append_groups(&once, width, out);
        let bytes = once.len() / 8 * width as usize;
        let end = begin + full * width as usize;
        while out.len() < end {
            let more = (end - out.len()).min(bytes);
            out.extend_from_within(begin..begin + more);
        }
    }
    for position in full * 8..count {
        append_repeated(value(position), 1, width, out);
    }
}

fn append_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Packs values, a multiple of eight of them, lowest bits first.
fn append_groups(values: &[u32], width: u32, out: &mut Vec<u8>) {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => append_narrow::<$width>(values, out),)*
                _ => append_wide(values, width, out),
            }
        };
    }
    by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
}

/// Eight values of up to 16 bits fit one number.
fn append_narrow<const WIDTH: usize>(values: &[u32], out: &mut Vec<u8>) {
    for group in values.chunks_exact(8) {
        let half =
            |half: &[u32]| half.iter().rev().fold(0_u64, |bits, value| bits << WIDTH | u64::from(*value));
        let bits = u128::from(half(&group[..4])) | u128::from(half(&group[4..])) << (4 * WIDTH);
        out.extend_from_slice(&bits.to_le_bytes()[..WIDTH]);
    }
}

/// Packs values of more than 16 bits.
fn append_wide(values: &[u32], width: u32, out: &mut Vec<u8>) {
    for group in values.chunks_exact(8) {
        let (mut bits, mut filled) = (0_u64, 0);
        for value in group {
            bits |= u64::from(*value) << filled;
            filled += width;
            if filled >= 32 {
                out.extend_from_slice(&(bits as u32).to_le_bytes());
                bits >>= 32;
                filled -= 32;
            }
        }
        out.extend_from_slice(&bits.to_le_bytes()[..filled as usize / 8]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads runs back, the obvious way.
    fn read(mut bytes: &[u8], width: u32) -> Vec<u32> {
        let mut values = Vec::new();
        while !bytes.is_empty() {
            let mut header = 0_u64;
            for shift in (0..).step_by(7) {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
            }
            let bit = |bytes: &[u8], bit: usize| u32::from(bytes[bit / 8] >> (bit % 8) & 1);
            let value = |bytes: &[u8], from: usize| {
                (0..width as usize).fold(0, |value, at| value | bit(bytes, from + at) << at)
            };
            let count = (header >> 1) as usize;
            let taken = if header & 1 == 1 {
                values.extend((0..count * 8).map(|position| value(bytes, position * width as usize)));
                count * width as usize
            } else {
                values.extend(vec![value(bytes, 0); count]);
                width.div_ceil(8) as usize
            };
            bytes = &bytes[taken..];
        }
        values
    }

    /// Values with runs of every length, up to the width's largest.
    fn sample(width: u32, count: usize) -> Vec<u32> {
        let mut state = 7_u64 + u64::from(width);
        let mut values = Vec::new();
        while values.len() < count {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = (state >> 32) as u32 >> (32 - width);
            let length = if state & 0x100_0000 == 0 { 1 } else { (state >> 25 & 0x3f) as usize };
            values.extend(vec![value; length.min(count - values.len())]);
        }
        values
    }

    #[test]
    fn widths_hold_the_largest_value() {
        let widths = [0, 1, 2, 3, 4, 255, 256, 65_535, 65_536, u32::MAX].map(bit_width);
        assert_eq!(widths, [1, 1, 2, 2, 3, 8, 9, 16, 17, 32]);
    }

    #[test]
    fn what_is_written_is_read_at_every_width_and_length() {
        for width in 1..=32 {
            for count in [0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 500, 5000] {
                let values = sample(width, count);
                for write in [append_packed, append_mixed] {
                    let mut bytes = Vec::new();
                    write(&values, width, &mut bytes);
                    assert_eq!(read(&bytes, width), values, "{width} bits, {count} values");
                }
            }
        }
    }

    #[test]
    fn sequences_splice() {
        let (left, right) = (sample(5, 100), sample(5, 77));
        let mut bytes = Vec::new();
        append_mixed(&left, 5, &mut bytes);
        append_packed(&right, 5, &mut bytes);
        append_repeated(3, 1000, 5, &mut bytes);
        let wanted = [left, right, vec![3; 1000]].concat();
        assert_eq!(read(&bytes, 5), wanted);
    }

    #[test]
    fn equal_neighbours_are_one_run() {
        let mut bytes = Vec::new();
        append_runs([(3, 10), (3, 0), (3, 90), (0, 5), (0, 2), (1, 1)].into_iter(), 2, &mut bytes);
        assert_eq!(read(&bytes, 2), [vec![3; 100], vec![0; 7], vec![1]].concat());
        assert_eq!(bytes.len(), 3 + 2 + 2);
        bytes.clear();
        append_runs(std::iter::empty(), 2, &mut bytes);
        assert!(bytes.is_empty());
    }

    #[test]
    fn runs_are_found_wherever_they_lie() {
        for before in 0..20_u32 {
            for length in 0..50 {
                let begin: Vec<u32> = (0..before).map(|value| value % 3 + 1).collect();
                let values = [begin, vec![0; length], vec![2, 1, 3]].concat();
                let (mut bytes, mut literal) = (Vec::new(), Vec::new());
                append_mixed(&values, 16, &mut bytes);
                append_packed(&values, 16, &mut literal);
                assert_eq!(read(&bytes, 16), values, "{before} before {length}");
                let completing = before.next_multiple_of(8) - before;
                let is_worth_it = length >= MIN_REPEATED + completing as usize;
                assert_eq!(bytes != literal, is_worth_it, "{before} before {length}");
                assert!(bytes.len() <= literal.len(), "{before} before {length}");
            }
        }
    }

    #[test]
    fn long_repetitions_take_few_bytes() {
        let mut bytes = Vec::new();
        append_mixed(&vec![1; 100_000], 3, &mut bytes);
        assert!(bytes.len() <= 4, "{bytes:?}");
    }

    #[test]
    fn cycles() {
        for period in 1..20 {
            for (from, count) in [(0, 0), (0, 5), (3, 8), (1, 1000), (7, 1001)] {
                let mut bytes = Vec::new();
                append_cycle(10, period, from, count, 6, &mut bytes);
                let wanted: Vec<u32> = (from..from + count).map(|at| 10 + (at % period) as u32).collect();
                assert_eq!(read(&bytes, 6), wanted, "period {period}, from {from}");
            }
        }
    }
}
