//! Why a delivery failed, by what to do about it.
//!
//! A message has up to three parts: what is wrong, what to do, and what the service itself said with the id
//! under which its operators find the request.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::aws_partition::is_aws_host;
use crate::{Answer, CancelReason};

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
        /// What the system says.
        source: io::Error,
    },
    /// There is no room left.
    Full {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Reading or writing failed otherwise.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was configured cannot be: the message says what to write instead.
    Configuration {
        /// What is wrong and what is meant.
        message: String,
    },
    /// No credentials were found.
    NoCredentials {
        /// Where they were looked for, and what was there.
        tried: String,
    },
    /// The key or its secret is not accepted.
    BadCredentials {
        /// The access key's id.
        access_key_id: String,
        /// What the service says.
        answer: Box<Answer>,
    },
    /// Temporary credentials have ended.
    ExpiredSession {
        /// What the service says.
        answer: Box<Answer>,
    },
    /// This machine's clock and the service's differ too much.
    ClockSkew {
        /// How many seconds this clock is ahead, if the service tells its time.
        ahead: Option<i64>,
        /// What the service says.
        answer: Box<Answer>,
    },
    /// A right is missing.
    MissingPermission {
        /// The action, such as `s3:PutObject`.
        action: String,
        /// The resource it is needed on, as an ARN.
        resource: String,
        /// Whether a put that asked for no encryption was refused: a bucket policy may require it.
        asked_no_encryption: bool,
        /// What the service says.
        answer: Box<Answer>,
    },
    /// The role does not let itself be assumed.
    RoleRefused {
        /// The role's ARN.
        role: String,
        /// The external id that was given.
        external_id: String,
        /// What the service says.
        answer: Box<Answer>,
    },
    /// There is no such bucket.
    NoSuchBucket {
        /// Its name.
        bucket: String,
        /// What the service says.
        answer: Box<Answer>,
    },
    /// The bucket is elsewhere.
    WrongRegion {
        /// The bucket.
        bucket: String,
        /// The region that was configured.
        used: String,
        /// The region that the service names.
        actual: Option<String>,
        /// What the service says.
        answer: Box<Answer>,
    },
    /// The KMS key cannot be used.
    KmsUnusable {
        /// The key.
        key: String,
        /// What the service says.
        answer: Box<Answer>,
    },
    /// The service asks to go slower.
    Throttled {
        /// What the service says.
        answer: Box<Answer>,
    },
    /// The service fails on its side.
    Unavailable {
        /// What the service says.
        answer: Box<Answer>,
    },
    /// What arrived is not what was sent.
    Damaged {
        /// The key of the file.
        key: String,
        /// What the service says.
        answer: Box<Answer>,
    },
    /// There was no answer: no connection, one that broke off, or none in time.
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
    /// The server does not agree to an encrypted connection.
    TlsFailed {
        /// Scheme and host.
        host: String,
        /// What happened.
        reason: String,
    },
    /// What the server sends is not HTTP.
    InvalidResponse {
        /// Scheme and host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What the server sends is larger than anything that a summary needs.
    LimitExceeded {
        /// What is too large, with the limit that it exceeds.
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
        /// What was asked of it, such as `put v1/_manifest.json`.
        what: String,
        /// What the service says.
        answer: Box<Answer>,
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

    /// The variant's name in kebab-case: what programs tell failures apart by.
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

    /// What the service said, where one did.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::BadCredentials { answer, .. }
            | Self::ExpiredSession { answer }
            | Self::ClockSkew { answer, .. }
            | Self::MissingPermission { answer, .. }
            | Self::RoleRefused { answer, .. }
            | Self::NoSuchBucket { answer, .. }
            | Self::WrongRegion { answer, .. }
            | Self::KmsUnusable { answer, .. }
            | Self::Throttled { answer }
            | Self::Unavailable { answer }
            | Self::Damaged { answer, .. }
            | Self::Refused { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> String {
        match self {
            Self::NotADirectory { path } => format!("{} is a file", path.display()),
            Self::NotWritable { path, source } => format!("cannot write into {}: {source}", path.display()),
            Self::Full { path, source } => format!("no room left in {} ({source})", path.display()),
            Self::Io { path, source } => format!("{}: {source}", path.display()),
            Self::Configuration { message } => message.clone(),
            Self::NoCredentials { tried } => format!("no AWS credentials were found: {tried}"),
            Self::BadCredentials { access_key_id, .. } => {
                format!("the access key {access_key_id} or its secret is not accepted")
            }
            Self::ExpiredSession { .. } => "the temporary credentials are no longer valid".to_owned(),
            Self::ClockSkew { ahead: Some(0) | None, .. } => {
                "this machine's clock differs too much from the service's".to_owned()
            }
            Self::ClockSkew { ahead: Some(ahead), .. } => {
                let side = if *ahead > 0 { "ahead of" } else { "behind" };
                format!("this machine's clock is {} s {side} the service's", ahead.abs())
            }
            Self::MissingPermission { action, resource, .. } => {
                format!("the credentials lack {action} on {resource}")
            }
            Self::RoleRefused { role, external_id, .. } => {
                format!("the role {role} could not be assumed with the external id {external_id}")
            }
            Self::NoSuchBucket { bucket, .. } => format!("there is no bucket `{bucket}`"),
            Self::WrongRegion { bucket, used, actual: Some(actual), .. } => {
                format!("the bucket `{bucket}` is in {actual}, not in {used}")
            }
            Self::WrongRegion { bucket, used, actual: None, .. } => {
                format!("the bucket `{bucket}` is not in {used}")
            }
            Self::KmsUnusable { key, .. } => format!("the KMS key {key} cannot be used"),
            Self::Throttled { .. } => "the service asks to go slower".to_owned(),
            Self::Unavailable { .. } => "the service fails on its side".to_owned(),
            Self::Damaged { key, .. } => format!("{key} did not arrive as it was sent"),
            Self::Unreachable { host, reason } => format!("no answer from {host}: {reason}"),
            Self::HostNotFound { host } => format!("there is no host `{host}`"),
            Self::TlsFailed { host, reason } => {
                format!("no encrypted connection to {host} could be established: {reason}")
            }
            Self::InvalidResponse { host, reason } => {
                format!("the answer of {host} is not valid HTTP: {reason}")
            }
            Self::LimitExceeded { what } => what.clone(),
            Self::Cancelled { reason } => reason.to_string(),
            Self::Untrusted { host, reason } => format!("the certificate of {host} is not trusted: {reason}"),
            Self::Refused { what, .. } => format!("cannot {what}"),
        }
    }

    /// What to do; empty where the problem says it.
    #[must_use]
    pub fn fix(&self) -> String {
        let fix = match self {
            Self::NotADirectory { .. } => "name a directory to write the summary into",
            Self::NotWritable { .. } => "check that the directory is yours to write",
            Self::Full { .. } => "nothing at the destination was changed, free some space and run again",
            Self::Io { .. } | Self::Configuration { .. } => "",
            Self::NoCredentials { .. } => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is attached"
            }
            Self::BadCredentials { .. } => {
                "check that the key exists, is active, belongs to this service and comes with its own secret"
            }
            Self::ExpiredSession { .. } => "renew the session and run again",
            Self::ClockSkew { .. } => {
                "set this machine's clock right (NTP): it also dates the snapshot, so nothing is sent until it is"
            }
            Self::MissingPermission { action, asked_no_encryption, .. } => {
                return missing_permission(action, *asked_no_encryption);
            }
            Self::RoleRefused { .. } => {
                "let the role's trust policy name the identity that assumes it and this external id \
                 (`domesday setup trust-policy` prints it), and let that identity call sts:AssumeRole"
            }
            Self::NoSuchBucket { .. } => "check the name, or create it",
            Self::WrongRegion { actual: Some(actual), .. } => {
                return format!("set the region to {actual}");
            }
            Self::WrongRegion { actual: None, .. } => "set the bucket's own region",
            Self::KmsUnusable { .. } => {
                "name an enabled symmetric key in the bucket's region by its ARN, and let its policy allow \
                 kms:GenerateDataKey and kms:Decrypt (`domesday setup key-policy` prints it)"
            }
            Self::Throttled { .. } | Self::Unavailable { .. } => "run again later",
            Self::Damaged { .. } => "look for a proxy or a disk that changes data on the way",
            Self::Unreachable { .. } => "check the endpoint, the network and any proxy on the way",
            Self::HostNotFound { host } if is_aws_host(host) => {
                "check the region, and whether this machine can look up names (DNS)"
            }
            Self::HostNotFound { .. } => {
                "check the spelling of the endpoint, and whether this machine can look up names (DNS)"
            }
            Self::TlsFailed { .. } => {
                "check that the endpoint speaks TLS on this port; one that does not begins with http://"
            }
            Self::InvalidResponse { .. } => {
                "check that the endpoint is an S3 server; one that speaks TLS begins with https://"
            }
            Self::LimitExceeded { .. } => {
                "check that the endpoint is an S3 server, and give the summary a path of its own in the bucket"
            }
            Self::Cancelled { reason: CancelReason::DeadlineExceeded(_) } => {
                "check whether the endpoint answers at its usual speed"
            }
            Self::Cancelled { .. } => "",
            Self::Untrusted { reason, .. } if reason.contains("not valid for name") => {
                "check the endpoint: the server answers under another name"
            }
            Self::Untrusted { reason, .. }
                if reason.contains("expired") || reason.contains("not valid yet") =>
            {
                "renew the server's certificate, and check this machine's clock"
            }
            Self::Untrusted { .. } => "name your own authority's certificates in AWS_CA_BUNDLE",
            Self::Refused { .. } => "",
        };
        fix.to_owned()
    }
}

fn missing_permission(action: &str, asked_no_encryption: bool) -> String {
    match action {
        "s3:PutObject" if asked_no_encryption => format!(
            "{}; if the bucket policy requires that encryption is asked for, set `encryption` to AES256 (--sse AES256) \
             or name a KMS key",
            missing_permission(action, false)
        ),
        "s3:ListBucket" | "s3:PutObject" => format!(
            "allow {action} there and look for a policy that denies it (`domesday setup iam-policy` prints what is \
             needed, `domesday setup bucket-policy` what a bucket of another account needs)"
        ),
        action if action.starts_with("kms:") => {
            format!(
                "allow {action} in the identity's policy and in the key's (`domesday setup key-policy` prints it)"
            )
        }
        action => format!("allow {action} there and look for a policy that denies it"),
    }
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem())?;
        let fix = self.fix();
        if !fix.is_empty() {
            write!(f, "; {fix}")?;
        }
        match self.answer() {
            Some(answer) => write!(f, " ({answer})"),
            None => Ok(()),
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
