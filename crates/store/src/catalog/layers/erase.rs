//! Erasing the personal fields of somebody who is gone.

use domesday_model::{Instant, Kind};

use super::effective::write;
use super::names::References;
use super::rows::{self, Ranks};
use crate::audit::{self, Entry};
use crate::catalog::audit_entries::target;
use crate::catalog::{records, revision};
use crate::{ChangeBy, Store, StoreError};

/// The personal fields of a user.
const PERSONAL: [&str; 6] = ["name", "email", "employeeNumber", "department", "title", "attributes"];

impl Store {
    /// Erases the personal fields of a user from every layer. The entry of the audit log has none of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such user.
    pub fn erase_user(&mut self, username: &str, change: &ChangeBy<'_>) -> Result<(), StoreError> {
        let kind = Kind::User;
        let target = target(kind, username);
        let mut transaction = self.database.write()?;
        let stored = records::find(&mut transaction, kind, username)?;
        let stored = stored.ok_or_else(|| StoreError::NotFound { target: target.clone() })?;
        let ranks = Ranks::read(&mut transaction)?;
        let mut layers = rows::of_object(&mut transaction, &ranks, kind, stored.id)?;
        for row in &mut layers {
            row.layer.document.retain(|field, _| !PERSONAL.contains(&field.as_str()));
            row.layer.given.parts.retain(|part, _| !part.starts_with("attribute:"));
            rows::put(&mut transaction, kind, row)?;
        }
        let at: Instant = change.at;
        write(&mut transaction, &mut References::default(), kind, username, &stored, &layers, at)?;
        let entry = Entry { action: "erase", target, before: None, after: None };
        audit::append(&mut transaction, change, &[entry])?;
        revision::advance(&mut transaction, [kind])?;
        transaction.commit()
    }
}
