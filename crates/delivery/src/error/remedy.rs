//! What to do about an error.

use super::DeliveryError;
use crate::CancelReason;
use crate::aws_partition::is_aws_host;

impl DeliveryError {
    /// Returns what to do; empty where the problem says it.
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
