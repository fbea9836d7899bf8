//! One row of the policy-outcomes table, with names in place of ids.

use std::fmt;

use domesday_model::{Instant, Scope};

/// What the row says, the four values of the `outcome` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Granted,
    Blocked,
    Masked,
    Unmasked,
}

/// A row; lists are in catalog order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) source: String,
    pub(crate) column: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) user: String,
    pub(crate) verdict: Verdict,
    pub(crate) grants: Vec<String>,
    pub(crate) guardrails: Vec<String>,
    pub(crate) data_policies: Vec<String>,
    /// `POLICY`, `OWNER` and `REQUEST` joined by `+`, in that order.
    pub(crate) reason: String,
    pub(crate) request: Option<String>,
    pub(crate) expires_at: Option<Instant>,
}

/// Joins the parts that hold.
pub(crate) fn reason(policy: bool, owner: bool, request: bool) -> String {
    let parts = [(policy, "POLICY"), (owner, "OWNER"), (request, "REQUEST")];
    let parts: Vec<_> = parts.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word).collect();
    parts.join("+")
}

/// One line, what is empty left out: `Ledger.IBAN READ ada: MASKED POLICY, data policies M`.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if let Some(column) = &self.column {
            write!(f, ".{column}")?;
        }
        let verdict = match self.verdict {
            Verdict::Granted => "GRANTED",
            Verdict::Blocked => "BLOCKED",
            Verdict::Masked => "MASKED",
            Verdict::Unmasked => "UNMASKED",
        };
        let scope = match self.scope {
            Scope::Read => "READ",
            Scope::Write => "WRITE",
        };
        write!(f, " {scope} {}: {verdict} {}", self.user, self.reason)?;
        let lists = [
            ("grants", &self.grants),
            ("guardrails", &self.guardrails),
            ("data policies", &self.data_policies),
        ];
        for (label, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, ", {label} {}", names.join("+"))?;
        }
        if let Some(request) = &self.request {
            write!(f, ", request {request}")?;
        }
        if let Some(end) = self.expires_at {
            write!(f, ", until {end}")?;
        }
        Ok(())
    }
}
