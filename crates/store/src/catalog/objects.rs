//! The catalog one object at a time, for the API.
//!
//! A change is validated with the objects that it affects ([`super::consistency`]), not with the whole catalog. The entity
//! tag of an object is a digest of what is stored, so that concurrent editors do not overwrite each other.

use domesday_model::layers::is_layered;
use domesday_model::validate::{CatalogProblem, Path, Severity};
use domesday_model::{Catalog, Instant, Kind};
use serde::Serialize;
use serde_json::Value as Json;

use crate::audit::{self, Entry};
use crate::database::{Database, Value, values};
use crate::etag::entity_tag;
use crate::page_size::MAX_PAGE_CHARACTERS;
use crate::{ChangeBy, IfMatch, Store, StoreError};

use super::audit_entries::{creation, target};
use super::documents::{Document, add_to_catalog, documents, parse};
use super::records::{self, Stored, check_storable, document_changes, stored_columns};
use super::{consistency, layers, revision};

/// A stored object of the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredObject {
    /// Its kind.
    pub kind: Kind,
    /// Its id, which never changes.
    pub id: i64,
    /// Its name, unique in its kind.
    pub name: String,
    /// The object in the catalog format.
    pub document: Json,
    /// The same as JSON text, in which numbers keep their digits.
    pub text: String,
    /// The path of its file in the catalog, or the origin of the last change.
    pub origin: String,
    /// When it was created.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// Its entity tag, without quotes, which changes with every change.
    pub etag: String,
    /// Whether its last change was made under a permission inside a domain: see [`Store::mark_delegated`].
    pub delegated: bool,
    /// Since when no connection lists it any more.
    pub absent_since: Option<Instant>,
}

/// One page of objects.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectPage {
    /// The objects, by name.
    pub objects: Vec<StoredObject>,
    /// How many there are on all pages.
    pub total: u64,
    /// Whether this is the last page.
    pub is_last: bool,
}

impl Store {
    /// Returns an object by name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn object(&mut self, kind: Kind, name: &str) -> Result<Option<StoredObject>, StoreError> {
        let stored = records::find(&mut self.database, kind, name)?;
        stored.map(|stored| object(kind, name.to_owned(), &stored)).transpose()
    }

    /// Returns an object by id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn object_by_id(&mut self, kind: Kind, id: i64) -> Result<Option<StoredObject>, StoreError> {
        self.database.first(
            concat!("SELECT name, ", stored_columns!(), " FROM object WHERE kind = ?1 AND id = ?2"),
            values![kind.key(), id],
            |row| object(kind, row.text(0)?.to_owned(), &Stored::from_row(row, 1)?),
        )
    }

    /// Marks an object as written under a permission inside a domain. The next change removes the mark, so that managers of
    /// a domain cannot change what GOVERNANCE wrote last.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_delegated(&mut self, kind: Kind, name: &str) -> Result<(), StoreError> {
        let sql = "UPDATE object SET delegated = 1 WHERE kind = ?1 AND name = ?2";
        self.database.execute(sql, values![kind.key(), name]).map(drop)
    }

    /// Returns the objects of a kind whose documents contain a text, ignoring the case of ASCII letters: every one that
    /// contains it as a JSON string, and some that contain it within another string.
    ///
    /// # Errors
    /// When the store fails.
    pub fn objects_mentioning(&mut self, kind: Kind, text: &str) -> Result<Vec<StoredObject>, StoreError> {
        let needle = serde_json::to_string(text).expect("a text is plain data").to_ascii_lowercase();
        self.database.all(
            concat!(
                "SELECT name, ",
                stored_columns!(),
                " FROM object WHERE kind = ?1 AND instr(lower(document), ?2) > 0 ORDER BY id"
            ),
            values![kind.key(), &needle],
            |row| object(kind, row.text(0)?.to_owned(), &Stored::from_row(row, 1)?),
        )
    }

    /// Returns up to `limit` objects of a kind after the name `after`, ordered by name (by bytes), and the total of the
    /// kind.
    ///
    /// # Errors
    /// When the store fails.
    pub fn objects(
        &mut self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<StoredObject>, u64), StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // Every name sorts after the empty text. No name contains U+0000, so the same names sort after a text and after its
        // part before the first U+0000.
        let after = after.and_then(|after| after.split('\0').next()).unwrap_or_default();
        let mut transaction = self.database.read()?;
        let objects = transaction.all(
            concat!(
                "SELECT name, ",
                stored_columns!(),
                " FROM object WHERE kind = ?1 AND name > ?2 ORDER BY name LIMIT ?3"
            ),
            values![kind.key(), after, limit],
            |row| object(kind, row.text(0)?.to_owned(), &Stored::from_row(row, 1)?),
        )?;
        let total =
            transaction.first("SELECT count(*) FROM object WHERE kind = ?1", values![kind.key()], |row| {
                row.integer(0)
            })?;
        Ok((objects, total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default()))
    }

    /// Returns up to `limit` objects of a kind after the name `after`, ordered by name (by bytes). A page ends early when its
    /// documents would exceed 4 Mi characters, but contains at least one object if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn object_page(
        &mut self,
        kind: Kind,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ObjectPage, StoreError> {
        page(&mut self.database, kind, after, limit, "", &[])
    }

    /// Returns every object of a kind that has few, in the order of their ids.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn objects_in_order(&mut self, kind: Kind) -> Result<Vec<StoredObject>, StoreError> {
        self.database.all(
            concat!("SELECT name, ", stored_columns!(), " FROM object WHERE kind = ?1 ORDER BY id"),
            values![kind.key()],
            |row| object(kind, row.text(0)?.to_owned(), &Stored::from_row(row, 1)?),
        )
    }

    /// Returns the names of a kind that `is_wanted` selects, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn names_where(
        &mut self,
        kind: Kind,
        mut is_wanted: impl FnMut(&str) -> bool,
    ) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        self.database.each(
            "SELECT name FROM object WHERE kind = ?1 ORDER BY name",
            values![kind.key()],
            &mut |row| {
                let name = row.text(0)?;
                if is_wanted(name) {
                    names.push(name.to_owned());
                }
                Ok(())
            },
        )?;
        Ok(names)
    }

    /// Creates or replaces an object; its name is in the document. A document equal to the stored one changes nothing.
    /// Unknown keys are dropped: a caller that must reject them parses strictly first. Missing ancestors of a new tag are
    /// created.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Precondition`] as `expected` says; [`StoreError::Invalid`] when the
    /// document is invalid or refers to an object that does not exist; [`StoreError::Inconsistent`] when other objects
    /// refer to what it removes. Nothing is changed then.
    pub fn put_object(
        &mut self,
        kind: Kind,
        document: &(impl Serialize + ?Sized),
        expected: IfMatch<'_>,
        change: &ChangeBy<'_>,
    ) -> Result<StoredObject, StoreError> {
        let text = serde_json::to_string(document).expect("documents are plain data with text keys");
        let (one, document, implied) = read(kind, &text, change.origin)?;
        if is_layered(kind) {
            return self.put_layered((&document, &one), &implied, expected, change);
        }
        let name = document.name.as_str();
        let target = target(kind, name);
        let mut transaction = self.database.write()?;
        let stored = records::find(&mut transaction, kind, name)?;
        expected.check(stored.as_ref().map(|stored| etag(kind, stored)).as_deref(), || target.clone())?;
        if let Some(stored) = stored.as_ref().filter(|stored| stored.text == document.text) {
            return object(kind, document.name, stored);
        }
        consistency::check_put(&mut transaction, &one, &document, stored.as_ref())?;
        let (mut entries, mut kinds) = (Vec::new(), vec![kind]);
        match &stored {
            None => {
                let new = missing(&mut transaction, &implied)?;
                let new: Vec<_> = new.into_iter().chain([&document]).collect();
                kinds.extend(new.iter().map(|document| document.kind));
                records::insert(&mut transaction, &new, change.at)?;
                entries.extend(new.iter().map(|document| creation(document)));
            }
            Some(stored) => {
                records::update(&mut transaction, &document, stored, change.at)?;
                entries.push(Entry::update(target, &document_changes(&document, stored)?));
            }
        }
        audit::append(&mut transaction, change, &entries)?;
        revision::advance(&mut transaction, kinds)?;
        let stored = records::find(&mut transaction, kind, name)?;
        transaction.commit()?;
        object(kind, document.name, &stored.expect("it was written in this transaction"))
    }

    /// Deletes an object that nothing refers to, with all its layers.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, [`StoreError::Precondition`] as `expected` says, and
    /// [`StoreError::Inconsistent`] with every object that refers to it, [`StoreError::Listed`] when connections list it. Nothing is
    /// changed then.
    pub fn delete_object(
        &mut self,
        kind: Kind,
        name: &str,
        expected: IfMatch<'_>,
        change: &ChangeBy<'_>,
    ) -> Result<(), StoreError> {
        let target = target(kind, name);
        let mut transaction = self.database.write()?;
        let stored = records::find(&mut transaction, kind, name)?;
        expected.check(stored.as_ref().map(|stored| etag(kind, stored)).as_deref(), || target.clone())?;
        let Some(stored) = stored else { return Err(StoreError::NotFound { target }) };
        if is_layered(kind) {
            layers::check_unlisted(&mut transaction, kind, name, stored.id)?;
        }
        consistency::check_delete(&mut transaction, kind, name, &stored)?;
        records::delete(&mut transaction, kind, stored.id)?;
        audit::append(&mut transaction, change, &[Entry::delete(target, &stored.text)])?;
        revision::advance(&mut transaction, [kind])?;
        transaction.commit()
    }
}

/// Parses an object: a catalog with only it, its document, and the documents of the tags that it implies.
fn read(kind: Kind, text: &str, origin: &str) -> Result<(Catalog, Document, Vec<Document>), StoreError> {
    let invalid = |message: String| StoreError::Invalid {
        problems: vec![CatalogProblem {
            severity: Severity::Error,
            kind,
            index: 0,
            path: Path::root(),
            message,
        }],
    };
    if kind == Kind::Tenant {
        return Err(invalid(
            "the tenant cannot be changed as an object; apply a catalog that declares it".to_owned(),
        ));
    }
    let mut one = Catalog::default();
    add_to_catalog(&mut one, kind, "", text, origin).map_err(|error| match error {
        StoreError::Document { source, .. } => invalid(source.to_string()),
        other => other,
    })?;
    let mut documents = documents(&one);
    let document = documents.pop().expect("one object is at least one document, and its own is the last");
    check_storable(&document)?;
    Ok((one, document, documents))
}

/// Returns the documents whose objects do not exist.
pub(super) fn missing<'d>(
    database: &mut Database,
    documents: &'d [Document],
) -> Result<Vec<&'d Document>, StoreError> {
    let mut missing = Vec::new();
    for document in documents {
        if records::find(database, document.kind, &document.name)?.is_none() {
            missing.push(document);
        }
    }
    Ok(missing)
}

/// Returns a page of the objects of a kind that a condition in SQL selects; its values are numbered from 4.
pub(crate) fn page(
    database: &mut Database,
    kind: Kind,
    after: Option<&str>,
    limit: usize,
    condition: &str,
    more: &[Value<'_>],
) -> Result<ObjectPage, StoreError> {
    // Every name sorts after the empty text. No name contains U+0000, so the same names sort after a text and after its
    // part before the first U+0000.
    let after = after.and_then(|after| after.split('\0').next()).unwrap_or_default();
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut transaction = database.read()?;
    let sizes = transaction.all(
        &format!(
            "SELECT name, CAST(length(document) AS BIGINT) FROM object WHERE kind = ?1 AND name > ?2 {condition} ORDER BY name LIMIT ?3"
        ),
        &joined([kind.key().into(), after.into(), one_more.into()], more),
        |row| Ok((row.text(0)?.to_owned(), usize::try_from(row.integer(1)?).unwrap_or(usize::MAX))),
    )?;
    let mut characters: usize = 0;
    let fitting = sizes.iter().take(limit).enumerate().take_while(|(position, (_, size))| {
        characters = characters.saturating_add(*size);
        *position == 0 || characters <= MAX_PAGE_CHARACTERS
    });
    let count = fitting.count();
    let mut objects = Vec::with_capacity(count);
    if let Some((last, _)) = count.checked_sub(1).and_then(|last| sizes.get(last)) {
        let columns = stored_columns!();
        objects = transaction.all(
            &format!(
                "SELECT name, {columns} FROM object WHERE kind = ?1 AND name > ?2 AND name <= ?3 {condition} ORDER BY name"
            ),
            &joined([kind.key().into(), after.into(), last.into()], more),
            |row| object(kind, row.text(0)?.to_owned(), &Stored::from_row(row, 1)?),
        )?;
    }
    // The values of the condition keep their numbers: `?3` is in every statement.
    let total = transaction.first(
        &format!("SELECT count(*) FROM object WHERE kind = ?1 AND name > ?2 AND name <> ?3 {condition}"),
        &joined([kind.key().into(), "".into(), "".into()], more),
        |row| row.integer(0),
    )?;
    Ok(ObjectPage {
        is_last: count == sizes.len(),
        objects,
        total: total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default(),
    })
}

fn joined<'v>(own: [Value<'v>; 3], more: &[Value<'v>]) -> Vec<Value<'v>> {
    own.into_iter().chain(more.iter().copied()).collect()
}

pub(crate) fn object(kind: Kind, name: String, stored: &Stored) -> Result<StoredObject, StoreError> {
    Ok(StoredObject {
        kind,
        id: stored.id,
        document: parse(kind, &name, &stored.text)?,
        text: stored.text.clone(),
        name,
        origin: stored.origin.clone(),
        created_at: Instant::from_micros(stored.created_at),
        updated_at: Instant::from_micros(stored.updated_at),
        etag: etag(kind, stored),
        delegated: stored.delegated,
        absent_since: stored.absent_since.map(Instant::from_micros),
    })
}

pub(super) fn etag(kind: Kind, stored: &Stored) -> String {
    let numbers = [stored.id, stored.created_at, stored.updated_at];
    entity_tag(&numbers, &[kind.key().as_bytes(), stored.text.as_bytes(), stored.origin.as_bytes()])
}
