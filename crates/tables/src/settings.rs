//! The settings of the encoder.

/// What the files depend on besides the outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// URL of the console without a slash at the end; links to policies and data sources begin with it.
    pub link_base: String,
    /// A part is closed at the end of the row group that brings it to this size, in bytes; a part of policy-outcomes by
    /// the estimate of its size.
    pub part_bytes: usize,
    /// A part of policy-outcomes of several row groups never becomes larger than this, in bytes; nor does one of a single
    /// row group, unless the names of the users alone take as much.
    pub max_part_bytes: u64,
    /// Rows of a full row group. A smaller group is closed when it alone reaches the size of a part; in actual-access and
    /// access-drift when its texts, before compression, are several times as large.
    pub row_group_rows: usize,
    /// The least rows of a full row group of policy-outcomes, whose rows take about a byte each.
    pub outcome_group_rows: usize,
    /// A row group of policy-outcomes repeats the names of all users, so it also has this many rows for each.
    pub outcome_group_rows_per_user: usize,
    /// The version stated in the files.
    pub product_version: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            link_base: "http://localhost:8080".to_owned(),
            part_bytes: 64 << 20,
            max_part_bytes: 1 << 30,
            row_group_rows: 1 << 20,
            outcome_group_rows: 1 << 20,
            outcome_group_rows_per_user: 50,
            product_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl Settings {
    /// Returns how many rows go through the encoder at once.
    pub(crate) fn batch_rows(&self) -> usize {
        self.row_group_rows.clamp(1, 1 << 16)
    }
}
