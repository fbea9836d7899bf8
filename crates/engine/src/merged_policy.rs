//! All grants and guardrails of a source class and scope in one line: the `merged_policy` field.

use domesday_model::{Condition, Level, PolicyKind, Scope, Snapshot};

use crate::admission::counts_in_scope;
use crate::source_classes::SourceClass;

/// Who can have access without a grant.
const UNGRANTED: &str = "OWNER OR REQUEST";

/// Writes the line in the condition language, with the words `ANYONE`, `APPROVED` and `NAMED IN 'policy'` for the other
/// levels: any of the grants, and every guardrail. A grant that a conflict of levels silences is left out, since it
/// admits nobody. Where no grant is left, only ownership or a request for a data product gives access, and the line is
/// `OWNER OR REQUEST`, the words of the `reason` field.
pub(crate) fn merged_policy(snapshot: &Snapshot, class: &SourceClass, scope: Scope) -> String {
    let mut grants: Vec<String> = Vec::new();
    let mut guardrails = Vec::new();
    let mut single_is_or = false;
    for applied in &class.policies {
        let policy = &snapshot.policies[applied.policy.get()].spec;
        if !counts_in_scope(policy, scope) {
            continue;
        }
        let (text, is_or) = match &policy.level {
            Level::Anyone => ("ANYONE".to_owned(), false),
            Level::Approval => ("APPROVED".to_owned(), false),
            Level::Individuals { .. } => (format!("NAMED IN '{}'", policy.name.replace('\'', "''")), false),
            Level::Entitlements { condition } => {
                (condition.to_string(), matches!(condition, Condition::Or(_)))
            }
        };
        match policy.kind {
            PolicyKind::Grant if applied.silenced => {}
            PolicyKind::Grant => {
                if !grants.contains(&text) {
                    grants.push(text);
                }
                single_is_or |= is_or;
            }
            PolicyKind::Guardrail => guardrails.push(if is_or { format!("({text})") } else { text }),
        }
    }
    let granted = match grants.len() {
        0 if guardrails.is_empty() => UNGRANTED.to_owned(),
        0 => format!("({UNGRANTED})"),
        count => {
            let any = grants.join(" OR ");
            if !guardrails.is_empty() && (count > 1 || single_is_or) { format!("({any})") } else { any }
        }
    };
    std::iter::once(granted).chain(guardrails).collect::<Vec<_>>().join(" AND ")
}
