//! An anchor: the number and the hash of an entry of the audit log, stored outside of the database.
//!
//! A user who can write to the database can rewrite the whole log with consistent hashes, but cannot change an anchor that
//! is stored elsewhere.

use std::fmt;
use std::str::FromStr;

/// The number and the hash of an entry, written as `SEQ:HASH`. The anchor of an empty log is entry 0 with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditAnchor {
    /// The number of the entry.
    pub seq: u64,
    /// The hash of the entry.
    pub hash: [u8; 32],
}

/// A text is not a valid anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected SEQ:HASH, the number of an entry and its SHA-256 in 64 hexadecimal digits")]
pub struct InvalidAnchor;

impl fmt::Display for AuditAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for AuditAnchor {
    type Err = InvalidAnchor;

    fn from_str(text: &str) -> Result<Self, InvalidAnchor> {
        let (seq, hex) = text.trim().split_once(':').ok_or(InvalidAnchor)?;
        let digits = |text: &str, is_digit: fn(&u8) -> bool| text.bytes().all(|byte| is_digit(&byte));
        if seq.is_empty() || !digits(seq, u8::is_ascii_digit) {
            return Err(InvalidAnchor);
        }
        if hex.len() != 64 || !digits(hex, u8::is_ascii_hexdigit) {
            return Err(InvalidAnchor);
        }
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).map_err(|_| InvalidAnchor)?;
        }
        Ok(Self { seq: seq.parse().map_err(|_| InvalidAnchor)?, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_read_as_it_is_written() {
        let text = format!("17:{}", "0a".repeat(32));
        let anchor: AuditAnchor = text.parse().unwrap();
        assert_eq!(anchor, AuditAnchor { seq: 17, hash: [10; 32] });
        assert_eq!(anchor.to_string(), text);
        assert_eq!(text.to_uppercase().parse(), Ok(anchor));
    }

    #[test]
    fn any_other_text_is_refused() {
        let hash = "0a".repeat(32);
        for wrong in [
            String::new(),
            "17".into(),
            hash.clone(),
            format!(":{hash}"),
            format!("-1:{hash}"),
            format!("+1:{hash}"),
            format!("17:{}", &hash[1..]),
            format!("17:{hash}0"),
            format!("17:{}zz", &hash[2..]),
            format!("17:+{}", &hash[1..]),
            format!("17:{}", "é".repeat(32)),
            format!("99999999999999999999:{hash}"),
            format!("17:{hash}:"),
        ] {
            assert_eq!(wrong.parse::<AuditAnchor>(), Err(InvalidAnchor), "{wrong}");
        }
    }
}
