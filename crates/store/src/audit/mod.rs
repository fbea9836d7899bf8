//! The audit log: who did what to what, when and from where, append only.
//!
//! Each entry contains a SHA-256 over itself and the hash of the entry before it, so that changing, removing or inserting
//! an entry breaks every later link. The last hash is stored apart, so that a truncated log is detected as well. An anchor
//! that is stored outside of the database ([`AuditReport::anchor`]) detects even a log that was rewritten as a whole. An
//! entry is written in the transaction of the change that it records: neither exists without the other.

mod anchor;
mod chain;
mod read;
mod search;

use domesday_model::Instant;
use serde_json::{Map, Value as Json};

use crate::database::{Database, Insert, Type, Value, values};
use crate::{ChangeBy, FieldChange, Store, StoreError};

pub use anchor::{AuditAnchor, InvalidAnchor};
use chain::{Link, hash};
pub use read::{AuditFault, AuditMismatch, AuditReport};
pub use search::{AuditFilter, AuditPage, AuditPageStart};

static ENTRIES: Insert = Insert {
    table: "audit",
    columns: &[
        ("seq", Type::Integer),
        ("at", Type::Integer),
        ("actor", Type::Text),
        ("action", Type::Text),
        ("target", Type::Text),
        ("before_value", Type::Text),
        ("after_value", Type::Text),
        ("from_address", Type::Text),
        ("previous", Type::Bytes),
        ("hash", Type::Bytes),
    ],
};

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// When the change was made.
    pub at: Instant,
    /// Who made it.
    pub actor: String,
    /// The action: `create`, `import` (a request with decisions made elsewhere), `update`, `delete`, `move`, `revoke`, `reseal`, or what the service appended.
    pub action: String,
    /// The object, as `KIND/NAME`.
    pub target: String,
    /// The state before: the object for a deletion, the changed fields for an update.
    pub before: Option<Json>,
    /// The state after: the object for a creation, the changed fields for an update.
    pub after: Option<Json>,
    /// The network address that it came from.
    pub from: Option<String>,
    /// The hash of this entry.
    pub hash: [u8; 32],
    /// The hash of the entry before; zeros for the first.
    pub previous: [u8; 32],
}

/// An entry about an event that does not change the store, such as a failed verification.
#[derive(Debug, Clone, Copy)]
pub struct NewAuditEntry<'a> {
    /// The action.
    pub action: &'a str,
    /// The object, as `KIND/NAME`.
    pub target: &'a str,
    /// The state before, without secrets.
    pub before: Option<&'a Json>,
    /// The state after, without secrets.
    pub after: Option<&'a Json>,
}

impl Store {
    /// Appends an entry and returns its number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn append_audit(
        &mut self,
        entry: NewAuditEntry<'_>,
        change: &ChangeBy<'_>,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.database.write()?;
        let entry = Entry {
            action: entry.action,
            target: entry.target.to_owned(),
            before: entry.before.cloned().map(canonical),
            after: entry.after.cloned().map(canonical),
        };
        append(&mut transaction, change, &[entry])?;
        let (seq, _) = head(&mut transaction)?;
        transaction.commit()?;
        Ok(u64::try_from(seq).unwrap_or_default())
    }
}

/// An entry without who and when; values are the JSON text that is hashed.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'a> {
    pub(crate) action: &'a str,
    pub(crate) target: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Entry<'static> {
    pub(crate) fn create(target: String, after: &str) -> Self {
        Self { action: "create", target, before: None, after: Some(canonical_text(after)) }
    }

    pub(crate) fn delete(target: String, before: &str) -> Self {
        Self { action: "delete", target, before: Some(canonical_text(before)), after: None }
    }

    pub(crate) fn update(target: String, fields: &[FieldChange]) -> Self {
        let values = |side: fn(&FieldChange) -> Option<&Json>| {
            let fields = fields.iter().filter_map(|field| Some((field.field.clone(), side(field)?.clone())));
            Some(canonical(Json::Object(fields.collect::<Map<_, _>>())))
        };
        Self {
            action: "update",
            target,
            before: values(|field| field.before.as_ref()),
            after: values(|field| field.after.as_ref()),
        }
    }
}

/// Returns the canonical JSON of a value: keys are sorted, so that an exported log can be verified anywhere.
fn canonical(mut value: Json) -> String {
    value.sort_all_objects();
    value.to_string()
}

fn canonical_text(document: &str) -> String {
    serde_json::from_str(document).map_or_else(|_| document.to_owned(), canonical)
}

/// Appends entries in the transaction of the change that they record.
pub(crate) fn append(
    database: &mut Database,
    change: &ChangeBy<'_>,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let (first, start) = head(database)?;
    let (mut seq, mut previous) = (first, start);
    let mut hashes = Vec::with_capacity(entries.len() + 1);
    hashes.push(previous);
    for entry in entries {
        seq += 1;
        previous = hash(&Link {
            previous: &previous,
            seq,
            at: change.at.as_micros(),
            actor: change.actor,
            action: entry.action,
            target: &entry.target,
            before: entry.before.as_deref(),
            after: entry.after.as_deref(),
            from: change.from,
        });
        hashes.push(previous);
    }
    let rows = (first + 1..).zip(entries).zip(hashes.windows(2)).map(|((seq, entry), hashes)| {
        [
            Value::from(seq),
            Value::from(change.at.as_micros()),
            Value::from(change.actor),
            Value::from(entry.action),
            Value::from(&entry.target),
            Value::from(entry.before.as_ref()),
            Value::from(entry.after.as_ref()),
            Value::from(change.from),
            Value::from(&hashes[0][..]),
            Value::from(&hashes[1][..]),
        ]
    });
    database.insert_many(&ENTRIES, rows)?;
    database.execute(
        "INSERT INTO audit_head (only_one, seq, hash) VALUES (1, ?1, ?2)
         ON CONFLICT (only_one) DO UPDATE SET seq = ?1, hash = ?2",
        values![seq, &previous[..]],
    )?;
    Ok(())
}

/// Returns the number and the hash of the last entry; zeros when there is none.
fn head(database: &mut Database) -> Result<(i64, [u8; 32]), StoreError> {
    let head = database
        .first("SELECT seq, hash FROM audit_head", &[], |row| Ok((row.integer(0)?, digest(row.bytes(1)?))))?;
    Ok(head.unwrap_or_default())
}

/// Returns a stored hash; bytes of another length become zeros, which match no entry.
fn digest(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}
