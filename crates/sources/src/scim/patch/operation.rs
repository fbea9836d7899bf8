//! Operations as they were read.

use serde_json::Value;

use super::super::filter::Filter;
use super::super::member::Member;
use super::super::path::AttributePath;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Add,
    Replace,
    Remove,
}

/// A change of the members of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum MembersChange {
    /// These become members, beside others.
    Add(Vec<Member>),
    /// These become the members.
    Replace(Vec<Member>),
    /// Those with these ids are members no longer.
    Remove(Vec<String>),
    /// Those that the filter selects are members no longer.
    RemoveWhere(Filter),
    /// Nobody is a member.
    RemoveAll,
    /// Those that the filter selects are shown with another name, or none.
    SetDisplay(Filter, Option<String>),
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub(super) action: Action,
    pub(super) path: Path,
    pub(super) value: Option<Value>,
}

/// Where an operation works.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Path {
    Attribute(AttributePath),
    /// The values of an attribute that a filter selects, or a sub-attribute of them.
    Filtered {
        attribute: AttributePath,
        filter: Filter,
        sub: Option<String>,
    },
    Extension(String),
}

/// An operation on what is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum PatchStep {
    /// A change of the document.
    Document(Operation),
    /// A change of the members of a group.
    Members(MembersChange),
}
