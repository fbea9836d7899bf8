//! Why a delivery failed, by what to do about it.

use std::io;
use std::path::PathBuf;

/// Why files could not be delivered. What was at the destination before is still there.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The destination is a file, where a directory is needed.
    #[error("{path} is a file; name a directory to write the summary into", path = path.display())]
    NotADirectory {
        /// What was named.
        path: PathBuf,
    },
    /// The destination does not take files.
    #[error("cannot write into {path}: {source}; check that the directory is yours to write", path = path.display())]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no room left.
    #[error("no room left in {path} ({source}); nothing there was changed, free some space and run again", path = path.display())]
    Full {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Reading or writing failed otherwise.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl DeliveryError {
    /// Sorts an error of the file system by what to do about it.
    pub fn from_io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path, source }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            _ => Self::Io { path, source },
        }
    }
}
