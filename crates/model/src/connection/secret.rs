//! Where the secret of a connection is.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the command line finds the secret of a connection that a file declares. The service never follows one: whoever
/// writes connections must not read the secrets of its machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretReference {
    /// An environment variable.
    Env(String),
    /// The content of a file, without the line end at its end.
    File(PathBuf),
}
