//! Secrets at rest: sealed with XChaCha20-Poly1305, bound to the record that contains them.
//!
//! A sealed secret is `version | key's fingerprint | nonce | ciphertext`. The record's id is associated data, so
//! that a secret copied into another record does not open there. The fingerprint identifies the key
//! without revealing it; after a rotation a wrong key is reported as such.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domesday_store::SealedSecret;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const FINGERPRINT: usize = 4;
const NONCE: usize = 24;

/// The key that seals.
pub struct Sealer {
    key: SecretBox<[u8; 32]>,
}

/// Why a secret cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text is no key.
    #[error("the secret key must be 32 bytes, written as 64 hexadecimal digits or in base64")]
    NoKey,
    /// Another key sealed it.
    #[error("sealed with another key (fingerprint {needed}); give the service the key it had then")]
    OtherKey {
        /// The fingerprint of the key needed.
        needed: String,
    },
    /// It was changed, or belongs to another record.
    #[error("the sealed secret of {record} does not open: it was changed or belongs to another record")]
    Broken {
        /// The record.
        record: String,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandom,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.fingerprint())
    }
}

impl Sealer {
    /// A sealer from a key as operators write it.
    ///
    /// # Errors
    /// [`SealError::NoKey`] when the text is none.
    pub fn from_text(text: &SecretString) -> Result<Self, SealError> {
        let text = text.expose_secret().trim();
        let bytes = if text.len() == 64 {
            let digit = |position: usize| text.get(position..position + 2);
            (0..32).map(|at| digit(2 * at).and_then(|hex| u8::from_str_radix(hex, 16).ok())).collect()
        } else {
            STANDARD.decode(text).ok()
        };
        let key: [u8; 32] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(SealError::NoKey)?;
        Ok(Self { key: SecretBox::new(Box::new(key)) })
    }

    /// A new key, as text for the operator's file.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new_key() -> Result<SecretString, SealError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| SealError::NoRandom)?;
        Ok(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    /// Returns the fingerprint of this key, which identifies it without revealing it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&self.mark())
    }

    /// Returns what distinguishes a secret from others. It does not help to guess the secret, since it takes this key.
    #[must_use]
    pub fn secret_fingerprint(&self, secret: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret()).expect("HMAC takes any key");
        mac.update(b"fingerprint of a secret");
        mac.update(secret);
        hex(&mac.finalize().into_bytes()[..6])
    }

    fn mark(&self) -> [u8; FINGERPRINT] {
        let mut digest = Sha256::new();
        digest.update(b"domesday sealing key");
        digest.update(self.key.expose_secret());
        let digest: [u8; 32] = digest.finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.expose_secret().into())
    }

    /// Seals a secret of a record.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, record: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandom)?;
        let payload = Payload { msg: secret, aad: record.as_bytes() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| SealError::Broken { record: record.to_owned() })?;
        let mut bytes = vec![VERSION];
        bytes.extend(self.mark());
        bytes.extend(nonce);
        bytes.extend(sealed);
        Ok(bytes)
    }

    /// Seals a secret of a record, and computes its fingerprint.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal_secret(&self, record: &str, secret: &[u8]) -> Result<SealedSecret, SealError> {
        let fingerprint = Some(self.secret_fingerprint(secret));
        Ok(SealedSecret { sealed: self.seal(record, secret)?, fingerprint })
    }

    /// Opens what was sealed for the same record.
    ///
    /// # Errors
    /// When another key sealed it, it was changed, or it belongs to another record.
    pub fn open(&self, record: &str, sealed: &[u8]) -> Result<SecretBox<Vec<u8>>, SealError> {
        let broken = || SealError::Broken { record: record.to_owned() };
        let (version, rest) = sealed.split_first().ok_or_else(broken)?;
        if *version != VERSION || rest.len() < FINGERPRINT + NONCE {
            return Err(broken());
        }
        let (mark, rest) = rest.split_at(FINGERPRINT);
        if mark != self.mark() {
            return Err(SealError::OtherKey { needed: hex(mark) });
        }
        let (nonce, ciphertext) = rest.split_at(NONCE);
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| broken())?;
        let payload = Payload { msg: ciphertext, aad: record.as_bytes() };
        let opened = self.cipher().decrypt(&XNonce::from(nonce), payload).map_err(|_| broken())?;
        Ok(SecretBox::new(Box::new(opened)))
    }
}

/// Returns the record that the secrets of an export are bound to.
#[must_use]
pub fn export_record(id: &str) -> String {
    format!("export:{id}")
}

/// Returns the record to which the sealed password of a connection is bound.
#[must_use]
pub fn connection_record(name: &str) -> String {
    format!("connection:{name}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::from_text(&Sealer::new_key().unwrap()).unwrap()
    }

    #[test]
    fn opens_for_its_record_only() {
        let sealer = sealer();
        let sealed = sealer.seal("export:default", b"hush").unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"hush"));
        assert_eq!(sealer.open("export:default", &sealed).unwrap().expose_secret(), b"hush");
        assert!(matches!(sealer.open("export:other", &sealed), Err(SealError::Broken { .. })));
    }

    #[test]
    fn a_changed_byte_anywhere_does_not_open() {
        let sealer = sealer();
        let sealed = sealer.seal("r", b"hush").unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(sealer.open("r", &changed).is_err(), "byte {position}");
            assert!(sealer.open("r", &sealed[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn another_key_is_named() {
        let (one, other) = (sealer(), sealer());
        let error = other.open("r", &one.seal("r", b"hush").unwrap()).unwrap_err();
        assert_eq!(error, SealError::OtherKey { needed: one.fingerprint() });
    }

    #[test]
    fn keys_are_hex_or_base64_of_32_bytes() {
        for text in ["", "short", &"0".repeat(63), &"g".repeat(64), &STANDARD.encode([0; 31])] {
            assert_eq!(Sealer::from_text(&text.into()).unwrap_err(), SealError::NoKey, "{text}");
        }
        let hex = Sealer::from_text(&format!("{}\n", "0a".repeat(32)).into()).unwrap();
        let base64 = Sealer::from_text(&STANDARD.encode([10; 32]).into()).unwrap();
        assert_eq!(hex.fingerprint(), base64.fingerprint());
        assert!(!format!("{hex:?}").contains("0a0a"));
    }
}
