//! Which policies count in a scope.

use domesday_model::{Policy, PolicyKind, Scope};

/// Whether a policy counts for a scope (`docs/access.md` rule 1).
pub(crate) fn counts_in_scope(policy: &Policy, scope: Scope) -> bool {
    match (policy.kind, scope) {
        (PolicyKind::Grant, Scope::Read) | (PolicyKind::Guardrail, Scope::Write) => true,
        (PolicyKind::Grant, Scope::Write) => policy.scope == Scope::Write,
        (PolicyKind::Guardrail, Scope::Read) => policy.scope == Scope::Read,
    }
}
