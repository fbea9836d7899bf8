//! Why a directory cannot be read.

use std::time::Duration;

use crate::network::ConnectError;

/// Why a directory cannot be read, by what can be done about it. No error contains the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LdapError {
    /// A field of the connection is invalid; nothing was connected to.
    #[error("`{field}` is invalid: {message}")]
    Configuration {
        /// The field, such as `users.filter`.
        field: String,
        /// What was expected, and what was found.
        message: String,
    },
    /// An attribute in the mapping is none that the directory knows.
    #[error(
        "`{field}` names the attribute `{attribute}`, which the schema of the directory does not have{}",
        near.as_deref().map(|near| format!("\nhelp: did you mean `{near}`?")).unwrap_or_default()
    )]
    UnknownAttribute {
        /// The field, such as `users.attributes.email`.
        field: String,
        /// The attribute.
        attribute: String,
        /// The attribute that may have been meant.
        near: Option<String>,
    },
    /// The server cannot be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The directory does not accept the name and the password.
    #[error(
        "the directory does not accept the password of `{bind_dn}`{}\nhelp: check `bindDn` and the password; the account may be locked or \
         expired",
        quoted(message)
    )]
    Credentials {
        /// The name that was used.
        bind_dn: String,
        /// The directory's own words.
        message: String,
    },
    /// The directory does not answer without a name and a password.
    #[error(
        "the directory does not answer anonymously{}\nhelp: set `bindDn` and the password of an account that may read people and groups",
        quoted(message)
    )]
    AnonymousRefused {
        /// The directory's own words.
        message: String,
    },
    /// The entry below which is searched does not exist, or the account may not see it.
    #[error(
        "`{field}` names the entry `{base}`, which does not exist or which the account may not see{}",
        if matched.is_empty() { String::new() } else { format!("\nhelp: the directory has `{}`", domesday_model::Excerpt(matched)) }
    )]
    UnknownBase {
        /// The field, such as `users.base`.
        field: String,
        /// The entry.
        base: String,
        /// The part of it that exists.
        matched: String,
    },
    /// The directory, or a bound of this reader, allows fewer entries than there are.
    #[error("{what}; nothing was read\nhelp: {help}")]
    TooMuch {
        /// What is too much.
        what: String,
        /// What to do.
        help: String,
    },
    /// The directory refuses a request for another reason.
    #[error("the directory refused to {operation}: {reason} (result code {code}){}", quoted(message))]
    Refused {
        /// What was asked for, such as `search the users`.
        operation: String,
        /// The result code (RFC 4511, appendix A).
        code: i64,
        /// Its meaning.
        reason: &'static str,
        /// The directory's own words.
        message: String,
    },
    /// The connection ended before the answer was complete.
    #[error("the connection to `{host}` ended before the answer was complete: {reason}; nothing was read")]
    Interrupted {
        /// Host and port.
        host: String,
        /// How.
        reason: String,
    },
    /// The server did not answer in time.
    #[error("`{host}` did not answer within {} s; nothing was read", limit.as_secs_f64())]
    TimedOut {
        /// Host and port.
        host: String,
        /// The time limit that passed.
        limit: Duration,
    },
    /// The answer is not complete, although the server says that it is.
    #[error("the answer of the directory is not complete: {0}; nothing was read")]
    Incomplete(String),
    /// The server does not speak LDAP as RFC 4511 has it.
    #[error("`{host}` does not answer as an LDAP server: {reason}")]
    Protocol {
        /// Host and port.
        host: String,
        /// What is wrong.
        reason: String,
    },
}

impl LdapError {
    /// Whether the same attempt may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect(ConnectError::Unreachable { .. })
            | Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::Incomplete(_)
            | Self::Protocol { .. } => true,
            // Busy, unavailable, other.
            Self::Refused { code, .. } => matches!(code, 51 | 52 | 80),
            Self::Configuration { .. }
            | Self::UnknownAttribute { .. }
            | Self::Connect(ConnectError::NotAllowed { .. } | ConnectError::Tls { .. })
            | Self::Credentials { .. }
            | Self::AnonymousRefused { .. }
            | Self::UnknownBase { .. }
            | Self::TooMuch { .. } => false,
        }
    }

    pub(super) fn configuration(field: &str, message: impl Into<String>) -> Self {
        Self::Configuration { field: field.to_owned(), message: message.into() }
    }
}

/// The words of a server after a colon, if there are any.
fn quoted(message: &str) -> String {
    let message = message.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if message.is_empty() { String::new() } else { format!(": `{}`", domesday_model::Excerpt(message)) }
}

/// Returns why Active Directory does not accept a password, which it hides in a number: `…, data 775, v4563`.
pub(super) fn sign_in_reason(message: &str) -> Option<&'static str> {
    let (_, rest) = message.split_once(", data ")?;
    Some(match rest.split(',').next()? {
        "525" => "there is no such account",
        "52e" => "the name or the password is wrong",
        "530" => "the account may not sign in at this time",
        "531" => "the account may not sign in from this machine",
        "532" => "the password has expired",
        "533" => "the account is disabled",
        "701" => "the account has expired",
        "773" => "the password must be changed",
        "775" => "the account is locked",
        _ => return None,
    })
}

/// Returns what a result code means (RFC 4511, appendix A.2).
pub(super) fn meaning(code: i64) -> &'static str {
    match code {
        1 => "an operation was in the wrong order",
        2 => "a protocol error",
        3 => "its time limit passed",
        4 => "its size limit is exceeded",
        7 => "this way of authentication is not supported",
        8 => "stronger authentication is required",
        10 => "the entry is on another server, and referrals are not followed",
        11 => "an administrative limit is exceeded",
        12 => "it does not support paged results, which are required",
        13 => "confidentiality is required",
        16 => "there is no such attribute",
        17 => "the attribute is not defined",
        18 => "the attribute cannot be matched like this",
        32 => "there is no such entry",
        34 => "the name of the entry is malformed",
        48 => "this way of authentication is not allowed",
        49 => "the credentials are wrong",
        50 => "the account has no right to do so",
        51 => "it is busy",
        52 => "it is unavailable",
        53 => "it is unwilling to do so",
        _ => "an error of the server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_directory_says_why_a_password_is_refused() {
        let message =
            "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 775, v4563\0";
        assert_eq!(sign_in_reason(message), Some("the account is locked"));
        assert_eq!(sign_in_reason("data 775"), None);
        let error = LdapError::Credentials {
            bind_dn: "reader".to_owned(),
            message: "the account is locked".to_owned(),
        };
        assert!(error.to_string().starts_with(
            "the directory does not accept the password of `reader`: `the account is locked`\nhelp: check `bindDn`"
        ));
    }

    #[test]
    fn what_may_pass_by_itself_is_retryable() {
        let refused = |code| LdapError::Refused {
            operation: String::new(),
            code,
            reason: meaning(code),
            message: String::new(),
        };
        assert!(refused(51).is_retryable() && !refused(50).is_retryable());
        assert!(!LdapError::configuration("url", "x").is_retryable());
    }
}
