//! What is counted about all access.

use domesday_model::{DataSourceIx, PolicyIx};

/// Figures about all access.
#[derive(Debug, Default)]
pub struct AccessFigures {
    /// Rows that are granted, to read and to write.
    pub granted: [u64; 2],
    /// Rows that are blocked, to read and to write.
    pub blocked: [u64; 2],
    /// Columns that are masked for a reader, each reader counted.
    pub masked: u64,
    /// Columns that are unmasked for a reader although a mask applies, each reader counted.
    pub unmasked: u64,
    /// Users who are active.
    pub active_users: u64,
    /// Data sources that are enabled.
    pub data_sources: u64,
    /// The policies that grant most rows, with their number.
    pub widest_policies: Vec<(PolicyIx, u64)>,
    /// The data sources that most people can read, with their number.
    pub most_read: Vec<(DataSourceIx, u64)>,
    /// The first data sources that people are granted to read and that guardrails block for all of them.
    pub unreadable: Vec<DataSourceIx>,
    /// How many of those there are.
    pub unreadable_count: u64,
}
