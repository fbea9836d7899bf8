//! Where parts end.

use serde::{Deserialize, Serialize};

use crate::Settings;

/// A row of policy-outcomes, or the end of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RowPosition {
    /// The position of its data source among [`Outcomes::sources`](domesday_engine::Outcomes::sources).
    pub source: usize,
    /// Its position among the rows of that source.
    pub row: usize,
}

/// The size of a row group as it is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct GroupSize {
    /// The estimated bytes.
    pub(super) estimate: u64,
    /// The most bytes that it can take.
    pub(super) bound: u64,
}

/// Assigns row groups to parts. What it decides depends on the groups since the beginning of the part, and on nothing
/// before.
#[derive(Debug)]
pub(super) struct PartCutter {
    target: u64,
    max: u64,
    /// The sizes of the groups of the current part; none before the first.
    current: Option<GroupSize>,
}

impl PartCutter {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { target: settings.part_bytes as u64, max: settings.max_part_bytes, current: None }
    }

    /// Adds the next row group, and returns whether it begins another part: the current one has the size that a part
    /// should have, or would become twice as large, or could pass the limit.
    pub(super) fn begins_part(&mut self, group: GroupSize) -> bool {
        let Some(current) = self.current else {
            self.current = Some(group);
            return false;
        };
        let with =
            GroupSize { estimate: current.estimate + group.estimate, bound: current.bound + group.bound };
        let begins = current.estimate >= self.target
            || with.estimate > self.target.saturating_mul(2)
            || with.bound > self.max;
        self.current = Some(if begins { group } else { with });
        begins
    }

    /// Returns the estimated bytes of the current part.
    pub(super) fn estimate(&self) -> u64 {
        self.current.map_or(0, |current| current.estimate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_by_estimate_and_bound() {
        let settings = Settings { part_bytes: 10, max_part_bytes: 100, ..Settings::default() };
        let begins = |groups: &[(u64, u64)]| {
            let mut cutter = PartCutter::new(&settings);
            let add = |(estimate, bound): &(u64, u64)| {
                cutter.begins_part(GroupSize { estimate: *estimate, bound: *bound })
            };
            groups.iter().map(add).collect::<Vec<_>>()
        };
        assert_eq!(begins(&[(4, 4), (4, 4), (4, 4), (4, 4)]), [false, false, false, true]);
        assert_eq!(begins(&[(4, 4), (17, 17), (1, 1)]), [false, true, true], "twice as large");
        assert_eq!(begins(&[(1, 60), (1, 40), (1, 1)]), [false, false, true], "it could be too large");
        assert_eq!(begins(&[(50, 500), (1, 1)]), [false, true], "a group that is too large is alone");
    }
}
