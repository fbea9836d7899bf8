//! What is at a destination, read within limits.

use std::fs::File;
use std::io::{self, Write};

use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use sha2::{Digest as _, Sha256};

use crate::{DeliveryError, KeyKind, StoredObject, SummaryReader};

/// A larger part has rows.
const MAX_EMPTY_PART_BYTES: u64 = 64 << 10;

/// The content of an object.
pub(super) enum Content {
    /// All of it.
    Whole(Vec<u8>),
    /// Why it was not read.
    Unreadable(String),
}

/// A copy of an object on this machine.
pub(super) struct Copied {
    pub(super) file: File,
    pub(super) sha256: [u8; 32],
}

/// Reads objects within limits, whatever the server sends.
pub(super) struct BoundedReader(pub(super) Box<dyn SummaryReader>);

impl BoundedReader {
    /// Lists every object at the destination.
    pub(super) fn objects(&self) -> Result<Vec<StoredObject>, DeliveryError> {
        self.0.objects()
    }

    /// Reads an object of at most `limit` bytes.
    pub(super) fn content(&self, found: &StoredObject, limit: u64) -> Result<Content, DeliveryError> {
        if let Some(why) = self.why_not(found, limit) {
            return Ok(Content::Unreadable(why));
        }
        let mut bytes = Bounded { into: Vec::new(), left: found.bytes, is_exceeded: false };
        let read = self.0.read(&found.key, &mut bytes);
        if bytes.is_exceeded {
            return Ok(Content::Unreadable(CHANGED.to_owned()));
        }
        Ok(match read? {
            true if bytes.left == 0 => Content::Whole(bytes.into),
            _ => Content::Unreadable(CHANGED.to_owned()),
        })
    }

    /// Copies an object, whose size must be the one listed, and returns its digest.
    pub(super) fn copy(&self, found: &StoredObject) -> Result<Result<Copied, String>, DeliveryError> {
        if let Some(why) = self.why_not(found, u64::MAX) {
            return Ok(Err(why));
        }
        let spool = std::env::temp_dir();
        let file = tempfile::tempfile_in(&spool).map_err(|source| DeliveryError::from_io(&spool, source))?;
        let hashing = Hashing { into: file, digest: Sha256::new() };
        let mut bounded = Bounded { into: hashing, left: found.bytes, is_exceeded: false };
        let read = self.0.read(&found.key, &mut bounded);
        if bounded.is_exceeded {
            return Ok(Err(CHANGED.to_owned()));
        }
        let is_there = read?;
        if !is_there || bounded.left > 0 {
            return Ok(Err(CHANGED.to_owned()));
        }
        let Hashing { into, digest } = bounded.into;
        Ok(Ok(Copied { file: into, sha256: digest.finalize().into() }))
    }

    /// Whether an object is a part without rows.
    pub(super) fn is_empty_part(&self, found: &StoredObject) -> Result<bool, DeliveryError> {
        if found.bytes > MAX_EMPTY_PART_BYTES {
            return Ok(false);
        }
        let Ok(Copied { file, .. }) = self.copy(found)? else { return Ok(false) };
        let reader = SerializedFileReader::new(file);
        Ok(reader.is_ok_and(|reader| reader.metadata().file_metadata().num_rows() == 0))
    }

    /// Why an object is not read at all.
    fn why_not(&self, found: &StoredObject, limit: u64) -> Option<String> {
        if let Some(why) = found.why_unreadable {
            return Some(format!("it is {why}, which is not followed"));
        }
        if KeyKind::parse(&found.key).is_none() {
            return Some("no run writes such a key".to_owned());
        }
        (found.bytes > limit).then(|| format!("it has {} bytes, more than {limit}", found.bytes))
    }
}

const CHANGED: &str = "its size is not the one listed; it may have changed during the audit";

/// Whether a key belongs to the spool of a run in a directory.
pub(super) fn is_spool(key: &str) -> bool {
    key.starts_with(crate::spool::PREFIX) && key.matches('/').count() <= 1
}

/// A writer that accepts a limited number of bytes: a server may send more than it listed.
struct Bounded<W> {
    into: W,
    left: u64,
    is_exceeded: bool,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.len() as u64 > self.left {
            self.is_exceeded = true;
            return Err(io::Error::other("more bytes than were listed"));
        }
        let written = self.into.write(buffer)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// A writer that also computes the digest.
struct Hashing {
    into: File,
    digest: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.into.write(buffer)?;
        self.digest.update(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}
