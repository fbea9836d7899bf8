//! The secrets of API keys: 256 random bits, shown once, stored as their SHA-256.
//!
//! A plain hash is right here and a slow one is not: nobody can try out 2^256 secrets, however fast each try is.
//! The prefix lets people and secret scanners recognise a key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The prefix of every key.
const PREFIX: &str = "domesday_";

/// The prefix of every token of SCIM.
const SCIM_PREFIX: &str = "domesday_scim_";

/// Returns a new key's secret.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn generate() -> Result<SecretString, getrandom::Error> {
    Ok(format!("{PREFIX}{}", random_text()?).into())
}

/// Returns the secret of a new token of SCIM.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn generate_scim_token() -> Result<SecretString, getrandom::Error> {
    Ok(format!("{SCIM_PREFIX}{}", random_text()?).into())
}

/// Returns 256 random bits as text.
///
/// # Errors
/// When the system gives no random bytes.
pub(crate) fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns what the store keeps of a secret.
pub(crate) fn hash(secret: &SecretString) -> [u8; 32] {
    Sha256::digest(secret.expose_secret().as_bytes()).into()
}

/// Reads the secret in the value of an `Authorization` header: the key by itself (as the reference takes it), or after
/// `Bearer`.
#[must_use]
pub fn parse_authorization(value: &str) -> Option<SecretString> {
    let value = value.trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    let secret = if scheme.is_empty() || scheme.eq_ignore_ascii_case("bearer") { rest.trim() } else { "" };
    secret.starts_with(PREFIX).then(|| secret.to_owned().into())
}

/// Reads the token of SCIM in the value of an `Authorization` header, after `Bearer`.
#[must_use]
pub fn parse_scim_authorization(value: &str) -> Option<SecretString> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    let secret = rest.trim();
    let is_token = scheme.eq_ignore_ascii_case("bearer") && secret.starts_with(SCIM_PREFIX);
    is_token.then(|| secret.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_header_are_accepted() {
        let secret = generate().unwrap();
        let secret = secret.expose_secret();
        assert_eq!(secret.len(), PREFIX.len() + 43);
        for header in [secret.to_owned(), format!("Bearer {secret}"), format!("bearer  {secret} ")] {
            assert_eq!(parse_authorization(&header).unwrap().expose_secret(), secret);
        }
        for header in ["", "Bearer", "Basic dXNlcjpwYXNz", "something"] {
            assert!(parse_authorization(header).is_none(), "{header}");
        }
    }

    #[test]
    fn a_token_of_scim_is_a_bearer_token() {
        let token = generate_scim_token().unwrap();
        let token = token.expose_secret();
        assert_eq!(parse_scim_authorization(&format!("bearer {token}")).unwrap().expose_secret(), token);
        let key = generate().unwrap();
        for header in [token.to_owned(), format!("Basic {token}"), format!("Bearer {}", key.expose_secret())]
        {
            assert!(parse_scim_authorization(&header).is_none());
        }
    }

    #[test]
    fn secrets_are_distinct() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(hash(&one), hash(&other));
        assert_eq!(hash(&one), hash(&one.expose_secret().to_owned().into()));
    }
}
