//! The input and the result of a check.

use serde::Serialize;

/// The most findings that are listed.
const MAX_LISTED: usize = 1000;

/// A manifest that was stored elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// How messages name it.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What the caller knows besides the destination.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntegrityOptions {
    /// Earlier manifests that were stored elsewhere.
    pub given: Vec<StoredManifest>,
    /// SHA-256 of the newest manifest in hexadecimal, as it was stored elsewhere.
    pub expected: Option<String>,
    /// How many days a lifecycle rule keeps: younger days must be there.
    pub kept_days: Option<u32>,
}

/// The result of an integrity check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrityReport {
    /// The destination.
    pub destination: String,
    /// Whether there is no finding.
    pub ok: bool,
    /// SHA-256 of the newest manifest.
    pub manifest_sha256: String,
    /// The digest that was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_sha256: Option<String>,
    /// The instant of its snapshot.
    pub snapshot_at: String,
    /// Its layout.
    pub layout: String,
    /// Objects found under the path.
    pub objects: usize,
    /// Files compared, of the newest manifest and of earlier ones.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Manifests before the newest that were found by the digest that the next one names, and checked.
    pub links: usize,
    /// The oldest manifest that the chain reaches.
    pub chain_begins: ChainStart,
    /// Files of earlier days that are no longer there, as after a lifecycle rule.
    pub forgotten: usize,
    /// Manifests that are not in the chain of the newest.
    pub unlinked: Vec<String>,
    /// Remarks that are no findings.
    pub notes: Vec<String>,
    /// What was not checked, and why.
    pub not_checked: Vec<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Escapes the control characters of a message: keys and manifests may come from anybody, and a line break or an escape
/// sequence would change what a terminal shows.
pub(super) fn printable(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for character in message.chars() {
        match character {
            _ if character.is_control() => text.extend(character.escape_default()),
            _ => text.push(character),
        }
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass what they have just formatted")]
impl IntegrityReport {
    pub(super) fn problem(&mut self, problem: String) {
        if self.problems.len() < MAX_LISTED {
            self.problems.push(printable(&problem));
        } else if self.problems.len() == MAX_LISTED {
            self.problems.push("there are more findings, which are not listed".to_owned());
        }
    }

    pub(super) fn note(&mut self, note: String) {
        if self.notes.len() < MAX_LISTED {
            self.notes.push(printable(&note));
        }
    }

    pub(super) fn not_checked(&mut self, what: String) {
        if self.not_checked.len() < MAX_LISTED {
            self.not_checked.push(printable(&what));
        }
    }
}

/// The oldest manifest that a chain reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ChainStart {
    /// A manifest that names none before it.
    Start {
        /// The instant of its snapshot.
        at: String,
    },
    /// A manifest whose predecessor is not at the destination.
    NotKept {
        /// The instant of its snapshot.
        at: String,
        /// The digest of the manifest it names.
        sha256: String,
    },
}
