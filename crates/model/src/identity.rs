//! Tenant, users and groups, as declared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Instant;

/// The built-in group that contains every active user.
pub const ALL_USERS: &str = "All Users";

/// Attribute key to the set of its values.
pub type Attributes = BTreeMap<String, BTreeSet<String>>;

/// The one organisation whose data a deployment governs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Display name.
    pub name: String,
    /// IANA time zone of schedules.
    pub time_zone: String,
    /// Immutable once stored; also the external id of assumed roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

impl Tenant {
    /// Returns the id of a tenant that declares none, where a random one cannot be stored: the UUIDv5 of its name.
    #[must_use]
    pub fn derived_id(&self) -> Uuid {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, b"urn:domesday:tenant");
        Uuid::new_v5(&namespace, self.name.as_bytes())
    }
}

/// Whether a user can have access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UserStatus {
    /// Evaluated.
    #[default]
    Active,
    /// Has no access whatever the policies say.
    Disabled,
}

/// A permission in Domesday itself (`docs/access.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Permission {
    /// Policies, export configuration and runs.
    Governance,
    /// Users, groups, attributes and permissions.
    UserAdmin,
    /// Read access to outcomes and explanations.
    Audit,
    /// Registering data sources.
    CreateDataSource,
    /// The deployment itself.
    ApplicationAdmin,
}

impl Permission {
    /// Every permission, in the order of `docs/access.md`.
    pub const ALL: [Self; 5] =
        [Self::Governance, Self::UserAdmin, Self::Audit, Self::CreateDataSource, Self::ApplicationAdmin];

    /// Returns the name in files, API and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::UserAdmin => "USER_ADMIN",
            Self::Audit => "AUDIT",
            Self::CreateDataSource => "CREATE_DATA_SOURCE",
            Self::ApplicationAdmin => "APPLICATION_ADMIN",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == text).ok_or(())
    }
}

/// A named set of users with attributes that its members inherit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Unique name.
    pub name: String,
    /// What the group is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Attributes that every member has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: Attributes,
}

/// A person or service whose access is governed: the principal of every decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Unique name.
    pub username: String,
    /// Display name; the username when not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `global_user_id`; UUIDv5 of tenant id and username when not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The identity provider of the user (`iam_id`).
    #[serde(default = "builtin", skip_serializing_if = "is_builtin")]
    pub identity_provider: String,
    /// Active or disabled.
    #[serde(default)]
    pub status: UserStatus,
    /// The user's groups without `All Users`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// The user's own attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: Attributes,
    /// The user's permissions in Domesday.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub permissions: BTreeSet<Permission>,
    /// The employee number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// Department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The manager's username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// When the person leaves or left, as the system of record states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaving_date: Option<Instant>,
    /// When the account was created; the first apply when not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
}

/// The identity provider of users who name none.
pub(crate) const BUILTIN_PROVIDER: &str = "builtin";

fn builtin() -> String {
    BUILTIN_PROVIDER.to_owned()
}

fn is_builtin(provider: &str) -> bool {
    provider == BUILTIN_PROVIDER
}

impl User {
    /// Creates an active user of the built-in identity provider with a name and nothing else.
    #[must_use]
    pub fn named(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            name: None,
            email: None,
            id: None,
            identity_provider: builtin(),
            status: UserStatus::Active,
            groups: BTreeSet::new(),
            attributes: Attributes::new(),
            permissions: BTreeSet::new(),
            employee_number: None,
            department: None,
            title: None,
            manager: None,
            leaving_date: None,
            created_at: None,
        }
    }
}
