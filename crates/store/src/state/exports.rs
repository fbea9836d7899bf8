//! Export configurations: what is delivered where. Their secrets come in sealed and stay opaque here.

use domesday_model::Instant;
use serde_json::Value as Json;

use crate::audit::{self, Entry};
use crate::database::{Database, Row, values};
use crate::etag::entity_tag;
use crate::field_change::{Fields, changed_fields};
use crate::{ChangeBy, IfMatch, Store, StoreError};

/// An export configuration.
#[derive(Clone, PartialEq)]
pub struct StoredExport {
    /// Its id; `default` for the one that the API's route names.
    pub id: String,
    /// The configuration without its secrets.
    pub document: Json,
    /// Its secrets, encrypted by who knows the key.
    pub sealed: Option<Vec<u8>>,
    /// When it was first saved.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// Its entity tag, without quotes.
    pub etag: String,
}

impl std::fmt::Debug for StoredExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredExport")
            .field("id", &self.id)
            .field("document", &self.document)
            .field("etag", &self.etag)
            .finish_non_exhaustive()
    }
}

const SELECT: &str = "SELECT id, document, sealed, created_at, updated_at FROM export";

impl Store {
    /// Saves a configuration, replacing the one of this id as a whole. What stands in `document` is shown and
    /// audited as it is: secrets belong into `sealed`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Precondition`] as `expected` says.
    pub fn put_export(
        &mut self,
        id: &str,
        document: &Json,
        sealed: Option<&[u8]>,
        expected: IfMatch<'_>,
        change: &ChangeBy<'_>,
    ) -> Result<StoredExport, StoreError> {
        let mut transaction = self.database.write()?;
        let stored = find(&mut transaction, id)?;
        expected.check(stored.as_ref().map(|stored| stored.etag.as_str()), || target(id))?;
        let text = document.to_string();
        transaction.execute(
            "INSERT INTO export (id, document, sealed, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)
             ON CONFLICT (id) DO UPDATE SET document = ?2, sealed = ?3, updated_at = ?4",
            values![id, &text, sealed, change.at.as_micros()],
        )?;
        let entry = match &stored {
            None => Entry::create(target(id), &text),
            Some(stored) => {
                Entry::update(target(id), &changed_fields(fields(&stored.document), fields(document)))
            }
        };
        audit::append(&mut transaction, change, &[entry])?;
        let saved = find(&mut transaction, id)?.expect("it was written in this transaction");
        transaction.commit()?;
        Ok(saved)
    }

    /// A configuration by id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn export(&mut self, id: &str) -> Result<Option<StoredExport>, StoreError> {
        find(&mut self.database, id)
    }

    /// Every configuration, by id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn exports(&mut self) -> Result<Vec<StoredExport>, StoreError> {
        self.database.all(&format!("{SELECT} ORDER BY id"), &[], export)
    }

    /// Forgets a configuration; its runs stay known.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, [`StoreError::Precondition`] as `expected` says.
    pub fn delete_export(
        &mut self,
        id: &str,
        expected: IfMatch<'_>,
        change: &ChangeBy<'_>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let stored = find(&mut transaction, id)?;
        expected.check(stored.as_ref().map(|stored| stored.etag.as_str()), || target(id))?;
        let stored = stored.ok_or_else(|| StoreError::NotFound { target: target(id) })?;
        transaction.execute("DELETE FROM export WHERE id = ?1", values![id])?;
        let entry = Entry::delete(target(id), &stored.document.to_string());
        audit::append(&mut transaction, change, &[entry])?;
        transaction.commit()
    }

    /// Replaces the sealed secrets of every export by what `reseal` makes of them, all or none: how a key is
    /// rotated. A secret of which `reseal` makes nothing is removed. Returns how many there were.
    ///
    /// # Errors
    /// What `reseal` fails with, or the store; nothing is changed then.
    pub fn reseal_exports<E: From<StoreError>>(
        &mut self,
        change: &ChangeBy<'_>,
        mut reseal: impl FnMut(&str, &[u8]) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<usize, E> {
        let mut transaction = self.database.write()?;
        let mut entries = Vec::new();
        for stored in transaction.all(&format!("{SELECT} ORDER BY id"), &[], export)? {
            let Some(sealed) = &stored.sealed else { continue };
            let resealed = reseal(&stored.id, sealed)?;
            let action = if resealed.is_some() { "reseal" } else { "discard-secret" };
            transaction.execute(
                "UPDATE export SET sealed = ?2 WHERE id = ?1",
                values![&stored.id, resealed.as_deref()],
            )?;
            entries.push(Entry { action, target: target(&stored.id), before: None, after: None });
        }
        audit::append(&mut transaction, change, &entries)?;
        transaction.commit()?;
        Ok(entries.len())
    }
}

fn target(id: &str) -> String {
    format!("exports/{id}")
}

fn find(database: &mut Database, id: &str) -> Result<Option<StoredExport>, StoreError> {
    database.first(&format!("{SELECT} WHERE id = ?1"), values![id], export)
}

fn export(row: &Row<'_>) -> Result<StoredExport, StoreError> {
    let (text, sealed) = (row.text(1)?, row.maybe_bytes(2)?);
    let (created_at, updated_at) = (row.integer(3)?, row.integer(4)?);
    Ok(StoredExport {
        id: row.text(0)?.to_owned(),
        document: serde_json::from_str(text).expect("configurations are written from JSON only"),
        sealed: sealed.map(<[u8]>::to_vec),
        created_at: Instant::from_micros(created_at),
        updated_at: Instant::from_micros(updated_at),
        etag: entity_tag(&[created_at, updated_at], &[text.as_bytes(), sealed.unwrap_or_default()]),
    })
}

fn fields(document: &Json) -> Fields {
    document.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}
