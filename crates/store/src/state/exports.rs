//! Export configurations: what is delivered where and when. Their secrets arrive sealed.
//!
//! The store does not know what a configuration consists of: the caller names its type. A stored configuration that is
//! not a value of that type is an error that names the export, never a default.

use std::fmt;

use domesday_model::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::audit::{self, Entry};
use crate::database::{Database, Row, values};
use crate::etag::entity_tag;
use crate::field_change::{Fields, changed_fields};
use crate::{ChangeBy, IfMatch, Store, StoreError};

/// An export with a configuration of type `C`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredExport<C> {
    /// Its id; `default` for the one that the API's route names.
    pub id: String,
    /// The configuration without its secret.
    pub configuration: C,
    /// Its secret.
    pub secret: Option<SealedSecret>,
    /// When it was first saved.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// Its entity tag, without quotes.
    pub etag: String,
}

/// A secret of an export, encrypted by the service.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// The encrypted secret.
    pub sealed: Vec<u8>,
    /// What distinguishes the secret from others, without revealing it. `None` when an earlier version sealed the secret:
    /// see [`Store::set_secret_fingerprint`].
    pub fingerprint: Option<String>,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

const SELECT: &str = "SELECT id, document, sealed, created_at, updated_at, secret_fingerprint FROM export";

impl Store {
    /// Saves an export, replacing the one with this id. The configuration is shown and audited as it is: a secret belongs
    /// into `secret`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Precondition`] as `expected` says.
    pub fn put_export<C: Serialize + DeserializeOwned>(
        &mut self,
        id: &str,
        configuration: &C,
        secret: Option<&SealedSecret>,
        expected: IfMatch<'_>,
        change: &ChangeBy<'_>,
    ) -> Result<StoredExport<C>, StoreError> {
        let document = serde_json::to_value(configuration).expect("a configuration is plain data");
        let mut transaction = self.database.write()?;
        let stored = find(&mut transaction, id)?;
        expected.check(stored.as_ref().map(|stored| stored.etag.as_str()), || target(id))?;
        let text = document.to_string();
        transaction.execute(
            "INSERT INTO export (id, document, sealed, secret_fingerprint, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5)
             ON CONFLICT (id) DO UPDATE SET document = ?2, sealed = ?3, secret_fingerprint = ?4, updated_at = ?5",
            values![
                id,
                &text,
                secret.map(|secret| &secret.sealed[..]),
                secret.and_then(|secret| secret.fingerprint.as_ref()),
                change.at.as_micros()
            ],
        )?;
        let entry = match &stored {
            None => Entry::create(target(id), &text),
            Some(stored) => Entry::update(target(id), &changed_fields(stored.fields()?, fields(document))),
        };
        audit::append(&mut transaction, change, &[entry])?;
        let saved = find(&mut transaction, id)?.expect("it was written in this transaction").parse()?;
        transaction.commit()?;
        Ok(saved)
    }

    /// Returns an export.
    ///
    /// # Errors
    /// [`StoreError::ExportConfiguration`] when its configuration is not a `C`; when the store fails.
    pub fn export<C: DeserializeOwned>(&mut self, id: &str) -> Result<Option<StoredExport<C>>, StoreError> {
        find(&mut self.database, id)?.map(ExportRow::parse).transpose()
    }

    /// Returns the ids of all exports, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn export_ids(&mut self) -> Result<Vec<String>, StoreError> {
        self.database.all("SELECT id FROM export ORDER BY id", &[], |row| Ok(row.text(0)?.to_owned()))
    }

    /// Returns the secrets of all exports that have one, by the id of the export.
    ///
    /// # Errors
    /// When the store fails.
    pub fn export_secrets(&mut self) -> Result<Vec<(String, SealedSecret)>, StoreError> {
        let rows = self.database.all(&format!("{SELECT} ORDER BY id"), &[], export_row)?;
        Ok(rows.into_iter().filter_map(|row| Some((row.id, row.secret?))).collect())
    }

    /// Stores the last verification of an export, in the form of the caller. The audit log has no entry of it. An export
    /// that was deleted meanwhile has none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_export_verification(&mut self, id: &str, verification: &Json) -> Result<(), StoreError> {
        let sql = "UPDATE export SET verification = ?2 WHERE id = ?1";
        self.database.execute(sql, values![id, &verification.to_string()]).map(drop)
    }

    /// Returns the last verification of an export, as [`Store::set_export_verification`] stored it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn export_verification(&mut self, id: &str) -> Result<Option<Json>, StoreError> {
        let sql = "SELECT verification FROM export WHERE id = ?1";
        let text =
            self.database.first(sql, values![id], |row| Ok(row.maybe_text(0)?.map(str::to_owned)))?.flatten();
        Ok(text.map(|text| serde_json::from_str(&text).expect("verifications are written from JSON only")))
    }

    /// Deletes an export. Its runs stay.
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
        audit::append(&mut transaction, change, &[Entry::delete(target(id), &stored.document)])?;
        transaction.commit()
    }

    /// Replaces the secret of every export by what `reseal` returns, all or none, and returns how many there were. A
    /// secret for which `reseal` returns `None` is deleted.
    ///
    /// # Errors
    /// Those of `reseal` and of the store. Nothing is changed then.
    pub fn reseal_exports<E: From<StoreError>>(
        &mut self,
        change: &ChangeBy<'_>,
        mut reseal: impl FnMut(&str, &[u8]) -> Result<Option<SealedSecret>, E>,
    ) -> Result<usize, E> {
        let mut transaction = self.database.write()?;
        let mut entries = Vec::new();
        for row in transaction.all(&format!("{SELECT} ORDER BY id"), &[], export_row)? {
            let Some(secret) = &row.secret else { continue };
            let resealed = reseal(&row.id, &secret.sealed)?;
            let action = if resealed.is_some() { "reseal" } else { "discard-secret" };
            transaction.execute(
                "UPDATE export SET sealed = ?2, secret_fingerprint = ?3 WHERE id = ?1",
                values![
                    &row.id,
                    resealed.as_ref().map(|secret| &secret.sealed[..]),
                    resealed.as_ref().and_then(|secret| secret.fingerprint.as_ref())
                ],
            )?;
            entries.push(Entry { action, target: target(&row.id), before: None, after: None });
        }
        audit::append(&mut transaction, change, &entries)?;
        transaction.commit()?;
        Ok(entries.len())
    }

    /// Stores the fingerprint of a secret that an earlier version sealed, unless the secret was replaced meanwhile. The
    /// export does not change by this, and the audit log has no entry of it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_secret_fingerprint(
        &mut self,
        id: &str,
        sealed: &[u8],
        fingerprint: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE export SET secret_fingerprint = ?3 WHERE id = ?1 AND sealed = ?2";
        self.database.execute(sql, values![id, sealed, fingerprint]).map(drop)
    }
}

/// A row of the table, its configuration as text.
struct ExportRow {
    id: String,
    document: String,
    secret: Option<SealedSecret>,
    created_at: Instant,
    updated_at: Instant,
    etag: String,
}

impl ExportRow {
    fn parse<C: DeserializeOwned>(self) -> Result<StoredExport<C>, StoreError> {
        let configuration = serde_json::from_str(&self.document)
            .map_err(|source| StoreError::ExportConfiguration { id: self.id.clone(), source })?;
        let Self { id, secret, created_at, updated_at, etag, .. } = self;
        Ok(StoredExport { id, configuration, secret, created_at, updated_at, etag })
    }

    fn fields(&self) -> Result<Fields, StoreError> {
        let document = serde_json::from_str(&self.document);
        document.map_err(|source| StoreError::ExportConfiguration { id: self.id.clone(), source })
    }
}

/// Returns how the log names an export.
fn target(id: &str) -> String {
    format!("exports/{id}")
}

fn find(database: &mut Database, id: &str) -> Result<Option<ExportRow>, StoreError> {
    database.first(&format!("{SELECT} WHERE id = ?1"), values![id], export_row)
}

fn export_row(row: &Row<'_>) -> Result<ExportRow, StoreError> {
    let (document, sealed) = (row.text(1)?, row.maybe_bytes(2)?);
    let (created_at, updated_at) = (row.integer(3)?, row.integer(4)?);
    let fingerprint = row.maybe_text(5)?.map(str::to_owned);
    Ok(ExportRow {
        id: row.text(0)?.to_owned(),
        document: document.to_owned(),
        secret: sealed.map(|sealed| SealedSecret { sealed: sealed.to_vec(), fingerprint }),
        created_at: Instant::from_micros(created_at),
        updated_at: Instant::from_micros(updated_at),
        etag: entity_tag(&[created_at, updated_at], &[document.as_bytes(), sealed.unwrap_or_default()]),
    })
}

fn fields(document: Json) -> Fields {
    match document {
        Json::Object(fields) => fields.into_iter().collect(),
        _ => Fields::new(),
    }
}
