//! The audit log: who did what to what, when and from where, append only.
//!
//! Each entry carries the SHA-256 of itself and of the hash before it, so that changing, removing or inserting
//! one breaks every link after it. The last hash is kept apart, so that a log cut off at its end is noticed as
//! well; who anchors it elsewhere ([`AuditReport::head`]) notices even a log rewritten as a whole. An entry is
//! written in the transaction of the change that it tells of: there is neither without the other.

mod anchor;
mod chain;
mod read;

use domesday_model::Instant;
use serde_json::{Map, Value as Json};

use crate::database::{Database, Insert, Type, Value, values};
use crate::{ChangeBy, FieldChange, Store, StoreError};

pub use anchor::{AuditAnchor, InvalidAnchor};
use chain::{Link, hash};
pub use read::{AuditFault, AuditMismatch, AuditReport};

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
    /// When it happened.
    pub at: Instant,
    /// Who did it.
    pub actor: String,
    /// What: `create`, `import` (a request with decisions made elsewhere), `update`, `delete`, `move`, `revoke`, `reseal`, or what the service appended.
    pub action: String,
    /// To what, as `KIND/NAME`.
    pub target: String,
    /// Before: the whole for a deletion, the fields that differ for an update.
    pub before: Option<Json>,
    /// After: the whole for a creation, the fields that differ for an update.
    pub after: Option<Json>,
    /// The address it came from.
    pub from: Option<String>,
    /// The hash of this entry.
    pub hash: [u8; 32],
    /// The hash of the one before; zeros for the first.
    pub previous: [u8; 32],
}

/// An entry about something that is no change of the store itself, such as a failed verification.
#[derive(Debug, Clone, Copy)]
pub struct NewAuditEntry<'a> {
    /// What was done.
    pub action: &'a str,
    /// To what, as `KIND/NAME`.
    pub target: &'a str,
    /// Before, without secrets.
    pub before: Option<&'a Json>,
    /// After, without secrets.
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

/// What an entry says beyond who and when; values as the JSON text that is hashed.
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
        let side = |of: fn(&FieldChange) -> Option<&Json>| {
            let fields = fields.iter().filter_map(|field| Some((field.field.clone(), of(field)?.clone())));
            Some(canonical(Json::Object(fields.collect::<Map<_, _>>())))
        };
        Self {
            action: "update",
            target,
            before: side(|field| field.before.as_ref()),
            after: side(|field| field.after.as_ref()),
        }
    }
}

/// A value as the log has it: keys sorted, so that its text follows from the value and an exported log can be
/// verified anywhere.
fn canonical(mut value: Json) -> String {
    value.sort_all_objects();
    value.to_string()
}

fn canonical_text(document: &str) -> String {
    serde_json::from_str(document).map_or_else(|_| document.to_owned(), canonical)
}

/// Appends entries in the transaction of the change that they tell of.
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

/// The number and the hash of the last entry; zeros when there is none.
fn head(database: &mut Database) -> Result<(i64, [u8; 32]), StoreError> {
    let head = database
        .first("SELECT seq, hash FROM audit_head", &[], |row| Ok((row.integer(0)?, digest(row.bytes(1)?))))?;
    Ok(head.unwrap_or_default())
}

/// A hash as stored; what is no hash is none that matches.
fn digest(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}
