//! The rows of layers.

use std::collections::HashMap;

use domesday_model::layers::{Document, Given, Layer, Origin};
use domesday_model::{Instant, Kind};

use crate::StoreError;
use crate::catalog::documents::parse;
use crate::database::{Database, Insert, Row, Type, Value, values};

/// A stored layer.
#[derive(Debug, Clone)]
pub(crate) struct LayerRow {
    pub(crate) object_id: i64,
    /// What the origin calls the object.
    pub(crate) name: String,
    /// What a connection identifies it by.
    pub(crate) key: Option<String>,
    /// The file inside the catalog, or where an edit came from.
    pub(crate) label: String,
    pub(crate) layer: Layer,
    pub(crate) updated_at: i64,
}

/// The order of origins: connections as they were configured, then people, then files.
#[derive(Debug, Default)]
pub(crate) struct Ranks(HashMap<String, usize>);

impl Ranks {
    pub(crate) fn read(database: &mut Database) -> Result<Self, StoreError> {
        let sql = "SELECT name FROM object WHERE kind = ?1 ORDER BY id";
        let names = database.all(sql, values![Kind::Connection.key()], |row| Ok(row.text(0)?.to_owned()))?;
        Ok(Self(names.into_iter().zip(0..).collect()))
    }

    fn rank<'r>(&self, row: &'r LayerRow) -> (usize, &'r str) {
        let origin = row.layer.origin.as_str();
        let rank = match &row.layer.origin {
            // A connection that was deleted comes after the others.
            Origin::Connection(name) => self.0.get(&**name).copied().unwrap_or(self.0.len()),
            Origin::Api => usize::MAX - 1,
            Origin::Files => usize::MAX,
        };
        (rank, origin)
    }

    /// Sorts layers, the highest first.
    pub(crate) fn sort(&self, rows: &mut [LayerRow]) {
        rows.sort_by(|left, right| self.rank(left).cmp(&self.rank(right)));
    }
}

macro_rules! layer_columns {
    () => {
        "object_id, origin, name, object_key, label, document, given, absent_since, updated_at"
    };
}

fn from_row(kind: Kind, row: &Row<'_>) -> Result<LayerRow, StoreError> {
    let name = row.text(2)?;
    let given = row.text(6)?;
    Ok(LayerRow {
        object_id: row.integer(0)?,
        key: row.maybe_text(3)?.map(str::to_owned),
        label: row.text(4)?.to_owned(),
        layer: Layer {
            origin: Origin::of_name(row.text(1)?),
            document: parse(kind, name, row.text(5)?)?,
            given: if given == "{}" { Given::default() } else { parse(kind, name, given)? },
            absent_since: row.maybe_integer(7)?.map(Instant::from_micros),
        },
        updated_at: row.integer(8)?,
        name: name.to_owned(),
    })
}

/// Returns the layers of an object, the highest first.
pub(crate) fn of_object(
    database: &mut Database,
    ranks: &Ranks,
    kind: Kind,
    id: i64,
) -> Result<Vec<LayerRow>, StoreError> {
    let sql = concat!("SELECT ", layer_columns!(), " FROM layer WHERE kind = ?1 AND object_id = ?2");
    let mut rows = database.all(sql, values![kind.key(), id], |row| from_row(kind, row))?;
    ranks.sort(&mut rows);
    Ok(rows)
}

/// Returns the layers of every object of a kind, by object and the highest first.
pub(crate) fn of_kind(
    database: &mut Database,
    ranks: &Ranks,
    kind: Kind,
) -> Result<HashMap<i64, Vec<LayerRow>>, StoreError> {
    let mut by_object: HashMap<i64, Vec<LayerRow>> = HashMap::new();
    let sql = concat!("SELECT ", layer_columns!(), " FROM layer WHERE kind = ?1");
    database.each(sql, values![kind.key()], &mut |row| {
        let row = from_row(kind, row)?;
        by_object.entry(row.object_id).or_default().push(row);
        Ok(())
    })?;
    by_object.values_mut().for_each(|rows| ranks.sort(rows));
    Ok(by_object)
}

/// Returns the layers of one origin in a kind.
pub(super) fn of_origin(
    database: &mut Database,
    origin: &Origin,
    kind: Kind,
) -> Result<Vec<LayerRow>, StoreError> {
    let sql = concat!("SELECT ", layer_columns!(), " FROM layer WHERE origin = ?1 AND kind = ?2");
    database.all(sql, values![origin.as_str(), kind.key()], |row| from_row(kind, row))
}

pub(super) const BY_KEY: &str =
    concat!("SELECT ", layer_columns!(), " FROM layer WHERE origin = ?1 AND kind = ?2 AND object_key = ?3");
pub(super) const BY_NAME: &str =
    concat!("SELECT ", layer_columns!(), " FROM layer WHERE origin = ?1 AND kind = ?2 AND name = ?3");

/// Returns the layer of an origin with a key.
pub(super) fn by_key(
    database: &mut Database,
    origin: &Origin,
    kind: Kind,
    key: &str,
) -> Result<Option<LayerRow>, StoreError> {
    database.first(BY_KEY, values![origin.as_str(), kind.key(), key], |row| from_row(kind, row))
}

/// Returns the layers of an origin that call an object by a name.
pub(crate) fn by_name(
    database: &mut Database,
    origin: &Origin,
    kind: Kind,
    name: &str,
) -> Result<Option<LayerRow>, StoreError> {
    database.first(BY_NAME, values![origin.as_str(), kind.key(), name], |row| from_row(kind, row))
}

static LAYERS: Insert = Insert {
    table: "layer",
    columns: &[
        ("kind", Type::Text),
        ("object_id", Type::Integer),
        ("origin", Type::Text),
        ("name", Type::Text),
        ("object_key", Type::Text),
        ("label", Type::Text),
        ("document", Type::Text),
        ("given", Type::Text),
        ("absent_since", Type::Integer),
        ("updated_at", Type::Integer),
    ],
};

/// Inserts layers that do not exist.
pub(crate) fn insert_many<'l>(
    database: &mut Database,
    rows: impl IntoIterator<Item = (Kind, &'l LayerRow)>,
) -> Result<(), StoreError> {
    let texts: Vec<_> = rows
        .into_iter()
        .map(|(kind, row)| (kind, row, text(&row.layer.document), text(&row.layer.given)))
        .collect();
    let rows = texts.iter().map(|(kind, row, document, given)| {
        [
            Value::from(kind.key()),
            Value::from(row.object_id),
            Value::from(row.layer.origin.as_str()),
            Value::from(&row.name),
            Value::from(row.key.as_deref()),
            Value::from(&row.label),
            Value::from(document),
            Value::from(given),
            Value::from(row.layer.absent_since.map(Instant::as_micros)),
            Value::from(row.updated_at),
        ]
    });
    database.insert_many(&LAYERS, rows)
}

/// Writes a layer in place of the one that its object has from the same origin, if any.
pub(crate) fn put(database: &mut Database, kind: Kind, row: &LayerRow) -> Result<(), StoreError> {
    delete_layer(database, kind, row.object_id, &row.layer.origin)?;
    insert_many(database, [(kind, row)])
}

/// Deletes the layer that an object has from an origin.
pub(crate) fn delete_layer(
    database: &mut Database,
    kind: Kind,
    id: i64,
    origin: &Origin,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM layer WHERE kind = ?1 AND object_id = ?2 AND origin = ?3";
    database.execute(sql, values![kind.key(), id, origin.as_str()]).map(drop)
}

/// Deletes all layers of an object.
pub(crate) fn delete_all(database: &mut Database, kind: Kind, id: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM layer WHERE kind = ?1 AND object_id = ?2";
    database.execute(sql, values![kind.key(), id])?;
    let sql = "DELETE FROM missing_reference WHERE kind = ?1 AND object_id = ?2";
    database.execute(sql, values![kind.key(), id]).map(drop)
}

pub(super) fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("documents are plain data with text keys")
}

/// Returns a typed document as the object of JSON that a layer has.
pub(crate) fn document_of(value: &impl serde::Serialize) -> Document {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(document)) => document,
        _ => Document::new(),
    }
}
