//! The engine's warnings in words, for manifest, run report and terminal.

use domesday_engine::Warning;
use domesday_model::{PolicyIx, Snapshot};

/// A warning as one line that says what happens and how to settle it.
#[must_use]
pub fn describe_warning(snapshot: &Snapshot, warning: &Warning) -> String {
    let policy = |ix: &PolicyIx| format!("`{}`", snapshot.policies[ix.get()].spec.name);
    match warning {
        Warning::UnsettledConflict { source, scope, policies } => {
            let source = &snapshot.data_sources[source.get()].name;
            let names: Vec<_> = policies
                .iter()
                .map(|ix| {
                    format!("{} ({})", policy(ix), snapshot.policies[ix.get()].spec.level.kind().as_str())
                })
                .collect();
            format!(
                "data source `{source}`: grants of scope {scope} disagree on the level: {}; the most restrictive \
                 level counts, name one of them as `levelChoice` to settle it",
                names.join(", ")
            )
        }
        Warning::IdleLevelChoice { source, policy: chosen } => {
            let source = &snapshot.data_sources[source.get()].name;
            format!(
                "data source `{source}`: `levelChoice` names {}, which is in no conflict of levels there; it \
                 has no effect",
                policy(chosen)
            )
        }
    }
}
