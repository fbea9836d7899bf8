//! The TLS identity: certificate and key, read again when their files change, so that a renewed certificate needs no
//! restart.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use domesday_service::TlsFiles;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// The interval at which the files are checked for changes.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or contains no PEM.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not belong together.
    #[error("certificate and key cannot be used: {0}")]
    Identity(#[from] tokio_rustls::rustls::Error),
}

/// Certificate and key for new connections.
#[derive(Debug)]
pub(crate) struct TlsIdentity {
    files: TlsFiles,
    current: RwLock<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    version: Version,
}

/// Tells the content of both files from another: time of modification and size.
type Version = [Option<(SystemTime, u64)>; 2];

impl TlsIdentity {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// When a file cannot be read or certificate and key do not belong together.
    pub(crate) fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        // Before the content: a change in between is noticed at the next check.
        let version = version(files);
        let current = RwLock::new(Loaded { config: read(files)?, version });
        Ok(Self { files: files.clone(), current })
    }

    /// Returns the acceptor of a new connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.config))
    }

    /// Reads certificate and key again if a file has changed. When they cannot be used, the present ones stay.
    fn refresh(&self) {
        let version = version(&self.files);
        let is_unchanged = self.current.read().unwrap_or_else(PoisonError::into_inner).version == version;
        if is_unchanged {
            return;
        }
        let read = read(&self.files);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Recorded in any case: one change gives one line in the log.
        current.version = version;
        match read {
            Ok(config) => {
                current.config = config;
                tracing::info!("the TLS certificate was renewed");
            }
            Err(error) => {
                tracing::error!(%error, "the changed TLS certificate cannot be used; the present one stays");
            }
        }
    }

    /// Checks the files for changes until the service stops.
    pub(crate) async fn watch(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
                _ = stop.changed() => continue,
            }
            let identity = Arc::clone(&self);
            // Reading files may block.
            let _ = tokio::task::spawn_blocking(move || identity.refresh()).await;
        }
    }
}

fn version(files: &TlsFiles) -> Version {
    let of_file = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [of_file(&files.certificate), of_file(&files.key)]
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { path, source }
    };
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(at(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(at(&files.key))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a new certificate and its key, in PEM.
    fn new_identity(dir: &Path) -> [String; 2] {
        let paths = ["new.pem", "new.key"].map(|name| dir.join(name));
        let made = std::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-days", "2", "-subj", "/CN=localhost", "-out"])
            .arg(&paths[0])
            .arg("-keyout")
            .arg(&paths[1])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        paths.map(|path| std::fs::read_to_string(path).unwrap())
    }

    #[test]
    fn changed_files_are_read_again_and_unusable_ones_are_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: dir.path().join("tls.pem"), key: dir.path().join("tls.key") };
        let mut seconds = 0;
        let mut write = |path: &Path, text: &str| {
            std::fs::write(path, text).unwrap();
            seconds += 1;
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        };
        let ([old_certificate, old_key], [new_certificate, new_key]) =
            (new_identity(dir.path()), new_identity(dir.path()));
        write(&files.certificate, &old_certificate);
        write(&files.key, &old_key);
        let identity = TlsIdentity::load(&files).unwrap();
        let config = || Arc::clone(identity.acceptor().config());
        let first = config();
        identity.refresh();
        assert!(Arc::ptr_eq(&first, &config()), "nothing has changed");
        // Half of the change: the certificate is there, its key is not yet.
        write(&files.certificate, &new_certificate);
        identity.refresh();
        assert!(Arc::ptr_eq(&first, &config()), "the two do not belong together");
        write(&files.key, &new_key);
        identity.refresh();
        let second = config();
        assert!(!Arc::ptr_eq(&first, &second));
        std::fs::remove_file(&files.key).unwrap();
        identity.refresh();
        assert!(Arc::ptr_eq(&second, &config()), "a file that is missing changes nothing");
    }
}
