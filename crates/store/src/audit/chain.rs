//! The hash of an entry, byte by byte, so that an exported log can be verified by anybody.

use sha2::{Digest, Sha256};

/// Everything that an entry's hash covers.
pub(super) struct Link<'a> {
    pub(super) previous: &'a [u8; 32],
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) actor: &'a str,
    pub(super) action: &'a str,
    pub(super) target: &'a str,
    pub(super) before: Option<&'a str>,
    pub(super) after: Option<&'a str>,
    pub(super) from: Option<&'a str>,
}

/// SHA-256 over: the hash before (32 bytes); number and instant in microseconds (each 8 bytes, little endian);
/// then actor, action, target, before, after and address, each as a byte 1, its length (8 bytes, little endian)
/// and its UTF-8, or as a byte 0 when there is none. Before and after are JSON without spaces, keys sorted at
/// every level.
pub(super) fn hash(link: &Link<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(link.previous);
    hash.update(link.seq.to_le_bytes());
    hash.update(link.at.to_le_bytes());
    let texts = [Some(link.actor), Some(link.action), Some(link.target), link.before, link.after, link.from];
    for text in texts {
        match text {
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
            None => hash.update([0]),
        }
    }
    hash.finalize().into()
}
