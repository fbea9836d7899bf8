//! What the sizes of files depend on in a class: enough to plan them without its outcomes.

use super::OutcomeCounts;
use super::section::{REASON_FIELDS, ReasonValues, Section};

/// A class as the planning of row groups and parts sees it.
pub(super) trait HasShape {
    /// Returns the shape of the class.
    fn shape(&self) -> &ClassShape;
}

/// The shape of a class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ClassShape {
    pub(super) sections: [SectionShape; 3],
    /// The columns of each source that have rows.
    pub(super) slots: usize,
    /// The number of reasons in all sections.
    pub(super) reasons: usize,
    /// The bytes of their values, and of the texts of the merged policies.
    pub(super) text_bytes: usize,
    /// The rows of each of its sources.
    pub(super) counts: OutcomeCounts,
    /// How many users are GRANTED READ.
    pub(super) readers: usize,
}

/// The shape of a section of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SectionShape {
    pub(super) rows: usize,
    /// How many of the [`REASON_FIELDS`] have more than one value.
    pub(super) varying_fields: usize,
    /// The estimated bits of all values of these fields, compressed.
    pub(super) reason_bits: u64,
}

/// From this many different values of a field, each reason is taken to have one of its own: they are requests, mostly.
const MANY_VALUES: usize = 16;

impl HasShape for ClassShape {
    fn shape(&self) -> &ClassShape {
        self
    }
}

impl ClassShape {
    /// Returns the number of rows of each of its sources.
    pub(super) fn rows(&self) -> usize {
        self.sections.iter().map(|section| section.rows).sum()
    }

    /// Returns the shape of a section.
    pub(super) fn section(&self, section: Section) -> &SectionShape {
        &self.sections[section.index()]
    }
}

impl SectionShape {
    /// Returns the shape of a section whose reasons have these values, each in so many rows.
    pub(super) fn new(reasons: &[ReasonValues], rows_of_reason: &[u64]) -> Self {
        let rows = rows_of_reason.iter().sum();
        let mut shape = Self { rows: rows as usize, ..Self::default() };
        for field in 0..REASON_FIELDS.len() {
            let counts = count_values(reasons, rows_of_reason, field);
            if counts.len() > 1 {
                shape.varying_fields += 1;
                shape.reason_bits += counts.iter().map(|count| value_bits(*count, rows)).sum::<u64>();
            }
        }
        shape
    }
}

/// Counts the rows of each value of a field.
fn count_values(reasons: &[ReasonValues], rows_of_reason: &[u64], field: usize) -> Vec<u64> {
    let mut values: Vec<(&Option<Vec<u8>>, u64)> = Vec::new();
    for (reason, rows) in reasons.iter().zip(rows_of_reason).filter(|(_, rows)| **rows > 0) {
        let value = &reason[field];
        let known =
            (values.len() < MANY_VALUES).then(|| values.iter_mut().find(|(known, _)| *known == value));
        match known.flatten() {
            Some((_, count)) => *count += rows,
            None => values.push((value, *rows)),
        }
    }
    values.into_iter().map(|(_, count)| count).collect()
}

/// Returns about how many bits `count` equal values among `rows` take: their part of the entropy, in whole numbers, so
/// that every machine plans the same.
fn value_bits(count: u64, rows: u64) -> u64 {
    let others = rows - count;
    if others < count { others * 3 / 2 } else { count * u64::from((rows / count).ilog2() + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(outcome: &str, request: Option<&str>) -> ReasonValues {
        let mut values: ReasonValues = Default::default();
        values[0] = Some(outcome.into());
        values[5] = request.map(Into::into);
        values
    }

    #[test]
    fn fields_of_one_value_take_nothing() {
        let reasons = [reason("GRANTED", None), reason("GRANTED", None), reason("BLOCKED", Some("R1"))];
        assert_eq!(
            SectionShape::new(&reasons, &[3, 4, 0]),
            SectionShape { rows: 7, varying_fields: 0, reason_bits: 0 }
        );
        let shape = SectionShape::new(&reasons, &[3, 4, 1]);
        assert_eq!((shape.rows, shape.varying_fields), (8, 2));
        assert_eq!(shape.reason_bits, 2 * (3 / 2 + 4));
    }

    #[test]
    fn many_values_are_counted_one_by_one() {
        let reasons: Vec<_> = (0..100).map(|number| reason("GRANTED", Some(&format!("R{number}")))).collect();
        let shape = SectionShape::new(&reasons, &[1; 100]);
        assert_eq!(shape.varying_fields, 1);
        assert_eq!(shape.reason_bits, 100 * 7);
    }
}
