//! Access requests and the decisions on them, as declared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Answer, ApprovalDuration, Instant, Scope};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// The type of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RequestType {
    /// Access to a data source or product.
    DataAccess,
    /// An exception from the masking of columns.
    MaskingException,
}

/// The status of a request. Expiry follows from [`Request::expires_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RequestStatus {
    /// Not decided.
    Pending,
    /// Approved.
    Approved,
    /// Denied.
    Denied,
    /// Withdrawn by the requester.
    Canceled,
    /// Approved, then revoked.
    Revoked,
}

/// The object of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// A data product by name.
    DataProduct(String),
    /// A data source by name.
    DataSource(String),
}

/// A request for access, with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Unique id.
    pub id: String,
    /// Access, or an exception from masking.
    #[serde(rename = "type")]
    pub kind: RequestType,
    /// Username of the user for whom it is.
    pub user: String,
    /// Username of the requester; the user when not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// Its object.
    #[serde(flatten)]
    pub target: Target,
    /// The columns of a masking exception.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// The requested scope.
    #[serde(default)]
    pub scope: Scope,
    /// Its status.
    pub status: RequestStatus,
    /// Answers by question id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, Answer>,
    /// When it was created.
    pub created_at: Instant,
    /// When it last changed; its creation when not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
    /// When the approval expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Decisions, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub determinations: Vec<Determination>,
    /// Agreements accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agreements: Vec<AcceptedAgreement>,
}

impl Request {
    /// Returns the username of the requester, or of the user who made the request for themselves.
    #[must_use]
    pub fn made_by(&self) -> &str {
        self.requester.as_deref().unwrap_or(&self.user)
    }

    /// Whether a user made the request or is the one it is for. Such a user never decides it.
    #[must_use]
    pub fn is_party(&self, username: &str) -> bool {
        self.user == username || self.made_by() == username
    }

    /// Whether there is a decision on the request, which makes it evidence.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        !matches!(self.status, RequestStatus::Pending | RequestStatus::Canceled)
            || self.expires_at.is_some()
            || !self.determinations.is_empty()
    }

    /// Whether the request is approved and expires after `at`, if at all.
    #[must_use]
    pub fn is_in_force(&self, at: Instant) -> bool {
        self.status == RequestStatus::Approved && self.expires_at.is_none_or(|end| end > at)
    }
}

/// The decision of a reviewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeterminationStatus {
    /// Approved.
    Approved,
    /// Denied.
    Denied,
    /// Not decided.
    Pending,
    /// Waits for an earlier step.
    Blocked,
    /// No longer needed.
    Canceled,
    /// An approval was revoked.
    Revoked,
}

/// One decision on a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Determination {
    /// Username of the reviewer.
    pub by: String,
    /// The decision.
    pub status: DeterminationStatus,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For how many days of 24 hours the approval is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_days: Option<i64>,
    /// For how long the approval is valid; never together with `duration_days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<ApprovalDuration>,
    /// When.
    pub at: Instant,
}

impl Determination {
    /// Returns when an approval given at `start` expires, if the decision limits it.
    #[must_use]
    pub fn end_from(&self, start: Instant) -> Option<Instant> {
        if let Some(duration) = &self.duration {
            return Some(duration.end_from(start));
        }
        let micros = self.duration_days?.saturating_mul(MICROS_PER_DAY);
        Some(Instant::from_micros(start.as_micros().saturating_add(micros)))
    }

    /// Returns for how many seconds the approval is valid, counted from the decision.
    #[must_use]
    pub fn duration_seconds(&self) -> Option<i64> {
        if let (None, Some(days)) = (&self.duration, self.duration_days) {
            return Some(days.saturating_mul(MICROS_PER_DAY / MICROS_PER_SECOND));
        }
        let end = self.end_from(self.at)?;
        Some(end.as_micros().saturating_sub(self.at.as_micros()) / MICROS_PER_SECOND)
    }
}

/// An agreement accepted with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedAgreement {
    /// The agreement's name.
    pub name: String,
    /// The version accepted.
    pub version: i64,
    /// Username of the user who accepted.
    pub accepted_by: String,
    /// When.
    pub accepted_at: Instant,
}
