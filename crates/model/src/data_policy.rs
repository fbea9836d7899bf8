//! Data policies, which mask columns, as declared.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AppliesTo, Condition, Instant, PolicyState};

/// How masked values are changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Mask {
    /// Replaced by null.
    Null,
    /// Replaced by a hash.
    Hash,
    /// Replaced by one value.
    Constant {
        /// The value shown.
        value: serde_json::Value,
    },
    /// Rounded.
    Rounding {
        /// To multiples of this.
        precision: serde_json::Number,
    },
}

/// A [`Mask`] without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MaskKind {
    /// See [`Mask::Null`].
    Null,
    /// See [`Mask::Hash`].
    Hash,
    /// See [`Mask::Constant`].
    Constant,
    /// See [`Mask::Rounding`].
    Rounding,
}

impl MaskKind {
    /// Returns the name in the catalog format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Hash => "hash",
            Self::Constant => "constant",
            Self::Rounding => "rounding",
        }
    }
}

impl fmt::Display for MaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Mask {
    /// Returns the kind of the mask.
    #[must_use]
    pub fn kind(&self) -> MaskKind {
        match self {
            Self::Null => MaskKind::Null,
            Self::Hash => MaskKind::Hash,
            Self::Constant { .. } => MaskKind::Constant,
            Self::Rounding { .. } => MaskKind::Rounding,
        }
    }
}

/// Which columns a data policy masks: any entry of any key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ColumnSelector {
    /// A tag of the column is one of these or below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tagged: Vec<String>,
    /// Globs over the column's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// A data policy: masks columns for everyone but those it excepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataPolicy {
    /// Unique name among data policies.
    pub name: String,
    /// How values are changed.
    pub mask: Mask,
    /// Which columns.
    pub columns: ColumnSelector,
    /// The data sources to which it applies.
    pub applies_to: AppliesTo,
    /// Users for whom the column is not masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Condition>,
    /// Whether it is evaluated.
    #[serde(default)]
    pub state: PolicyState,
    /// Username of the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When it was created; the first apply when not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
}
