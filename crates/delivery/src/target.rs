//! What somebody names as a destination, and what a run needs of it.

use std::path::PathBuf;

use crate::{
    Access, DeliveryError, Destination, Encryption, LocalDirectory, S3Settings, Spool, Supervision,
    TenantName,
};

/// A destination before anything there was touched.
#[derive(Debug, Clone)]
pub enum Target {
    /// A directory, made when it does not exist.
    Directory(PathBuf),
    /// A prefix of a bucket, and who asks for it.
    S3(S3Settings, Box<Access>),
}

/// A destination at work.
pub struct Opened {
    /// The destination.
    pub destination: Box<dyn Destination>,
    /// Where files wait for their delivery.
    pub spool: Spool,
}

impl Target {
    /// Opens the destination and a spool for it: inside a directory, so that delivering is renaming, else among
    /// the system's temporary files.
    ///
    /// # Errors
    /// When the directory cannot be made, or what is configured cannot be used.
    pub fn open(&self, tenant: &TenantName, supervision: &Supervision) -> Result<Opened, DeliveryError> {
        match self {
            Self::Directory(path) => {
                let directory = LocalDirectory::open(path)?;
                Ok(Opened { spool: directory.spool()?, destination: Box::new(directory) })
            }
            Self::S3(settings, access) => {
                let destination = Box::new(settings.open((**access).clone(), tenant, supervision.clone())?);
                Ok(Opened { spool: Spool::within(&std::env::temp_dir())?, destination })
            }
        }
    }

    /// A name that stays the same from run to run.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Directory(path) => {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                format!("file://{}", path.display())
            }
            Self::S3(settings, _) => {
                let endpoint = settings.endpoint.as_deref().unwrap_or_default();
                let at = if endpoint.is_empty() { String::new() } else { format!("@{endpoint}") };
                format!("{}{at}", settings.url())
            }
        }
    }

    /// What the evidence says of how the destination is configured, a line a setting and no secret. A
    /// directory's path is left out: the same summary in two of them is the same evidence.
    #[must_use]
    pub fn configuration(&self) -> String {
        let Self::S3(settings, access) = self else { return String::new() };
        let mut text =
            format!("bucket={}\npath={}\nregion={}\n", settings.bucket, settings.path, settings.region);
        let role = access.role.as_ref();
        let more = [
            ("endpoint", settings.endpoint.as_deref()),
            ("kms_key_id", settings.kms_key_id.as_deref()),
            ("encryption", settings.encryption.map(Encryption::as_str)),
            ("bucket_owner", settings.bucket_owner.as_deref()),
            ("role_arn", role.map(|role| role.arn.as_str())),
            ("external_id", role.and_then(|role| role.external_id.as_deref())),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                text.push_str(&format!("{name}={value}\n"));
            }
        }
        text
    }
}
