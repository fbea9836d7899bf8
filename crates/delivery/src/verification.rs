//! The verification of a destination: named checks, each with what to fix.
//!
//! A check that is impossible because an earlier one failed is skipped.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{CallContext, DeliveryError, DestinationConfig, TenantName};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It works.
    Passed,
    /// It does not.
    Failed,
    /// It was not tried.
    Skipped,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationCheck {
    /// `credentials`, `list` or `put`.
    pub name: Cow<'static, str>,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found.
    pub message: String,
    /// What to do about it; only when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The failure's kind, such as `missing-permission`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Cow<'static, str>>,
    /// The service's own code, such as `AccessDenied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The service's own message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_message: Option<String>,
    /// The id of the request, for the operators of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Every check of a destination, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// The destination.
    pub destination: String,
    /// Whether no check failed.
    pub ok: bool,
    /// The checks.
    pub checks: Vec<VerificationCheck>,
}

impl VerificationCheck {
    /// Creates a check that passed.
    pub(crate) fn passed(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, CheckStatus::Passed, message)
    }

    /// Creates a check that was not tried.
    pub(crate) fn skipped(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, CheckStatus::Skipped, message)
    }

    /// Creates a check that failed, with what to fix.
    pub(crate) fn failed(name: &'static str, error: &DeliveryError) -> Self {
        let unless_empty = |text: &String| (!text.is_empty()).then(|| text.clone());
        let response = error.response();
        Self {
            fix: unless_empty(&error.fix()),
            kind: Some(error.kind().into()),
            code: response.and_then(|response| unless_empty(&response.code)),
            service_message: response.and_then(|response| unless_empty(&response.message)),
            request_id: response.and_then(|response| unless_empty(&response.request_id)),
            ..Self::new(name, CheckStatus::Failed, error.problem())
        }
    }

    fn new(name: &'static str, status: CheckStatus, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            name: name.into(),
            status,
            message,
            fix: None,
            kind: None,
            code: None,
            service_message: None,
            request_id: None,
        }
    }
}

/// Verifies a destination. Exactly what a delivery does is tried, and no more.
#[must_use]
pub fn verify(
    destination: &dyn DestinationConfig,
    tenant: &TenantName,
    call_context: &CallContext,
) -> Verification {
    let checks = destination.verify(tenant, call_context);
    let ok = checks.iter().all(|check| check.status != CheckStatus::Failed);
    Verification { destination: destination.name(), ok, checks }
}
