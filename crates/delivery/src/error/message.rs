//! What is wrong, in words.

use std::fmt;

use super::DeliveryError;

impl DeliveryError {
    /// Returns what is wrong.
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
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem())?;
        let fix = self.fix();
        if !fix.is_empty() {
            write!(f, "; {fix}")?;
        }
        match self.response() {
            Some(response) => write!(f, " ({response})"),
            None => Ok(()),
        }
    }
}
