//! The error response of a service, made fit for messages and logs.

use std::fmt;

/// The error response of a service. Every text is one line of bounded length without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorResponse {
    /// `S3`, `STS` or another service.
    pub service: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Its own code, such as `AccessDenied`; empty when it gave none.
    pub code: String,
    /// Its own message.
    pub message: String,
    /// The id of the request, for the operators of the service.
    pub request_id: String,
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers {}", self.service, self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message.trim_end_matches('.'))?;
        }
        if !self.request_id.is_empty() {
            write!(f, "; request id {}", self.request_id)?;
        }
        Ok(())
    }
}
