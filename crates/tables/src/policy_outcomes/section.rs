//! The sections of a data source's rows, and the fields that depend on the reason.

use domesday_model::Scope;

/// The parts of a data source's rows, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Section {
    /// Table rows of one scope.
    Table(Scope),
    /// Column rows.
    Columns,
}

impl Section {
    pub(super) const ALL: [Self; 3] = [Self::Table(Scope::Read), Self::Table(Scope::Write), Self::Columns];

    /// Returns its position among [`Section::ALL`].
    pub(super) fn index(self) -> usize {
        match self {
            Self::Table(Scope::Read) => 0,
            Self::Table(Scope::Write) => 1,
            Self::Columns => 2,
        }
    }

    /// Returns the scope that its rows state.
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Table(scope) => scope,
            Self::Columns => Scope::Read,
        }
    }
}

/// The fields whose values depend on the reason, in the order of [`ReasonValues`].
pub(super) const REASON_FIELDS: [&str; 7] = [
    "outcome",
    "grant_policy_ids",
    "guardrail_policy_ids",
    "data_policy_ids",
    "reason",
    "request_id",
    "expires_at",
];

/// The values of a reason by field: text as it is, instants as eight bytes of microseconds.
pub(super) type ReasonValues = [Option<Vec<u8>>; REASON_FIELDS.len()];
