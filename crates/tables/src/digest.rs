//! SHA-256 digests and their text.

use sha2::{Digest as _, Sha256};

/// Formats bytes in lower-case hexadecimal.
///
/// ```
/// assert_eq!(domesday_tables::hex(&[0x0f, 0xa0]), "0fa0");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Parses a digest of 64 hexadecimal digits.
///
/// ```
/// let digest = domesday_tables::sha256(b"");
/// assert_eq!(domesday_tables::parse_hex(&domesday_tables::hex(&digest)), Some(digest));
/// assert_eq!(domesday_tables::parse_hex("no digest"), None);
/// ```
#[must_use]
pub fn parse_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// Returns the SHA-256 of bytes.
///
/// ```
/// let digest = domesday_tables::hex(&domesday_tables::sha256(b""));
/// assert_eq!(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
/// ```
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
