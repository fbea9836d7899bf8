//! The rows of layers.

use std::borrow::Cow;
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

/// A stored layer whose documents are not parsed: most layers are only compared.
#[derive(Debug, Clone)]
pub(crate) struct StoredLayer {
    object_id: i64,
    pub(crate) origin: Origin,
    pub(crate) name: String,
    key: Option<String>,
    pub(crate) label: String,
    pub(crate) document: String,
    given: String,
    absent_since: Option<Instant>,
    updated_at: i64,
}

impl StoredLayer {
    fn of_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            object_id: row.integer(0)?,
            origin: Origin::of_name(row.text(1)?),
            name: row.text(2)?.to_owned(),
            key: row.maybe_text(3)?.map(str::to_owned),
            label: row.text(4)?.to_owned(),
            document: row.text(5)?.to_owned(),
            given: row.text(6)?.to_owned(),
            absent_since: row.maybe_integer(7)?.map(Instant::from_micros),
            updated_at: row.integer(8)?,
        })
    }

    /// Parses the documents of a layer of a kind.
    pub(crate) fn parse(self, kind: Kind) -> Result<LayerRow, StoreError> {
        let given = match self.given.as_str() {
            GIVEN_WITH_OBJECT => Given::default(),
            given => parse(kind, &self.name, given)?,
        };
        let document = parse(kind, &self.name, &self.document)?;
        Ok(LayerRow {
            object_id: self.object_id,
            name: self.name,
            key: self.key,
            label: self.label,
            layer: Layer { origin: self.origin, document, given, absent_since: self.absent_since },
            updated_at: self.updated_at,
        })
    }
}

/// The text of [`Given`] where every part was given with the object itself.
pub(super) const GIVEN_WITH_OBJECT: &str = "{}";

fn from_row(kind: Kind, row: &Row<'_>) -> Result<LayerRow, StoreError> {
    StoredLayer::of_row(row)?.parse(kind)
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

/// Returns the layers of every object of a kind, by object and in no order.
pub(crate) fn of_kind(
    database: &mut Database,
    kind: Kind,
) -> Result<HashMap<i64, Vec<StoredLayer>>, StoreError> {
    let mut by_object: HashMap<i64, Vec<StoredLayer>> = HashMap::new();
    let sql = concat!("SELECT ", layer_columns!(), " FROM layer WHERE kind = ?1");
    database.each(sql, values![kind.key()], &mut |row| {
        let layer = StoredLayer::of_row(row)?;
        by_object.entry(layer.object_id).or_default().push(layer);
        Ok(())
    })?;
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

/// A layer as it is written.
pub(super) struct LayerText<'l> {
    pub(super) kind: Kind,
    pub(super) object_id: i64,
    pub(super) origin: &'l str,
    pub(super) name: &'l str,
    pub(super) key: Option<&'l str>,
    pub(super) label: &'l str,
    pub(super) document: Cow<'l, str>,
    pub(super) given: Cow<'l, str>,
    pub(super) absent_since: Option<Instant>,
    pub(super) updated_at: i64,
}

impl<'l> LayerText<'l> {
    fn of(kind: Kind, row: &'l LayerRow) -> Self {
        Self {
            kind,
            object_id: row.object_id,
            origin: row.layer.origin.as_str(),
            name: &row.name,
            key: row.key.as_deref(),
            label: &row.label,
            document: text(&row.layer.document).into(),
            given: text(&row.layer.given).into(),
            absent_since: row.layer.absent_since,
            updated_at: row.updated_at,
        }
    }
}

/// Inserts layers that do not exist.
pub(crate) fn insert_many<'l>(
    database: &mut Database,
    rows: impl IntoIterator<Item = (Kind, &'l LayerRow)>,
) -> Result<(), StoreError> {
    let texts: Vec<_> = rows.into_iter().map(|(kind, row)| LayerText::of(kind, row)).collect();
    insert_texts(database, &texts)
}

/// Inserts layers that do not exist.
pub(super) fn insert_texts(database: &mut Database, layers: &[LayerText<'_>]) -> Result<(), StoreError> {
    let rows = layers.iter().map(|layer| {
        [
            Value::from(layer.kind.key()),
            Value::from(layer.object_id),
            Value::from(layer.origin),
            Value::from(layer.name),
            Value::from(layer.key),
            Value::from(layer.label),
            Value::from(&*layer.document),
            Value::from(&*layer.given),
            Value::from(layer.absent_since.map(Instant::as_micros)),
            Value::from(layer.updated_at),
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
