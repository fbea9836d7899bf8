//! A snapshot as one file, to evaluate it where the store cannot be reached.
//!
//! The file is a header (a line that names the format, its version, the length of the content and the content's
//! SHA-256) and the content: lists of objects one after the other, with indices and symbols as the snapshot has them, and
//! what is declared and few (policies, products, forms, requests) as JSON. A digest shows damage; it is no signature, so
//! every index is checked while it is read.

mod read;
mod reader;
mod write;
mod writer;

use sha2::{Digest as _, Sha256};

use super::Snapshot;

/// What a file begins with.
const MAGIC: &[u8] = b"domesday-snapshot\n";

/// The version of the format. Changes with every change of the content.
const VERSION: u32 = 2;

const DIGEST_BYTES: usize = 32;

/// The bytes before the content.
const HEADER_BYTES: usize = MAGIC.len() + size_of::<u32>() + size_of::<u64>() + DIGEST_BYTES;

/// Why a file cannot be read as a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFileError {
    /// It is something else.
    #[error("it is not a snapshot; write one with `domesday snapshot`")]
    NotASnapshot,
    /// Another version of the program wrote it.
    #[error(
        "it is a snapshot in version {found} of the format, and this program reads version {VERSION}; write it again \
         with this version of domesday"
    )]
    OtherVersion {
        /// The version of the file.
        found: u32,
    },
    /// It is not as it was written.
    #[error("the snapshot is damaged: {what}; copy it again, or write a new one")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
}

impl Snapshot {
    /// Returns the snapshot as the bytes of a file, with a text that the reader gets too. Equal snapshots have equal bytes.
    #[must_use]
    pub fn to_file(&self, attachment: &str) -> Vec<u8> {
        let mut writer = writer::Writer::new(vec![0; HEADER_BYTES]);
        writer.text(attachment);
        write::snapshot(self, &mut writer);
        let mut file = writer.into_bytes();
        let (header, content) = file.split_at_mut(HEADER_BYTES);
        let length = content.len() as u64;
        let digest = Sha256::digest(content);
        let fields = [MAGIC, &VERSION.to_le_bytes(), &length.to_le_bytes(), digest.as_slice()];
        header.copy_from_slice(&fields.concat());
        file
    }

    /// Reads a snapshot from the bytes of a file, and the text attached to it.
    ///
    /// # Errors
    /// When the file is something else, of another version, or damaged.
    pub fn from_file(file: &[u8]) -> Result<(Self, Box<str>), SnapshotFileError> {
        let rest = file.strip_prefix(MAGIC).ok_or(SnapshotFileError::NotASnapshot)?;
        let damaged = |what| SnapshotFileError::Damaged { what };
        let (version, rest) = rest.split_first_chunk().ok_or(damaged("it ends in its header"))?;
        let found = u32::from_le_bytes(*version);
        if found != VERSION {
            return Err(SnapshotFileError::OtherVersion { found });
        }
        let (length, rest) = rest.split_first_chunk().ok_or(damaged("it ends in its header"))?;
        let (digest, content) =
            rest.split_first_chunk::<DIGEST_BYTES>().ok_or(damaged("it ends in its header"))?;
        if content.len() as u64 != u64::from_le_bytes(*length) {
            return Err(damaged("its length is not that in its header"));
        }
        if Sha256::digest(content).as_slice() != digest {
            return Err(damaged("its SHA-256 is not that in its header"));
        }
        read::snapshot(content).map_err(|reader::Malformed(what)| damaged(what))
    }
}

#[cfg(test)]
mod tests;
