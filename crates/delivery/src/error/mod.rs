//! Why a delivery failed, by what to do about it.
//!
//! A message has up to three parts: what is wrong, what to do, and the error response of the service with the id under
//! which its operators find the request.

mod message;
mod remedy;

use std::io;
use std::path::PathBuf;

use crate::{CancelReason, ErrorResponse};

/// Why files could not be delivered. The manifest at the destination still describes what was there before.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The destination is a file, where a directory is needed.
    NotADirectory {
        /// What was named.
        path: PathBuf,
    },
    /// The destination does not take files.
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// There is no room left.
    Full {
        /// The directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Reading or writing failed otherwise.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The configuration is invalid: the message says what to write instead.
    Configuration {
        /// What is wrong, and what to write.
        message: String,
    },
    /// No credentials were found.
    NoCredentials {
        /// Where they were looked for, and what was found.
        tried: String,
    },
    /// The key or its secret is not accepted.
    BadCredentials {
        /// The access key's id.
        access_key_id: String,
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// Temporary credentials have expired.
    ExpiredSession {
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// This machine's clock and the service's differ too much.
    ClockSkew {
        /// How many seconds this clock is ahead, if the service reports its time.
        ahead: Option<i64>,
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// A permission is missing.
    MissingPermission {
        /// The action, such as `s3:PutObject`.
        action: String,
        /// The resource it is needed on, as an ARN.
        resource: String,
        /// Whether a put that asked for no encryption was refused: a bucket policy may require it.
        asked_no_encryption: bool,
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// The role cannot be assumed.
    RoleRefused {
        /// The role's ARN.
        role: String,
        /// The external id of the call.
        external_id: String,
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// There is no such bucket.
    NoSuchBucket {
        /// Its name.
        bucket: String,
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// The bucket is in another region.
    WrongRegion {
        /// The bucket.
        bucket: String,
        /// The region that was configured.
        used: String,
        /// The region that the service names.
        actual: Option<String>,
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// The KMS key cannot be used.
    KmsUnusable {
        /// The key.
        key: String,
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// The service asks to go slower.
    Throttled {
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// The service has an internal error.
    Unavailable {
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// The server received other bytes than were sent.
    Damaged {
        /// The key of the file.
        key: String,
        /// The error response.
        response: Box<ErrorResponse>,
    },
    /// There was no response: no connection, one that broke off, or none in time.
    Unreachable {
        /// Scheme and host.
        host: String,
        /// What happened.
        reason: String,
    },
    /// The host's name is not known.
    HostNotFound {
        /// Scheme and host.
        host: String,
    },
    /// No encrypted connection could be established.
    TlsFailed {
        /// Scheme and host.
        host: String,
        /// What happened.
        reason: String,
    },
    /// The response is not valid HTTP.
    InvalidResponse {
        /// Scheme and host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The response exceeds a limit that no summary reaches.
    LimitExceeded {
        /// What is too large, and the limit.
        what: String,
    },
    /// The work was cancelled.
    Cancelled {
        /// Why.
        reason: CancelReason,
    },
    /// The server's certificate is not trusted.
    Untrusted {
        /// Scheme and host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The service refuses for another reason.
    Refused {
        /// The call, such as `put v1/_manifest.json`.
        what: String,
        /// The error response.
        response: Box<ErrorResponse>,
    },
}

impl DeliveryError {
    /// Classifies an error of the file system by what to do about it.
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

    /// Returns the variant's name in kebab-case, by which programs distinguish errors.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotADirectory { .. } => "not-a-directory",
            Self::NotWritable { .. } => "not-writable",
            Self::Full { .. } => "full",
            Self::Io { .. } => "io",
            Self::Configuration { .. } => "configuration",
            Self::NoCredentials { .. } => "no-credentials",
            Self::BadCredentials { .. } => "bad-credentials",
            Self::ExpiredSession { .. } => "expired-session",
            Self::ClockSkew { .. } => "clock-skew",
            Self::MissingPermission { .. } => "missing-permission",
            Self::RoleRefused { .. } => "role-refused",
            Self::NoSuchBucket { .. } => "no-such-bucket",
            Self::WrongRegion { .. } => "wrong-region",
            Self::KmsUnusable { .. } => "kms-unusable",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Damaged { .. } => "damaged",
            Self::Unreachable { .. } => "unreachable",
            Self::HostNotFound { .. } => "host-not-found",
            Self::TlsFailed { .. } => "tls-failed",
            Self::InvalidResponse { .. } => "invalid-response",
            Self::LimitExceeded { .. } => "limit-exceeded",
            Self::Cancelled { reason: CancelReason::DeadlineExceeded(_) } => "deadline-exceeded",
            Self::Cancelled { .. } => "cancelled",
            Self::Untrusted { .. } => "untrusted",
            Self::Refused { .. } => "refused",
        }
    }

    /// Returns the error response of the service, if there was one.
    #[must_use]
    pub fn response(&self) -> Option<&ErrorResponse> {
        match self {
            Self::BadCredentials { response, .. }
            | Self::ExpiredSession { response }
            | Self::ClockSkew { response, .. }
            | Self::MissingPermission { response, .. }
            | Self::RoleRefused { response, .. }
            | Self::NoSuchBucket { response, .. }
            | Self::WrongRegion { response, .. }
            | Self::KmsUnusable { response, .. }
            | Self::Throttled { response }
            | Self::Unavailable { response }
            | Self::Damaged { response, .. }
            | Self::Refused { response, .. } => Some(response),
            _ => None,
        }
    }
}

impl std::error::Error for DeliveryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotWritable { source, .. } | Self::Full { source, .. } | Self::Io { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}
