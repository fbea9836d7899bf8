//! The engines that read a summary. Their names are part of keys.

use std::fmt;
use std::str::FromStr;

/// An engine that reads the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Snowflake
    Snowflake,
    /// Databricks
    Databricks,
    /// Amazon Athena
    Athena,
    /// Trino, with its Hive connector
    Trino,
    /// DuckDB
    Duckdb,
    /// ClickHouse
    Clickhouse,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Self; 6] =
        [Self::Snowflake, Self::Databricks, Self::Athena, Self::Trino, Self::Duckdb, Self::Clickhouse];

    /// Returns the name in keys and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snowflake => "snowflake",
            Self::Databricks => "databricks",
            Self::Athena => "athena",
            Self::Trino => "trino",
            Self::Duckdb => "duckdb",
            Self::Clickhouse => "clickhouse",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|engine| engine.as_str() == text);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no engine `{text}`; the engines are {known}")
        })
    }
}
