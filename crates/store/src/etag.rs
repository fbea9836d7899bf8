//! Entity tags (RFC 9110, section 8.8.3).

use sha2::{Digest, Sha256};

/// Returns 128 bits of a digest over the parts of a representation, in hex.
pub(crate) fn entity_tag(numbers: &[i64], parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    numbers.iter().for_each(|number| digest.update(number.to_le_bytes()));
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
