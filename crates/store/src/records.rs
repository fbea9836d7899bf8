//! Rows of objects: how a document is written, with its id, its history and its columns' ids.

use std::collections::{BTreeMap, HashSet};

use domesday_model::validate::{Path, Problem, Severity};
use domesday_model::{Agreement, Catalog, Instant, Kind, Since};

use crate::StoreError;
use crate::database::{Database, Insert, Row, Type, Value, values};
use crate::documents::{Document, add_to_catalog, documents, parse};

static OBJECTS: Insert = Insert {
    table: "object",
    columns: &[
        ("kind", Type::Text),
        ("id", Type::Integer),
        ("name", Type::Text),
        ("document", Type::Text),
        ("origin", Type::Text),
        ("created_at", Type::Integer),
        ("updated_at", Type::Integer),
        ("since", Type::Text),
    ],
};

static COLUMNS: Insert = Insert {
    table: "data_column",
    columns: &[("data_source_id", Type::Integer), ("name", Type::Text), ("id", Type::Integer)],
};

/// An object as the store has it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) origin: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) since: String,
}

impl Stored {
    /// Reads `id, document, origin, created_at, updated_at, since` from a column on.
    pub(crate) fn of(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.integer(first)?,
            text: row.text(first + 1)?.to_owned(),
            origin: row.text(first + 2)?.to_owned(),
            created_at: row.integer(first + 3)?,
            updated_at: row.integer(first + 4)?,
            since: row.text(first + 5)?.to_owned(),
        })
    }
}

/// One object by kind and name.
pub(crate) fn find(database: &mut Database, kind: Kind, name: &str) -> Result<Option<Stored>, StoreError> {
    database.first(
        "SELECT id, document, origin, created_at, updated_at, since FROM object
         WHERE kind = ?1 AND name = ?2",
        values![kind.key(), name],
        |row| Stored::of(row, 0),
    )
}

/// Writes objects that are new, ids given in their order.
pub(crate) fn insert(
    database: &mut Database,
    documents: &[&Document],
    at: Instant,
) -> Result<(), StoreError> {
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for document in documents {
        check_storable(document)?;
        *wanted.entry(id_space(document.kind)).or_default() += 1;
    }
    let mut next = BTreeMap::new();
    for (space, count) in wanted {
        next.insert(space, take_ids(database, space, count)?);
    }
    let mut numbered = Vec::with_capacity(documents.len());
    for document in documents {
        let id = next.get_mut(id_space(document.kind)).expect("each id space was asked for its ids");
        numbered.push((*id, *document));
        *id += 1;
    }
    let rows = numbered.iter().map(|(id, document)| {
        let created_at = document.created_at.unwrap_or(at).as_micros();
        [
            Value::from(document.kind.key()),
            Value::from(*id),
            Value::from(&document.name),
            Value::from(&document.text),
            Value::from(&*document.origin),
            Value::from(created_at),
            Value::from(created_at),
            Value::from("{}"),
        ]
    });
    database.insert_many(&OBJECTS, rows)?;
    let columns = numbered
        .iter()
        .flat_map(|(source, document)| document.columns.iter().map(move |column| (*source, column.as_str())));
    insert_columns(database, &columns.collect::<Vec<_>>())?;
    numbered.iter().try_for_each(|(_, document)| write_agreement_text(database, document))
}

/// Replaces an object by another version of itself.
pub(crate) fn update(
    database: &mut Database,
    document: &Document,
    stored: &Stored,
    at: Instant,
) -> Result<(), StoreError> {
    check_storable(document)?;
    let since = since(document, stored, at)?;
    let updated_at = if stored.text == document.text { stored.updated_at } else { at.as_micros() };
    database.execute(
        "UPDATE object SET document = ?3, origin = ?4, created_at = ?5, updated_at = ?6, since = ?7
         WHERE kind = ?1 AND id = ?2",
        values![
            document.kind.key(),
            stored.id,
            &document.text,
            &*document.origin,
            document.created_at.map_or(stored.created_at, Instant::as_micros),
            updated_at,
            &serde_json::to_string(&since).expect("instants by text are plain data"),
        ],
    )?;
    update_columns(database, stored.id, document)?;
    write_agreement_text(database, document)
}

/// Deletes an object. Texts of agreements stay: what somebody accepted can be proven later.
pub(crate) fn delete(database: &mut Database, kind: Kind, id: i64) -> Result<(), StoreError> {
    database.execute("DELETE FROM object WHERE kind = ?1 AND id = ?2", values![kind.key(), id])?;
    if kind == Kind::DataSource {
        database.execute("DELETE FROM data_column WHERE data_source_id = ?1", values![id])?;
    }
    Ok(())
}

/// Subscription and data policies share one id space.
fn id_space(kind: Kind) -> &'static str {
    match kind {
        Kind::DataPolicy => Kind::Policy.key(),
        other => other.key(),
    }
}

/// The first of `count` ids that nothing ever had.
pub(crate) fn take_ids(database: &mut Database, space: &str, count: i64) -> Result<i64, StoreError> {
    let last = database.first(
        "INSERT INTO id_space (name, last) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET last = id_space.last + excluded.last RETURNING last",
        values![space, count],
        |row| row.integer(0),
    )?;
    Ok(last.expect("an upsert returns its row") - count + 1)
}

/// The instants of the parts that are younger than their object: what came now, and what came before and is
/// still there.
fn since(document: &Document, stored: &Stored, at: Instant) -> Result<Since, StoreError> {
    let Document { kind, name, parts, .. } = document;
    let mut before = Catalog::default();
    add_to_catalog(&mut before, *kind, name, &stored.text, &stored.origin)?;
    let before = documents(&before).into_iter().find(|before| before.name == *name);
    let before = before.map(|document| document.parts).unwrap_or_default();
    let mut since: Since = parse(*kind, name, &stored.since)?;
    since.0.retain(|part, _| parts.contains(part));
    since.0.extend(parts.difference(&before).map(|part| (part.clone(), at)));
    Ok(since)
}

fn insert_columns(database: &mut Database, columns: &[(i64, &str)]) -> Result<(), StoreError> {
    if columns.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(columns.len()).expect("a list in memory is shorter than 2^63");
    let first = take_ids(database, "columns", count)?;
    let rows = (first..)
        .zip(columns)
        .map(|(id, (source, column))| [Value::from(*source), Value::from(*column), Value::from(id)]);
    database.insert_many(&COLUMNS, rows)
}

/// Gives new columns ids and forgets those that are gone; a column that comes back gets a new id.
fn update_columns(database: &mut Database, source: i64, document: &Document) -> Result<(), StoreError> {
    if document.kind != Kind::DataSource {
        return Ok(());
    }
    let sql = "SELECT name FROM data_column WHERE data_source_id = ?1";
    let known = database.all(sql, values![source], |row| Ok(row.text(0)?.to_owned()))?;
    let mut known: HashSet<String> = known.into_iter().collect();
    let new: Vec<_> = document
        .columns
        .iter()
        .filter(|column| !known.remove(*column))
        .map(|column| (source, column.as_str()))
        .collect();
    insert_columns(database, &new)?;
    for gone in &known {
        database.execute(
            "DELETE FROM data_column WHERE data_source_id = ?1 AND name = ?2",
            values![source, gone],
        )?;
    }
    Ok(())
}

fn write_agreement_text(database: &mut Database, document: &Document) -> Result<(), StoreError> {
    if document.kind != Kind::Agreement {
        return Ok(());
    }
    let agreement: Agreement = parse(document.kind, &document.name, &document.text)?;
    database.execute(
        "INSERT INTO agreement_text (name, version, text) VALUES (?1, ?2, ?3)
         ON CONFLICT (name, version) DO UPDATE SET text = ?3",
        values![&agreement.name, agreement.version, &agreement.text],
    )?;
    Ok(())
}

/// PostgreSQL keeps no text with a NUL in it, so neither database is given one. Inside a document JSON escapes
/// it; names and texts that have columns of their own stand there as they are.
fn check_storable(document: &Document) -> Result<(), StoreError> {
    let in_text = document.kind == Kind::Agreement && document.text.contains("\\u0000");
    if !in_text && !document.name.contains('\0') && !document.columns.iter().any(|name| name.contains('\0')) {
        return Ok(());
    }
    Err(StoreError::Invalid {
        problems: vec![Problem {
            severity: Severity::Error,
            kind: document.kind,
            index: 0,
            path: Path::root(),
            message: format!(
                "{:?} holds a NUL character in a name or text; no database keeps it",
                document.name
            ),
        }],
    })
}
