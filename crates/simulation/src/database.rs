//! The database of a simulation: a file with the catalog, the export and the administrator's key of its first night.

use std::path::Path;

use domesday_model::Instant;
use domesday_service::{Sealer, administrator_key, export_record};
use domesday_store::{ApplyOptions, ChangeBy, IfMatch, Store};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::catalog::catalog;
use crate::constants::{BUCKET, ENDPOINT, PATH, REGION};

/// The secret access key of the export.
const SECRET: &str = "simulated";

/// What every simulation begins with.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    database: Vec<u8>,
    /// The key that seals secrets.
    pub(crate) secret_key: SecretString,
    /// The administrator's API key.
    pub(crate) api_key: SecretString,
}

impl Template {
    /// Creates a database as the service leaves it after its first start.
    ///
    /// # Errors
    /// When a part of it fails; the message says which.
    pub(crate) fn create(start: Instant) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = dir.path().join("governance.db");
        let secret_key = Sealer::new_key().map_err(|error| error.to_string())?;
        let sealer = Sealer::from_text(&secret_key).map_err(|error| error.to_string())?;
        let api_key = fill(&path, &sealer, start)?;
        let database = std::fs::read(&path).map_err(|error| error.to_string())?;
        Ok(Self { database, secret_key, api_key })
    }

    /// Writes the database into a new file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), String> {
        std::fs::write(path, &self.database).map_err(|error| error.to_string())
    }
}

fn fill(path: &Path, sealer: &Sealer, at: Instant) -> Result<SecretString, String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let mut store = Store::open(path).map_err(|error| failed(&error))?;
    store
        .apply(&catalog(0)?, ApplyOptions { at, prune: false, dry_run: false })
        .map_err(|error| failed(&error))?;
    let sealed =
        sealer.seal_secret(&export_record("default"), SECRET.as_bytes()).map_err(|error| failed(&error))?;
    let change = ChangeBy { actor: "administrator", origin: "cli", from: None, at };
    store
        .put_export("default", &configuration(), Some(&sealed), IfMatch::Any, &change)
        .map_err(|error| failed(&error))?;
    administrator_key(&mut store, "first start", at).map_err(|error| failed(&error))
}

/// The configuration of the export without its secret.
pub(crate) fn configuration() -> Value {
    json!({
        "bucket": BUCKET, "region": REGION, "path": PATH, "endpoint": ENDPOINT, "accessKeyId": "AKIASIMULATED",
        "schedule": "0 2 * * *", "layout": "swap",
    })
}

/// The same as a client sends it.
pub(crate) fn configuration_with_secret() -> Value {
    let mut configuration = configuration();
    configuration["secretAccessKey"] = SECRET.into();
    configuration
}

/// Shows a key to the service.
pub(crate) fn expose(key: &SecretString) -> String {
    key.expose_secret().to_owned()
}
