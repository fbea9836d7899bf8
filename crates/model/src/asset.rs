//! Tags, domains, data sources and columns, as declared.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::limits::check_name;

/// A label in a dotted hierarchy: `PII.Contact.Email` is below `PII.Contact` and `PII`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    /// Full dotted name.
    pub name: String,
    /// What the tag means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Returns the proper dotted ancestors of a name, nearest first.
///
/// ```
/// let ancestors: Vec<_> = domesday_model::dotted_ancestors("PII.Contact.Email").collect();
/// assert_eq!(ancestors, ["PII.Contact", "PII"]);
/// ```
pub fn dotted_ancestors(name: &str) -> impl Iterator<Item = &str> {
    name.rmatch_indices('.').map(|(dot, _)| &name[..dot])
}

/// Whether a text can be the name of a tag: a name in which no part between dots is empty.
///
/// ```
/// use domesday_model::is_tag_name;
///
/// assert!(is_tag_name("PII.Contact.Email"));
/// assert!(!is_tag_name("PII..Email") && !is_tag_name("PII."));
/// ```
#[must_use]
pub fn is_tag_name(text: &str) -> bool {
    check_name(text).is_ok() && text.split('.').all(|part| !part.trim().is_empty())
}

/// A named set of data sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Unique name.
    pub name: String,
    /// What the domain contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Permissions inside the domain only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<DomainPermission>,
}

/// One user's permission inside one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainPermission {
    /// Username.
    pub user: String,
    /// The permission's name, such as `MANAGE_POLICIES`.
    pub permission: String,
}

/// Whether a data source is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DataSourceStatus {
    /// Evaluated.
    #[default]
    Enabled,
    /// Has no outcomes.
    Disabled,
}

/// A table, view or file set on some platform: the object of every decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataSource {
    /// Unique name.
    pub name: String,
    /// Platform, free text in lower case (`snowflake`).
    pub platform: String,
    /// Host of the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Database or catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Domain by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Usernames of the owners.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub owners: BTreeSet<String>,
    /// Enabled or disabled.
    #[serde(default)]
    pub status: DataSourceStatus,
    /// Tags of the data source itself.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Columns in ordinal order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// Policies with `appliesTo: optIn` that the source opts into.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub opt_in_policies: BTreeSet<String>,
    /// The policy whose level counts in a conflict of levels (`docs/access.md` rule 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_choice: Option<String>,
    /// When the source was registered; the first apply when not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
}

/// One column of a data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Name, unique in its data source.
    pub name: String,
    /// The platform's own type name.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether the column is nullable.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub nullable: bool,
    /// Tags of the column.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// What the column contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_yes(value: &bool) -> bool {
    *value
}
