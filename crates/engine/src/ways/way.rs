//! A way to access and its steps.

use domesday_model::Scope;
use serde::Serialize;

use crate::serialize;

/// One way to get access. All of its steps are needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The grant that would admit. Absent where none is needed: the user is granted already and only guardrails
    /// block, a data product gives access by itself, or the way is to see a column unmasked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// What has to change.
    pub steps: Vec<WayStep>,
}

/// One change on a way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum WayStep {
    /// Become a member of a group.
    JoinGroup {
        /// The group.
        group: String,
    },
    /// Leave a group.
    LeaveGroup {
        /// The group.
        group: String,
    },
    /// Have one of these values for an attribute.
    HaveAttribute {
        /// The attribute's key.
        key: String,
        /// The values, any of which suffices.
        any_of: Vec<String>,
    },
    /// Have none of these values for an attribute.
    LoseAttribute {
        /// The attribute's key.
        key: String,
        /// The values.
        all_of: Vec<String>,
    },
    /// Request access to the data source and have the request approved.
    AskForApproval {
        /// The scope to request.
        #[serde(serialize_with = "serialize::scope")]
        scope: Scope,
        /// The user's pending request for it, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pending: Option<String>,
    },
    /// Request a data product that contains the data source and have the request approved.
    AskForProduct {
        /// The product.
        data_product: String,
        /// The scope to request.
        #[serde(serialize_with = "serialize::scope")]
        scope: Scope,
        /// The user's pending request for it, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pending: Option<String>,
    },
    /// Request a masking exception for the column and have the request approved.
    AskForException {
        /// The column.
        column: String,
        /// The user's pending request for it, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pending: Option<String>,
    },
    /// Be named in a policy of level `individuals`.
    BeNamed {
        /// The policy.
        policy: String,
    },
}
