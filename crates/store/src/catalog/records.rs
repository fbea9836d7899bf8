//! The rows of objects: a document with its id, its history and the ids of its columns.

use std::collections::{BTreeMap, HashMap};

use domesday_model::layers::is_layered;
use domesday_model::validate::{CatalogProblem, Path, Severity};
use domesday_model::{Agreement, Catalog, DataSource, Instant, Kind, Since};

use crate::database::{Database, Insert, Row, Type, Value, values};
use crate::field_change::changed_fields;
use crate::id_space::allocate_ids;
use crate::{FieldChange, StoreError};

use super::documents::{Document, add_to_catalog, documents, fields, parse};
use super::{layers, request_index};

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
        ("column_ids", Type::Text),
        ("givers", Type::Text),
        ("absent_since", Type::Integer),
        ("alias", Type::Text),
    ],
};

/// A stored object.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) origin: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) since: String,
    pub(crate) column_ids: String,
    /// Whether its last change was made under a permission inside a domain.
    pub(crate) delegated: bool,
    /// Who gave its parts.
    pub(crate) givers: String,
    /// Since when no connection lists it any more.
    pub(crate) absent_since: Option<i64>,
}

/// The columns of `object` that [`Stored::from_row`] reads.
macro_rules! stored_columns {
    () => {
        "id, document, origin, created_at, updated_at, since, column_ids, delegated, givers, absent_since"
    };
}
pub(crate) use stored_columns;

impl Stored {
    /// Reads [`stored_columns!`], beginning at a column.
    pub(crate) fn from_row(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.integer(first)?,
            text: row.text(first + 1)?.to_owned(),
            origin: row.text(first + 2)?.to_owned(),
            created_at: row.integer(first + 3)?,
            updated_at: row.integer(first + 4)?,
            since: row.text(first + 5)?.to_owned(),
            column_ids: row.text(first + 6)?.to_owned(),
            delegated: row.integer(first + 7)? != 0,
            givers: row.text(first + 8)?.to_owned(),
            absent_since: row.maybe_integer(first + 9)?,
        })
    }
}

/// Finds an object by kind and name.
pub(crate) fn find(database: &mut Database, kind: Kind, name: &str) -> Result<Option<Stored>, StoreError> {
    if name.contains('\0') {
        // No name contains U+0000.
        return Ok(None);
    }
    database.first(
        concat!("SELECT ", stored_columns!(), " FROM object WHERE kind = ?1 AND name = ?2"),
        values![kind.key(), name],
        |row| Stored::from_row(row, 0),
    )
}

/// Finds an object by kind and id, and returns it with its name.
pub(crate) fn find_by_id(
    database: &mut Database,
    kind: Kind,
    id: i64,
) -> Result<Option<(String, Stored)>, StoreError> {
    database.first(
        concat!("SELECT name, ", stored_columns!(), " FROM object WHERE kind = ?1 AND id = ?2"),
        values![kind.key(), id],
        |row| Ok((row.text(0)?.to_owned(), Stored::from_row(row, 1)?)),
    )
}

/// Whether there is an object of a kind and name.
pub(crate) fn exists(database: &mut Database, kind: Kind, name: &str) -> Result<bool, StoreError> {
    if name.contains('\0') {
        return Ok(false);
    }
    let sql = "SELECT 1 FROM object WHERE kind = ?1 AND name = ?2";
    Ok(database.first(sql, values![kind.key(), name], |_| Ok(()))?.is_some())
}

/// Inserts new objects and returns their ids, which are allocated in their order.
pub(crate) fn insert(
    database: &mut Database,
    documents: &[&Document],
    at: Instant,
) -> Result<Vec<i64>, StoreError> {
    let mut wanted: BTreeMap<&str, i64> = BTreeMap::new();
    for document in documents {
        *wanted.entry(id_space(document.kind)).or_default() += 1;
    }
    let mut next = BTreeMap::new();
    for (space, count) in wanted {
        next.insert(space, allocate_ids(database, space, count)?);
    }
    let columns = documents.iter().map(|document| document.columns.len()).sum();
    let mut next_column = allocate_column_ids(database, columns)?;
    let mut numbered = Vec::with_capacity(documents.len());
    for document in documents {
        let id = next.get_mut(id_space(document.kind)).expect("ids were allocated in each id space");
        let column_ids: Vec<i64> = next_column.by_ref().take(document.columns.len()).collect();
        numbered.push((*id, *document, list(&column_ids)));
        *id += 1;
    }
    let rows = numbered.iter().map(|(id, document, column_ids)| {
        let created_at = document.created_at.unwrap_or(at).as_micros();
        [
            Value::from(document.kind.key()),
            Value::from(*id),
            Value::from(&document.name),
            Value::from(&document.text),
            Value::from(&*document.origin),
            Value::from(created_at),
            Value::from(created_at),
            Value::from(document.since.as_deref().unwrap_or("{}")),
            Value::from(column_ids),
            Value::from(&document.givers),
            Value::from(document.absent_since),
            Value::from(document.alias.as_deref()),
        ]
    });
    database.insert_many(&OBJECTS, rows)?;
    documents.iter().try_for_each(|document| write_agreement_text(database, document))?;
    request_index::index(database, documents.iter().copied(), true)?;
    Ok(numbered.into_iter().map(|(id, ..)| id).collect())
}

/// Updates an object to a new version.
pub(crate) fn update(
    database: &mut Database,
    document: &Document,
    stored: &Stored,
    at: Instant,
) -> Result<(), StoreError> {
    let since = match &document.since {
        Some(since) => since.clone(),
        None => {
            serde_json::to_string(&since(document, stored, at)?).expect("instants by text are plain data")
        }
    };
    let column_ids = updated_column_ids(database, document, stored)?;
    let updated_at = if stored.text == document.text { stored.updated_at } else { at.as_micros() };
    database.execute(
        "UPDATE object SET document = ?3, origin = ?4, created_at = ?5, updated_at = ?6, since = ?7,
             column_ids = ?8, delegated = 0, name = ?9, givers = ?10, absent_since = ?11, alias = ?12
         WHERE kind = ?1 AND id = ?2",
        values![
            document.kind.key(),
            stored.id,
            &document.text,
            &*document.origin,
            document.created_at.map_or(stored.created_at, Instant::as_micros),
            updated_at,
            &since,
            &column_ids,
            &document.name,
            &document.givers,
            document.absent_since,
            document.alias.as_deref(),
        ],
    )?;
    request_index::index(database, std::iter::once(document), false)?;
    write_agreement_text(database, document)
}

/// Deletes an object. Texts of agreements stay, as evidence of what was accepted.
pub(crate) fn delete(database: &mut Database, kind: Kind, id: i64) -> Result<(), StoreError> {
    if kind == Kind::Request {
        let sql = "SELECT name FROM object WHERE kind = ?1 AND id = ?2";
        let name = database.first(sql, values![kind.key(), id], |row| Ok(row.text(0)?.to_owned()))?;
        name.iter().try_for_each(|name| request_index::forget(database, name))?;
    }
    if is_layered(kind) {
        layers::delete_all(database, kind, id)?;
    }
    let sql = "DELETE FROM object WHERE kind = ?1 AND id = ?2";
    database.execute(sql, values![kind.key(), id]).map(drop)
}

/// Subscription and data policies share one id space.
fn id_space(kind: Kind) -> &'static str {
    match kind {
        Kind::DataPolicy => Kind::Policy.key(),
        other => other.key(),
    }
}

/// Returns the instants of the parts that are younger than their object: those added now, and earlier ones that still
/// exist.
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

/// Returns the ids of the columns of a data source's new version. A column keeps its id as long as its name exists; a
/// column that is added again gets a new id.
fn updated_column_ids(
    database: &mut Database,
    document: &Document,
    stored: &Stored,
) -> Result<String, StoreError> {
    if document.kind != Kind::DataSource {
        return Ok(stored.column_ids.clone());
    }
    let before: DataSource = parse(document.kind, &document.name, &stored.text)?;
    let ids: Vec<i64> = parse(document.kind, &document.name, &stored.column_ids)?;
    let names = before.columns.into_iter().map(|column| column.name);
    let known: HashMap<String, i64> = names.zip(ids).collect();
    let new = document.columns.iter().filter(|column| !known.contains_key(*column)).count();
    let mut next = allocate_column_ids(database, new)?;
    let ids = document.columns.iter().filter_map(|column| known.get(column).copied().or_else(|| next.next()));
    Ok(list(&ids.collect::<Vec<_>>()))
}

/// Allocates ids of columns.
fn allocate_column_ids(
    database: &mut Database,
    count: usize,
) -> Result<impl Iterator<Item = i64> + use<>, StoreError> {
    let wanted = i64::try_from(count).expect("a list in memory is shorter than 2^63");
    let first = if count == 0 { 0 } else { allocate_ids(database, "columns", wanted)? };
    Ok(first..first + wanted)
}

fn list(ids: &[i64]) -> String {
    serde_json::to_string(ids).expect("numbers are plain data")
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

/// Checks that no name or text with a column of its own contains U+0000 ([`StoreError::NulInText`]). Inside a document,
/// JSON escapes the character.
pub(crate) fn check_storable(document: &Document) -> Result<(), StoreError> {
    let in_text = document.kind == Kind::Agreement && document.text.contains("\\u0000");
    if !in_text && !document.name.contains('\0') && !document.columns.iter().any(|name| name.contains('\0')) {
        return Ok(());
    }
    Err(StoreError::Invalid {
        problems: vec![CatalogProblem {
            severity: Severity::Error,
            kind: document.kind,
            index: 0,
            path: Path::root(),
            message: format!(
                "{:?} contains the character U+0000 in a name or text; remove it",
                document.name
            ),
        }],
    })
}

/// Returns the top-level fields in which a document differs from the stored version.
pub(crate) fn document_changes(document: &Document, stored: &Stored) -> Result<Vec<FieldChange>, StoreError> {
    let Document { kind, name, text, .. } = document;
    let changes = changed_fields(fields(*kind, name, &stored.text)?, fields(*kind, name, text)?);
    if changes.is_empty() && *kind == Kind::Request && stored.text != *text {
        // Numbers in answers have other digits and the same value.
        let answers = |text: &str| Ok::<_, StoreError>(fields(*kind, name, text)?.remove("answers"));
        let (before, after) = (answers(&stored.text)?, answers(text)?);
        return Ok(vec![FieldChange { field: "answers".to_owned(), before, after }]);
    }
    Ok(changes)
}
