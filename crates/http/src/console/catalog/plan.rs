//! A plan as it is shown: what would be added, changed and removed, with the warnings.

use domesday_engine::CatalogWarnings;
use domesday_sources::Diagnostic;
use domesday_store::{Action, Change, Plan};
use sha2::{Digest, Sha256};

use crate::console::times::{counted, grouped};

/// How many changes are listed.
const MAX_CHANGES: usize = 500;

/// How many changed fields of an object are listed.
const MAX_FIELDS: usize = 20;

/// How many warnings are listed.
const MAX_LISTED: usize = 100;

/// The longest text of a changed field, in characters.
const MAX_CHARS: usize = 300;

/// A change of the plan.
pub(super) struct ChangeView {
    pub(super) verb: &'static str,
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) fields: Vec<String>,
}

/// A plan.
pub(super) struct PlanView {
    pub(super) created: String,
    pub(super) updated: String,
    pub(super) deleted: String,
    pub(super) unchanged: String,
    /// How many objects stay that the files do not contain; empty when there are none.
    pub(super) kept: String,
    pub(super) is_empty: bool,
    pub(super) removes: bool,
    pub(super) changes: Vec<ChangeView>,
    /// How many changes are not listed; empty when all are.
    pub(super) more: String,
    pub(super) warnings: Vec<String>,
    /// The plan that was shown, which is the one that is applied.
    pub(super) digest: String,
    /// The files.
    pub(super) bundle: String,
    pub(super) is_example: bool,
    pub(super) prune: bool,
    /// Whether it differs from one that was shown before.
    pub(super) is_changed: bool,
}

/// Returns what identifies a plan.
pub(super) fn digest(plan: &Plan) -> String {
    let text = serde_json::to_vec(plan).expect("a plan is plain data");
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl PlanView {
    pub(super) fn new(plan: &Plan, of_files: &[Diagnostic], of_catalog: &CatalogWarnings) -> Self {
        let (created, updated, deleted) = plan.counts();
        let mut warnings: Vec<_> = of_files.iter().map(Diagnostic::in_one_line).collect();
        warnings.extend(of_catalog.lines());
        let omitted = warnings.len().saturating_sub(MAX_LISTED);
        warnings.truncate(MAX_LISTED);
        if omitted > 0 {
            warnings.push(format!("{} not listed", counted(omitted as u64, "more warning", "more warnings")));
        }
        let more = plan.changes.len().saturating_sub(MAX_CHANGES);
        Self {
            created: grouped(created as u64),
            updated: grouped(updated as u64),
            deleted: grouped(deleted as u64),
            unchanged: grouped(plan.unchanged as u64),
            kept: if plan.kept > 0 { counted(plan.kept as u64, "object", "objects") } else { String::new() },
            is_empty: plan.is_empty(),
            removes: deleted > 0,
            changes: plan.changes.iter().take(MAX_CHANGES).map(change).collect(),
            more: if more > 0 { counted(more as u64, "more change", "more changes") } else { String::new() },
            warnings,
            digest: digest(plan),
            bundle: String::new(),
            is_example: false,
            prune: false,
            is_changed: false,
        }
    }
}

fn change(change: &Change) -> ChangeView {
    let (verb, fields) = match &change.action {
        Action::Create => ("Add", Vec::new()),
        Action::Delete => ("Remove", Vec::new()),
        Action::Update { fields } => {
            let mut shown: Vec<_> =
                fields.iter().take(MAX_FIELDS).map(|field| shortened(&field.to_string())).collect();
            if fields.len() > MAX_FIELDS {
                shown.push(format!("{} more fields", fields.len() - MAX_FIELDS));
            }
            ("Change", shown)
        }
    };
    ChangeView { verb, kind: change.kind.label(), name: change.name.clone(), fields }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(MAX_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
