//! The passwords of connections, as the store keeps them.

use secrecy::{ExposeSecret, SecretString};

use crate::seal::{Sealer, connection_record};

/// Opens the sealed password of a connection.
///
/// # Errors
/// Why it cannot be opened, and what to do.
pub fn open_password(sealer: &Sealer, connection: &str, sealed: &[u8]) -> Result<SecretString, String> {
    let opened = sealer.open(&connection_record(connection), sealed);
    let opened = opened.map_err(|error| format!("its password cannot be opened: {error}; enter it again"))?;
    let text = String::from_utf8(opened.expose_secret().clone());
    text.map(Into::into).map_err(|_| "its password is not text; enter it again".to_owned())
}
