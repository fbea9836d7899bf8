//! One derivation, from the same parts as its rows: which grants admitted, which did not and on which part of
//! their condition, which a conflict of levels silenced, which guardrails block, which requests count, and
//! how each masked column came to look as it does.
//!
//! The answer is read off the outcomes themselves ([`Outcomes::class`](crate::Outcomes::class)), the steps off
//! the class and conditions that they were made of; a property test holds every step against every row.
//! Everything here is data; putting it into words is left to who shows it. Rules: design.md, section 3.

mod column;
mod condition;
mod conflict;
mod pair;
mod policy;
mod request;

use domesday_model::Instant;
use serde::Serialize;

pub use column::{ColumnExplanation, ColumnStep, MaskStep, Sight};
pub(crate) use condition::tags_with_ancestors;
pub use condition::{ConditionStep, Facts};
pub use conflict::{ConflictStep, RivalStep};
pub use policy::PolicyStep;
pub use request::RequestStep;

use crate::nearest::Way;
use crate::outcomes::{Because, Outcome};

/// Why a user can or cannot reach a data source in one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Username.
    pub user: String,
    /// Data source by name.
    pub data_source: String,
    /// The scope explained.
    pub scope: &'static str,
    /// The snapshot's instant.
    pub at: Instant,
    /// What comes of it: the `outcome` of the row, or that there is none.
    pub access: Access,
    /// What rules access out before any policy is looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Exclusion>,
    /// The parts of the `reason` field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<&'static str>,
    /// The field `grant_policy_ids`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_policy_ids: Vec<i64>,
    /// The field `guardrail_policy_ids`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guardrail_policy_ids: Vec<i64>,
    /// The field `request_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The field `expires_at`: when access ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// The field `merged_policy`: all grants and guardrails in one line; empty for a disabled data source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub merged_policy: String,
    /// Whether the user owns the data source.
    pub owner: bool,
    /// The grants that count for the scope.
    pub grants: Vec<PolicyStep>,
    /// The conflicts of levels among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<ConflictStep>,
    /// The guardrails that count for the scope.
    pub guardrails: Vec<PolicyStep>,
    /// The user's requests that name the data source or a product that holds it.
    pub requests: Vec<RequestStep>,
    /// How columns with masks appear to the user, when granted to read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnStep>,
    /// For somebody without access, the nearest ways to get it, shortest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
}

/// What comes of a user, a data source and a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Access {
    /// Granted and eligible.
    Granted,
    /// Granted, but a guardrail blocks.
    Blocked,
    /// Nothing grants it.
    None,
}

impl From<Outcome> for Access {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Granted => Self::Granted,
            Outcome::Blocked => Self::Blocked,
        }
    }
}

/// What rules access out altogether (rule 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Exclusion {
    /// The user is disabled.
    UserDisabled,
    /// The data source is disabled.
    DataSourceDisabled,
}

impl Because {
    /// The parts of the `reason` field in their order.
    #[must_use]
    pub fn parts(self) -> Vec<&'static str> {
        let parts = [(self.policy, "POLICY"), (self.owner, "OWNER"), (self.request, "REQUEST")];
        parts.into_iter().filter_map(|(there, name)| there.then_some(name)).collect()
    }
}
