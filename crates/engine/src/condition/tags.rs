//! The tags that conditions and selections see of a data source.

use std::collections::HashSet;

use domesday_model::condition::TagTarget;
use domesday_model::{DataSourceIx, Snapshot, TagIx, dotted_ancestors};

/// Returns the distinct tags of a data source's columns.
pub(crate) fn column_tags(snapshot: &Snapshot, source: DataSourceIx) -> Vec<TagIx> {
    let mut tags: Vec<_> =
        snapshot.columns_of(source).flat_map(|(_, column)| column.tags.iter().copied()).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// Returns the names of the tags of a data source or of its columns, and of all their ancestors, each once and before
/// its own ancestors.
pub(crate) fn tags_with_ancestors(snapshot: &Snapshot, source: DataSourceIx, target: TagTarget) -> Vec<&str> {
    let tags = match target {
        TagTarget::DataSource => snapshot.data_sources[source.get()].tags.to_vec(),
        TagTarget::Column => column_tags(snapshot, source),
    };
    let mut seen = HashSet::new();
    tags.into_iter()
        .map(|tag| snapshot.tags[tag.get()].spec.name.as_str())
        .flat_map(|name| std::iter::once(name).chain(dotted_ancestors(name)))
        .filter(|name| seen.insert(*name))
        .collect()
}
