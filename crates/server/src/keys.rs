//! API keys: 256 random bits, shown once, kept as their SHA-256.
//!
//! A plain hash is right here and a slow one is not: nobody can try out 2^256 secrets, however fast each try is.
//! The prefix lets people and secret scanners see what they are looking at.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// What every key begins with.
const PREFIX: &str = "domesday_";

/// A new key's secret.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn new_secret() -> Result<SecretString, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)).into())
}

/// What the store keeps of a secret.
pub(crate) fn hash(secret: &SecretString) -> [u8; 32] {
    Sha256::digest(secret.expose_secret().as_bytes()).into()
}

/// The secret in an `Authorization` header: the key by itself (as the reference takes it), or after `Bearer`.
pub(crate) fn of_header(value: &str) -> Option<SecretString> {
    let value = value.trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    let secret = if scheme.is_empty() || scheme.eq_ignore_ascii_case("bearer") { rest.trim() } else { "" };
    secret.starts_with(PREFIX).then(|| secret.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_header_are_taken() {
        let secret = new_secret().unwrap();
        let secret = secret.expose_secret();
        assert_eq!(secret.len(), PREFIX.len() + 43);
        for header in [secret.to_owned(), format!("Bearer {secret}"), format!("bearer  {secret} ")] {
            assert_eq!(of_header(&header).unwrap().expose_secret(), secret);
        }
        for header in ["", "Bearer", "Basic dXNlcjpwYXNz", "something"] {
            assert!(of_header(header).is_none(), "{header}");
        }
    }

    #[test]
    fn no_two_secrets_are_alike() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(hash(&one), hash(&other));
        assert_eq!(hash(&one), hash(&one.expose_secret().to_owned().into()));
    }
}
