//! Preparing the service to start: the store is opened, its secret key is checked, the first tenant and the first API key
//! are created.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domesday_model::{Instant, Permission};
use domesday_store::{ChangeBy, NewApiKey, Store, StoreError, StoreLocation};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::caller::ADMINISTRATOR;
use crate::config::{Config, SecretKey};
use crate::key_secret;
use crate::seal::{SealError, Sealer, export_record};

/// Why the service cannot be prepared to start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret key cannot be used.
    #[error("the secret key: {0}")]
    Seal(#[from] SealError),
    /// The file of the secret key cannot be read or made.
    #[error("the secret key's file {path}: {source}", path = path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file of the secret key is missing, and what it sealed is there.
    #[error(
        "the secret key's file {path} is missing, and the store has secrets that are sealed with it\n\
         help: put the file back from where you keep a copy; if there is none, `domesday key new` and `domesday key \
         rotate --discard` replace the key, and each export needs its secret access key again",
        path = path.display()
    )]
    KeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// The secret key is not the one that sealed what is in the store.
    #[error(
        "the secret key is not the one that the secrets in the store are sealed with: {source}\n\
         help: give the service the key that it had before; if that is lost, `domesday key rotate --discard` replaces \
         it, and each export needs its secret access key again"
    )]
    OtherKey {
        /// Which key is needed.
        source: SealError,
    },
    /// The file of the authorities that connections trust cannot be read.
    #[error("connections.ca_file {path}: {source}", path = path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The first API key could not be shown to anybody.
    #[error(
        "the administrator's API key could not be printed ({0}), so none was created; the next start creates one"
    )]
    Announce(#[source] io::Error),
    /// The first API key was shown and could not be saved.
    #[error("the administrator's API key that was printed is not valid, since it could not be saved: {0}")]
    NotSaved(#[source] StoreError),
}

/// The sealer of a configuration; its key is made where that is wanted.
///
/// # Errors
/// When the key cannot be read, made or used.
pub fn sealer(key: &SecretKey) -> Result<Sealer, StartError> {
    match key {
        SecretKey::Given(text) => Ok(Sealer::from_text(text)?),
        SecretKey::File { path, make } => {
            let at = |source| StartError::KeyFile { path: path.clone(), source };
            let text = match std::fs::read_to_string(path) {
                Ok(text) => text.into(),
                Err(error) if *make && error.kind() == io::ErrorKind::NotFound => {
                    let key = Sealer::new_key()?;
                    write_key(path, &key).map_err(at)?;
                    key
                }
                Err(error) => return Err(at(error)),
            };
            Sealer::from_text(&text).map_err(|error| at(io::Error::other(error)))
        }
    }
}

/// Reads the certificates of authorities that connections trust, in PEM.
pub(crate) fn authorities(path: Option<&Path>) -> Result<Arc<[u8]>, StartError> {
    let Some(path) = path else { return Ok(Arc::from([])) };
    let read = std::fs::read(path);
    let pem = read.map_err(|source| StartError::Authorities { path: path.to_owned(), source })?;
    Ok(pem.into())
}

/// Writes a key into a new file that only its owner reads.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn write_key(path: &Path, key: &SecretString) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = io::Write::write_all(&mut file, format!("{}\n", key.expose_secret()).as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a key would be taken for a wrong one.
        let _ = std::fs::remove_file(path);
    }
    written
}

/// The result of preparing the store.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) sealer: Sealer,
    /// The first administrator's API key, when this start created it.
    pub(crate) first_key: Option<SecretString>,
    /// Whether somebody has ever signed in to the console.
    pub(crate) has_signed_in: bool,
}

/// Opens the store and makes it ready for work.
///
/// # Errors
/// When the store or the secret key cannot be used, or `announce` fails; no API key was created then.
pub(crate) async fn prepare(
    config: Config,
    at: Instant,
    announce: impl FnOnce(&SecretString) -> io::Result<()> + Send + 'static,
) -> Result<(Config, Prepared), StartError> {
    let work = move || {
        let mut store = open_private(&config.database)?;
        let sealer = sealer_for(&mut store, &config.secret_key)?;
        // Read first: a service starts while the database takes no changes, and answers reads.
        if store.tenant()?.is_none() {
            store.ensure_tenant(&config.tenant.name, &config.tenant.time_zone, at)?;
        }
        let first_key = first_key(&mut store, at, announce)?;
        let has_signed_in = store.has_signed_in()?;
        Ok((config, Prepared { sealer, first_key, has_signed_in }))
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// Returns the sealer, when it opens the secrets in the store.
fn sealer_for(store: &mut Store, key: &SecretKey) -> Result<Sealer, StartError> {
    let sealed = store.export_secrets()?;
    let is_new = match key {
        SecretKey::File { path, make: true } if !path.exists() => {
            if !sealed.is_empty() {
                return Err(StartError::KeyMissing { path: path.clone() });
            }
            true
        }
        SecretKey::File { path, .. } => {
            warn_if_public(path);
            false
        }
        SecretKey::Given(_) => false,
    };
    let sealer = sealer(key)?;
    for (id, secret) in sealed {
        match sealer.open(&export_record(&id), &secret.sealed) {
            Ok(_) if secret.fingerprint.is_some() => {}
            // Sealed by an earlier version.
            Ok(opened) => {
                let fingerprint = sealer.secret_fingerprint(opened.expose_secret());
                store.set_secret_fingerprint(&id, &secret.sealed, &fingerprint)?;
            }
            Err(source @ SealError::OtherKey { .. }) => return Err(StartError::OtherKey { source }),
            // One record that is damaged is no reason to serve none of the others.
            Err(error) => tracing::error!(%error, "the secret of an export cannot be opened"),
        }
    }
    if is_new {
        // Answers kept for calls that are sent again were sealed with a key that is gone.
        store.delete_responses(Instant::from_micros(i64::MAX))?;
    }
    Ok(sealer)
}

/// Says in the log when everybody on the machine may read the secret key.
fn warn_if_public(path: &Path) {
    #[cfg(unix)]
    {
        let mode =
            std::fs::metadata(path).map(|file| std::os::unix::fs::PermissionsExt::mode(&file.permissions()));
        if mode.is_ok_and(|mode| mode & 0o004 != 0) {
            tracing::warn!(path = %path.display(), "every user of this machine may read the secret key; give its file mode 0400");
        }
    }
}

/// Creates the first administrator's API key where there is none yet. Of several replicas that start at once on an
/// empty database, one does: they take turns.
fn first_key(
    store: &mut Store,
    at: Instant,
    announce: impl FnOnce(&SecretString) -> io::Result<()>,
) -> Result<Option<SecretString>, StartError> {
    // Read first: a store that has its key can be opened while the database takes no changes.
    if !store.api_keys(Some(ADMINISTRATOR))?.is_empty() {
        return Ok(None);
    }
    let mut is_announced = false;
    let created = store.exclusive_transaction(|store| -> Result<_, StartError> {
        if !store.api_keys(Some(ADMINISTRATOR))?.is_empty() {
            return Ok(None);
        }
        let key = administrator_key(store, "first start", at)?;
        announce(&key).map_err(StartError::Announce)?;
        is_announced = true;
        Ok(Some(key))
    });
    match created {
        Err(StartError::Store(error)) if is_announced => Err(StartError::NotSaved(error)),
        created => created,
    }
}

/// Opens the store; a new SQLite file is one that only its owner reads.
fn open_private(database: &StoreLocation) -> Result<Store, StoreError> {
    #[cfg(unix)]
    if let Some(path) = database.file()
        && !path.exists()
    {
        // Opening the store reports a failure better.
        let mut options = std::fs::OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let _ = options.write(true).create_new(true).open(path);
    }
    database.open()
}

/// Creates an API key of the administrator, who may do everything.
///
/// # Errors
/// When the store fails or the system gives no random bytes.
pub fn administrator_key(store: &mut Store, name: &str, at: Instant) -> Result<SecretString, StartError> {
    let secret = key_secret::generate().map_err(|_| SealError::NoRandom)?;
    let new = NewApiKey {
        id: Uuid::new_v4(),
        name: name.to_owned(),
        owner: ADMINISTRATOR.to_owned(),
        user: None,
        permissions: Permission::ALL.to_vec(),
        roles: true,
        made_by: None,
        expires_at: None,
    };
    let change = ChangeBy { actor: ADMINISTRATOR, origin: "cli", from: None, at };
    store.create_api_key(new, &key_secret::hash(&secret), &change)?;
    Ok(secret)
}
