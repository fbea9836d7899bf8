//! The credentials themselves.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::validation;
use crate::DeliveryError;

/// A key that signs requests.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: SecretString,
    pub(crate) session_token: Option<SecretString>,
    /// When they expire; an access key never does.
    pub(crate) expires_at: Option<Timestamp>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// How messages name the parts of a key: by the variable, setting or service that they come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PartNames<'a> {
    pub(crate) id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) token: &'a str,
}

impl Credentials {
    /// Creates credentials, validated as far as that is possible without a call.
    ///
    /// # Errors
    /// When one of the parts cannot be sent; the message names it by `names` and repeats no secret.
    pub(crate) fn new(
        access_key_id: &str,
        secret_access_key: SecretString,
        session_token: Option<SecretString>,
        expires_at: Option<Timestamp>,
        names: PartNames<'_>,
    ) -> Result<Self, DeliveryError> {
        validation::check_access_key_id(access_key_id, names.id)?;
        validation::check_secret(&secret_access_key, names.secret)?;
        if let Some(token) = &session_token {
            validation::check_token(token.expose_secret(), names.token)?;
        }
        let access_key_id = access_key_id.to_owned();
        Ok(Self { access_key_id, secret_access_key, session_token, expires_at })
    }

    /// Fails when the credentials have expired already. `source` says where they come from.
    ///
    /// # Errors
    /// [`DeliveryError::NoCredentials`] with the time of their end.
    pub(super) fn check_unexpired(self, now: Timestamp, source: &str) -> Result<Self, DeliveryError> {
        match self.expires_at.filter(|end| *end <= now) {
            None => Ok(self),
            Some(end) => {
                let tried = format!("the credentials of {source} expired at {}", end.strftime("%FT%TZ"));
                Err(DeliveryError::NoCredentials { tried })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let credentials = Credentials {
            access_key_id: "AKIA1".into(),
            secret_access_key: "s3cr3t".into(),
            session_token: Some("t0ken".into()),
            expires_at: None,
        };
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKIA1") && !shown.contains("s3cr3t") && !shown.contains("t0ken"), "{shown}");
    }
}
