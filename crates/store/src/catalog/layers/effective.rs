//! Writes an object from its layers.

use std::collections::HashMap;

use domesday_model::layers::{
    Document as LayerDocument, Effective, Given, Layer, Origin, merge, name_key, resolve_references,
};
use domesday_model::{Catalog, Instant, Kind, dotted_ancestors};

use super::names::References;
use super::rows::{self, LayerRow, Ranks, text};
use crate::StoreError;
use crate::catalog::documents::{Document, add_to_catalog, documents};
use crate::catalog::records::{self, Stored};
use crate::database::{Database, values};

/// The effective object of some layers, ready to be written.
#[derive(Debug)]
pub(crate) struct EffectiveDocument {
    /// Its document, with its history.
    pub(crate) document: Document,
    /// A catalog with the object alone, to validate it.
    pub(crate) one: Catalog,
    /// What its layers say of objects that do not exist.
    pub(crate) missing: Vec<(Kind, String)>,
    /// Columns of layers that have no effect.
    pub(crate) ignored_columns: Vec<String>,
}

impl EffectiveDocument {
    /// Writes the object in place of its stored version.
    pub(crate) fn update(
        &self,
        database: &mut Database,
        stored: &Stored,
        at: Instant,
    ) -> Result<(), StoreError> {
        records::update(database, &self.document, stored, at)?;
        remember_missing(database, self.document.kind, stored.id, &self.missing)
    }
}

/// Returns the effective object of layers, the highest first. What they say of objects that do not exist is left out until
/// they do: a connection may name a manager whom nobody lists, and files a group that only a connection will.
pub(crate) fn effective_document(
    database: &mut Database,
    references: &mut References,
    kind: Kind,
    name: &str,
    layers: &[LayerRow],
    created_at: Instant,
) -> Result<EffectiveDocument, StoreError> {
    let mut failed = None;
    let mut missing = Vec::new();
    let mut layered = Vec::with_capacity(layers.len());
    for row in layers {
        let mut layer: Layer = row.layer.clone();
        let origin = &row.layer.origin;
        missing.extend(resolve_references(kind, &mut layer.document, |to, name| {
            let found = references.resolve(database, origin, to, name).map(|it| it.map(str::to_owned));
            found.unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        }));
        layered.push(layer);
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let Effective { document: mut merged, since, givers, absent_since, ignored_columns } =
        merge(kind, &layered, created_at);
    merged.insert(name_key(kind).to_owned(), name.into());
    let label = layers.first().map_or("", |row| row.label.as_str());
    let mut one = Catalog::default();
    add_to_catalog(&mut one, kind, name, &text(&merged), label)?;
    let mut documents = documents(&one);
    let mut document = documents.pop().expect("one object is at least one document, and its own is the last");
    document.since = Some(text(&since));
    document.givers = text(&givers);
    document.absent_since = absent_since.map(Instant::as_micros);
    Ok(EffectiveDocument { document, one, missing, ignored_columns })
}

/// An object that an origin is the first to describe.
pub(crate) struct NewObject {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// What the origin calls it, where that is not its name.
    pub(crate) called: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) label: String,
    pub(crate) origin: Origin,
    pub(crate) document: LayerDocument,
    /// The person, in the layer `api`.
    pub(crate) by: Option<Box<str>>,
}

impl NewObject {
    /// Returns its layer, which has the object's id once that is allocated.
    pub(crate) fn into_row(self, at: Instant) -> LayerRow {
        LayerRow {
            object_id: 0,
            name: self.called.unwrap_or(self.name),
            key: self.key,
            label: self.label,
            layer: Layer {
                origin: self.origin,
                document: self.document,
                given: Given::new(None, self.by.as_deref()),
                absent_since: None,
            },
            updated_at: at.as_micros(),
        }
    }
}

/// Creates objects with one layer each; ids are allocated in their order. Returns the effective documents with their ids.
pub(crate) fn create(
    database: &mut Database,
    references: &mut References,
    new: Vec<NewObject>,
    at: Instant,
) -> Result<Vec<(i64, EffectiveDocument)>, StoreError> {
    let mut effective = Vec::with_capacity(new.len());
    let mut rows = Vec::with_capacity(new.len());
    for object in new {
        let (kind, name) = (object.kind, object.name.clone());
        let row = object.into_row(at);
        let layers = std::slice::from_ref(&row);
        effective.push(effective_document(database, references, kind, &name, layers, at)?);
        rows.push((kind, row));
    }
    let documents: Vec<&Document> = effective.iter().map(|it| &it.document).collect();
    let ids = records::insert(database, &documents, at)?;
    ids.iter().zip(&mut rows).for_each(|(id, (_, row))| row.object_id = *id);
    rows::insert_many(database, rows.iter().map(|(kind, row)| (*kind, row)))?;
    for (id, it) in ids.iter().zip(&effective).filter(|(_, it)| !it.missing.is_empty()) {
        remember_missing(database, it.document.kind, *id, &it.missing)?;
    }
    Ok(ids.into_iter().zip(effective).collect())
}

/// Writes the effective object of changed layers in place of the stored one, under a name, and returns it.
pub(crate) fn write(
    database: &mut Database,
    references: &mut References,
    kind: Kind,
    name: &str,
    stored: &Stored,
    layers: &[LayerRow],
    at: Instant,
) -> Result<EffectiveDocument, StoreError> {
    let created_at = Instant::from_micros(stored.created_at);
    let effective = effective_document(database, references, kind, name, layers, created_at)?;
    effective.update(database, stored, at)?;
    Ok(effective)
}

/// Records what an object's layers say of objects that do not exist, so that it takes effect when they do.
pub(super) fn remember_missing(
    database: &mut Database,
    kind: Kind,
    id: i64,
    missing: &[(Kind, String)],
) -> Result<(), StoreError> {
    let sql = "DELETE FROM missing_reference WHERE kind = ?1 AND object_id = ?2";
    database.execute(sql, values![kind.key(), id])?;
    for (to, name) in missing.iter().filter(|(_, name)| !name.contains('\0')) {
        database.execute(
            "INSERT INTO missing_reference (to_kind, to_name, kind, object_id) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
            values![to.key(), name, kind.key(), id],
        )?;
    }
    Ok(())
}

/// Writes again the objects whose layers named objects that exist now.
pub(crate) fn resolve_missing(
    database: &mut Database,
    ranks: &Ranks,
    created: &[(Kind, String)],
    at: Instant,
) -> Result<(), StoreError> {
    let is_any = database.first("SELECT 1 FROM missing_reference LIMIT 1", &[], |_| Ok(()))?;
    if is_any.is_none() {
        return Ok(());
    }
    let mut waiting: HashMap<(Kind, i64), ()> = HashMap::new();
    for (kind, name) in created {
        let sql = "SELECT kind, object_id FROM missing_reference WHERE to_kind = ?1 AND to_name = ?2";
        database.each(sql, values![kind.key(), name], &mut |row| {
            if let Some(kind) = Kind::of_key(row.text(0)?) {
                waiting.insert((kind, row.integer(1)?), ());
            }
            Ok(())
        })?;
    }
    let mut waiting: Vec<_> = waiting.into_keys().collect();
    waiting.sort_unstable();
    for (kind, id) in waiting {
        let Some((name, stored)) = records::find_by_id(database, kind, id)? else { continue };
        let layers = rows::of_object(database, ranks, kind, id)?;
        write(database, &mut References::default(), kind, &name, &stored, &layers, at)?;
    }
    Ok(())
}

/// Creates the tags that documents bear and that do not exist, with their ancestors.
pub(super) fn create_tags<'d>(
    database: &mut Database,
    bearers: impl IntoIterator<Item = &'d LayerDocument>,
    label: &str,
    at: Instant,
) -> Result<usize, StoreError> {
    let mut wanted = std::collections::BTreeSet::new();
    for document in bearers {
        let columns = document.get("columns").and_then(serde_json::Value::as_array).into_iter().flatten();
        let lists = columns.filter_map(|column| column.get("tags")).chain(document.get("tags"));
        for tag in lists.filter_map(serde_json::Value::as_array).flatten().filter_map(|tag| tag.as_str()) {
            wanted.extend(dotted_ancestors(tag).chain([tag]).map(str::to_owned));
        }
    }
    let mut new = Catalog::default();
    for tag in wanted {
        if !records::exists(database, Kind::Tag, &tag)? {
            let text = text(&serde_json::json!({ "name": tag }));
            add_to_catalog(&mut new, Kind::Tag, &tag, &text, label)?;
        }
    }
    // Ancestors that exist are among them again.
    let mut missing = Vec::new();
    let documents = documents(&new);
    for document in &documents {
        if !records::exists(database, Kind::Tag, &document.name)? {
            missing.push(document);
        }
    }
    records::insert(database, &missing, at)?;
    Ok(missing.len())
}
