//! The kinds of connection that have a form.

/// The kinds of connection that have a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormKind {
    Scim,
    Ldap,
    Dbt,
    Postgres,
    Csv,
}

impl FormKind {
    pub(super) const ALL: [Self; 5] = [Self::Scim, Self::Ldap, Self::Postgres, Self::Dbt, Self::Csv];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Ldap => "ldap",
            Self::Dbt => "dbt",
            Self::Postgres => "postgres",
            Self::Csv => "csv",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether there is something to connect to before it is saved.
    pub(super) fn is_verifiable(self) -> bool {
        matches!(self, Self::Ldap | Self::Postgres)
    }
}
