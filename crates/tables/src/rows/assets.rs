//! datasource-metadata, column-metadata and tag-metadata.

use domesday_model::{ColumnIx, DataSourceIx, DataSourceStatus, Instant, SnapshotDataSource, TagIx};
use uuid::Uuid;

use super::{RowContext, Rows};
use crate::{EncodeError, json};

pub(crate) fn datasource_metadata(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    for (source, readers) in world.snapshot.data_sources.iter().zip(world.readers) {
        let domain = source.domain.map(|domain| &world.snapshot.domains[domain.get()]);
        let mut owners: Vec<_> = source.owners.iter().map(|owner| world.user_at(*owner)).collect();
        owners.sort_unstable_by_key(|owner| &owner.username);
        let mut buffer = Uuid::encode_buffer();
        let owner_ids: Vec<_> = owners
            .iter()
            .map(|owner| owner.global_id.hyphenated().encode_lower(&mut buffer).to_owned())
            .collect();
        rows.row()
            .integer("datasource_id", source.id.0)
            .text("datasource_name", &source.name)
            .text("platform", &source.platform)
            .optional_text("hostname", source.host.as_deref())
            .optional_text("database", source.database.as_deref())
            .optional_text("schema", source.schema.as_deref())
            .optional_text("table", source.table.as_deref())
            .text("remote_name", &remote_name(source))
            .optional_text("domain_id", domain.map(|domain| domain.id.to_string()).as_deref())
            .optional_text("domain_name", domain.map(|domain| domain.spec.name.as_str()))
            .text("owners", &json::strings(owners.iter().map(|owner| &*owner.username)))
            .text("owner_global_user_ids", &json::strings(owner_ids.iter().map(String::as_str)))
            .text("status", status(source.status))
            .count("column_count", source.columns.len())
            .count("subscriber_count", *readers)
            .instant("creation_date", source.created_at)
            .text("link", &world.link("console/access/data-source", source.id.0))
            .optional_instant("absent_since", source.absent_since)
            .end()?;
    }
    Ok(())
}

fn status(status: DataSourceStatus) -> &'static str {
    match status {
        DataSourceStatus::Enabled => "ENABLED",
        DataSourceStatus::Disabled => "DISABLED",
    }
}

fn remote_name(source: &SnapshotDataSource) -> String {
    let parts = [&source.database, &source.schema, &source.table];
    let given: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
    if given.is_empty() { source.name.to_string() } else { given.join(".") }
}

pub(crate) fn column_metadata(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    let snapshot = world.snapshot;
    let mut columns: Vec<(ColumnIx, DataSourceIx)> = Vec::with_capacity(snapshot.columns.len());
    for position in 0..snapshot.data_sources.len() {
        let source = DataSourceIx::at(position);
        columns.extend(snapshot.columns_of(source).map(|(column, _)| (column, source)));
    }
    // A column added to an old source has a younger id than those of newer sources.
    columns.sort_unstable_by_key(|(column, _)| snapshot.columns[column.get()].id);
    for (ix, source) in columns {
        let column = &snapshot.columns[ix.get()];
        let source = &snapshot.data_sources[source.get()];
        rows.row()
            .integer("column_id", column.id.0)
            .integer("datasource_id", source.id.0)
            .text("column_name", &column.name)
            .text("data_type", snapshot.symbols.text(column.data_type))
            .boolean("nullable", column.nullable)
            .count("ordinal_position", ix.get() - source.columns.start as usize + 1)
            .optional_text("description", column.description.as_deref())
            .end()?;
    }
    Ok(())
}

/// A tag on a data source or, with a column, on that column.
type Application = (TagIx, DataSourceIx, Option<ColumnIx>);

pub(crate) fn tag_metadata(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    let snapshot = world.snapshot;
    let mut applied: Vec<Application> = Vec::new();
    for (position, source) in snapshot.data_sources.iter().enumerate() {
        let ix = DataSourceIx::at(position);
        applied.extend(source.tags.iter().map(|tag| (*tag, ix, None)));
        for (column_ix, column) in snapshot.columns_of(ix) {
            applied.extend(column.tags.iter().map(|tag| (*tag, ix, Some(column_ix))));
        }
    }
    let column_id = |column: Option<ColumnIx>| column.map(|ix| snapshot.columns[ix.get()].id);
    applied.sort_unstable_by_key(|(tag, source, column)| (*tag, *source, column_id(*column)));
    for (tag, source, column) in applied {
        let source = &snapshot.data_sources[source.get()];
        let tag = &snapshot.tags[tag.get()];
        let giver = source.givers.part(|| part_of_tag(world, &tag.spec.name, column));
        rows.row()
            .integer("tag_id", tag.id.0)
            .text("tag_name", &tag.spec.name)
            .text("object_type", if column.is_some() { "COLUMN" } else { "DATA_SOURCE" })
            .integer("datasource_id", source.id.0)
            .optional_integer("column_id", column_id(column).map(|id| id.0))
            .text("tag_source", giver.tag_source())
            .optional_text("applied_by", giver.name())
            .instant("applied_at", applied_at(world, source, &tag.spec.name, column))
            .end()?;
    }
    Ok(())
}

/// Returns the part of a source that a tag is, on it or on a column.
fn part_of_tag(world: &RowContext<'_>, tag: &str, column: Option<ColumnIx>) -> String {
    match column {
        None => format!("tag:{tag}"),
        Some(column) => format!("column:{}/tag:{tag}", world.snapshot.columns[column.get()].name),
    }
}

/// Returns when a tag was applied: a tag without a history of its own is as old as its column or source.
fn applied_at(
    world: &RowContext<'_>,
    source: &SnapshotDataSource,
    tag: &str,
    column: Option<ColumnIx>,
) -> Instant {
    if source.since.0.is_empty() {
        return source.created_at;
    }
    let part = part_of_tag(world, tag, column);
    let Some(column) = column else {
        return source.since.part_since(&part, source.created_at);
    };
    let column = &world.snapshot.columns[column.get()].name;
    let of_column = source.since.part_since(&format!("column:{column}"), source.created_at);
    source.since.part_since(&part, of_column)
}
