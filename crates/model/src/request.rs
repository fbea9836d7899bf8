//! Access requests and what was decided on them, as declared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Instant, Scope};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RequestType {
    /// Access to a data source or product.
    DataAccess,
    /// Seeing columns clear that a data policy masks.
    MaskingException,
}

/// Where a request stands. Expiry follows from [`Request::expires_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RequestStatus {
    /// Not decided.
    Pending,
    /// Approved.
    Approved,
    /// Denied.
    Denied,
    /// Withdrawn by who asked.
    Canceled,
    /// Approved once, then taken back.
    Revoked,
}

/// The one thing a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// A data product by name.
    DataProduct(String),
    /// A data source by name.
    DataSource(String),
}

/// Somebody's wish for access, with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Unique id.
    pub id: String,
    /// Access, or an exception from masking.
    #[serde(rename = "type")]
    pub kind: RequestType,
    /// Username for whom.
    pub user: String,
    /// Username of who asked; the user when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// What it is about.
    #[serde(flatten)]
    pub target: Target,
    /// The columns of a masking exception.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub columns: BTreeSet<String>,
    /// The scope asked for.
    #[serde(default)]
    pub scope: Scope,
    /// Where it stands.
    pub status: RequestStatus,
    /// Answers by question id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, serde_json::Value>,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed; its creation when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Instant>,
    /// When an approval ends.
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
    /// Whether the request is approved and its end, if any, lies after `at`.
    #[must_use]
    pub fn is_in_force(&self, at: Instant) -> bool {
        self.status == RequestStatus::Approved && self.expires_at.is_none_or(|end| end > at)
    }
}

/// What a reviewer decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeterminationStatus {
    /// Yes.
    Approved,
    /// No.
    Denied,
    /// Not yet.
    Pending,
    /// Waits for an earlier step.
    Blocked,
    /// No longer needed.
    Canceled,
}

/// One decision on a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Determination {
    /// Username of who decided.
    pub by: String,
    /// The decision.
    pub status: DeterminationStatus,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// For how many days the approval holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_days: Option<i64>,
    /// When.
    pub at: Instant,
}

/// An agreement accepted with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedAgreement {
    /// The agreement's name.
    pub name: String,
    /// The version accepted.
    pub version: i64,
    /// Username of who accepted.
    pub accepted_by: String,
    /// When.
    pub accepted_at: Instant,
}
