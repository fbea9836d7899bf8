//! The keys of a summary under its destination (design.md, section 4, "Layout in the bucket").

use domesday_tables::SCHEMA_VERSION;

/// How the days of a table lie beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// The current snapshot in place, each run overwriting the one before.
    #[default]
    Latest,
}

impl Layout {
    /// The name in manifest and command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
        }
    }

    /// The key prefix of a table's parts, ending in `/`.
    #[must_use]
    pub fn table_prefix(self, table: &str) -> String {
        match self {
            Self::Latest => format!("{SCHEMA_VERSION}/{table}/"),
        }
    }

    /// The key of one part of a table.
    #[must_use]
    pub fn part_key(self, table: &str, number: u32) -> String {
        format!("{}part-{number:05}.parquet", self.table_prefix(table))
    }

    /// The key of the row that names the current snapshot.
    #[must_use]
    pub fn snapshot_key(self) -> String {
        format!("{SCHEMA_VERSION}/snapshot/part-00000.parquet")
    }

    /// The key of the manifest.
    #[must_use]
    pub fn manifest_key(self) -> String {
        format!("{SCHEMA_VERSION}/_manifest.json")
    }
}

/// The numbers of the parts among `keys` that a table of `parts` parts no longer has.
///
/// Nothing can be deleted at a destination, so each of them is overwritten with a file of no rows.
#[must_use]
pub fn stale_parts(keys: &[String], prefix: &str, parts: u32) -> Vec<u32> {
    let number = |key: &String| {
        let digits = key.strip_prefix(prefix)?.strip_prefix("part-")?.strip_suffix(".parquet")?;
        (digits.len() == 5).then(|| digits.parse::<u32>().ok()).flatten()
    };
    let mut stale: Vec<u32> = keys.iter().filter_map(number).filter(|number| *number >= parts).collect();
    stale.sort_unstable();
    stale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_specification() {
        assert_eq!(Layout::Latest.part_key("user-metadata", 3), "v1/user-metadata/part-00003.parquet");
        assert_eq!(Layout::Latest.snapshot_key(), "v1/snapshot/part-00000.parquet");
        assert_eq!(Layout::Latest.manifest_key(), "v1/_manifest.json");
    }

    #[test]
    fn only_surplus_parts_are_stale() {
        let keys =
            ["v1/t/part-00002.parquet", "v1/t/part-00000.parquet", "v1/t/notes.txt", "v1/t/part-1.parquet"];
        let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
        assert_eq!(stale_parts(&keys, "v1/t/", 1), [2]);
        assert!(stale_parts(&keys, "v1/t/", 3).is_empty());
    }
}
