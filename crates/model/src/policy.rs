//! Subscription policies, which decide on access, as declared.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Condition, Instant};

/// The kind of a subscription policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyKind {
    /// Admits users; access requires at least one.
    Grant,
    /// Must be passed by everyone, owners and approved requesters included.
    Guardrail,
}

/// The scope of access: reading, or writing as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// Read.
    #[default]
    Read,
    /// Write; a grant to write is one to read too.
    Write,
}

impl Scope {
    /// Both scopes, in the order of the policy-outcomes table.
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    /// Returns the position in [`Scope::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Read => 0,
            Self::Write => 1,
        }
    }

    /// Returns the name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a policy is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyState {
    /// Evaluated.
    #[default]
    Active,
    /// Prepared, not yet evaluated.
    Staged,
    /// Switched off.
    Disabled,
}

impl PolicyState {
    /// Returns the name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Staged => "STAGED",
            Self::Disabled => "DISABLED",
        }
    }
}

/// The level of a subscription policy: whom it admits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "level", rename_all = "camelCase")]
pub enum Level {
    /// Everyone.
    Anyone,
    /// Everyone with an approved request.
    Approval,
    /// Users for whom the condition holds.
    Entitlements {
        /// The condition on the user.
        condition: Condition,
    },
    /// The users and groups named.
    Individuals {
        /// The users and groups.
        individuals: Individuals,
    },
}

/// A [`Level`] without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LevelKind {
    /// See [`Level::Anyone`].
    Anyone,
    /// See [`Level::Approval`].
    Approval,
    /// See [`Level::Individuals`].
    Individuals,
    /// See [`Level::Entitlements`].
    Entitlements,
}

impl LevelKind {
    /// Returns the name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "ANYONE",
            Self::Approval => "APPROVAL",
            Self::Individuals => "INDIVIDUALS",
            Self::Entitlements => "ENTITLEMENTS",
        }
    }

    /// Returns the rank in a conflict of levels, the most restrictive highest; `None` for the level that takes no part
    /// (`docs/access.md` rule 2).
    #[must_use]
    pub fn restrictiveness(self) -> Option<u8> {
        match self {
            Self::Anyone => Some(0),
            Self::Approval => Some(1),
            Self::Individuals => Some(2),
            Self::Entitlements => None,
        }
    }
}

impl fmt::Display for LevelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Level {
    /// Returns the kind of the level.
    #[must_use]
    pub fn kind(&self) -> LevelKind {
        match self {
            Self::Anyone => LevelKind::Anyone,
            Self::Approval => LevelKind::Approval,
            Self::Entitlements { .. } => LevelKind::Entitlements,
            Self::Individuals { .. } => LevelKind::Individuals,
        }
    }
}

/// Users and groups by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Individuals {
    /// Usernames.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub users: BTreeSet<String>,
    /// Group names; `All Users` may be among them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
}

/// A subscription policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Unique name among subscription policies.
    pub name: String,
    /// Grant or guardrail.
    #[serde(rename = "type")]
    pub kind: PolicyKind,
    /// The scope it grants or guards.
    #[serde(default)]
    pub scope: Scope,
    /// The level; a guardrail's is `entitlements` or `individuals`.
    #[serde(flatten)]
    pub level: Level,
    /// The data sources to which it applies.
    pub applies_to: AppliesTo,
    /// Username of the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Whether it is evaluated.
    #[serde(default)]
    pub state: PolicyState,
    /// When it was created; the first apply when not declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
}

/// The data sources to which a policy applies (`docs/catalog.md`, `appliesTo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppliesTo {
    /// Every data source.
    All,
    /// Only those that list the policy under `optInPolicies`.
    OptIn,
    /// Those that any of the selectors matches.
    Any(Vec<Selector>),
}

impl AppliesTo {
    /// Whether the policy names its data sources one by one. Every other policy is global.
    ///
    /// A list is local when each of its mappings names data sources and does nothing else: one that also
    /// selects by a property, in the same mapping or beside it, follows that property as a global policy does.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::All | Self::OptIn => false,
            Self::Any(selectors) => {
                !selectors.is_empty() && selectors.iter().all(Selector::only_names_data_sources)
            }
        }
    }
}

/// One mapping of `appliesTo`: every key given must hold, each by any of its entries, and `except` must not.
///
/// `None` is a key that is not given, which every source satisfies; an empty list is satisfied by none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// A tag of the data source is one of these or below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tagged: Option<Vec<String>>,
    /// A tag of any of its columns is one of these or below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns_tagged: Option<Vec<String>>,
    /// Globs over the domain's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<String>>,
    /// Globs over the owners' usernames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<String>>,
    /// Globs over the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<Vec<String>>,
    /// Globs over the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// Globs over the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub databases: Option<Vec<String>>,
    /// Globs over the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schemas: Option<Vec<String>>,
    /// Globs over the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<String>>,
    /// Globs over the data source's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Exact names; alone in its mapping they make a local policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_sources: Option<Vec<String>>,
    /// Sources that any of these matches are excluded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Selector>,
}

impl Selector {
    /// Whether it selects data sources by name and by nothing else.
    #[must_use]
    pub fn only_names_data_sources(&self) -> bool {
        self.data_sources.is_some() && Self { data_sources: None, ..self.clone() } == Self::default()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Word {
    All,
    OptIn,
}

impl Serialize for AppliesTo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => Word::All.serialize(serializer),
            Self::OptIn => Word::OptIn.serialize(serializer),
            Self::Any(selectors) => selectors.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AppliesTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Word(Word),
            Many(Vec<Selector>),
            One(Box<Selector>),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Word(Word::All) => Self::All,
            Form::Word(Word::OptIn) => Self::OptIn,
            Form::Many(selectors) => Self::Any(selectors),
            Form::One(selector) => Self::Any(vec![*selector]),
        })
    }
}
