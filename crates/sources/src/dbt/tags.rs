//! Which tag of Domesday a tag of dbt becomes.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::{DbtConnection, Excerpt, is_tag_name};

/// How many tags a warning names.
const MOST_NAMED: usize = 10;

/// The tags of a connection, and those of dbt that became none.
pub(super) struct TagMapping<'c> {
    connection: &'c DbtConnection,
    /// How many relations and columns have each tag that neither the mapping nor the prefix makes one of Domesday.
    unmapped: BTreeMap<String, usize>,
    /// Tags that would have no valid name.
    unnameable: BTreeSet<String>,
}

impl<'c> TagMapping<'c> {
    pub(super) fn new(connection: &'c DbtConnection) -> Self {
        Self { connection, unmapped: BTreeMap::new(), unnameable: BTreeSet::new() }
    }

    /// Returns the tags of Domesday that the tags of one relation or column become.
    pub(super) fn tags<'t>(&mut self, tags: impl Iterator<Item = &'t str>) -> BTreeSet<String> {
        // dbt repeats the tags of the configuration beside it.
        let tags: BTreeSet<&str> = tags.collect();
        tags.into_iter().filter_map(|tag| self.tag(tag)).collect()
    }

    fn tag(&mut self, tag: &str) -> Option<String> {
        if let Some(mapped) = self.connection.tags.get(tag) {
            return Some(mapped.clone());
        }
        let Some(prefix) = &self.connection.tag_prefix else {
            *self.unmapped.entry(tag.to_owned()).or_default() += 1;
            return None;
        };
        let name = format!("{prefix}{tag}");
        if !is_tag_name(&name) {
            self.unnameable.insert(name);
            return None;
        }
        Some(name)
    }

    /// Returns what the connection's owner should know of tags that were left out.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.unmapped.is_empty() {
            let uses: usize = self.unmapped.values().sum();
            warnings.push(format!(
                "tags of dbt that `tags` does not map were left out, since there is no `tagPrefix`: {} ({uses} {})",
                named(self.unmapped.keys()),
                if uses == 1 { "use" } else { "uses" },
            ));
        }
        if !self.unnameable.is_empty() {
            warnings.push(format!(
                "tags of dbt that would have no valid name were left out; map them with `tags`: {}",
                named(self.unnameable.iter())
            ));
        }
        warnings
    }
}

/// Lists the first texts, and how many follow.
pub(super) fn named<'t>(texts: impl ExactSizeIterator<Item = &'t String>) -> String {
    let more = texts.len().saturating_sub(MOST_NAMED);
    let first: Vec<_> = texts.take(MOST_NAMED).map(|text| format!("`{}`", Excerpt(text))).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", first.join(", "))
}
