//! The words of these pages.

use domesday_engine::CatalogWarning;
use domesday_model::{LevelKind, MaskKind, PolicyState, Scope};

use super::fields::PolicyType;
use crate::console::errors::sentence;

/// One option of a choice.
pub(super) struct ChoiceOption {
    pub(super) value: &'static str,
    pub(super) text: &'static str,
    pub(super) note: &'static str,
    pub(super) is_chosen: bool,
}

/// Returns the options of a choice.
pub(super) fn options(
    chosen: &str,
    options: &[(&'static str, &'static str, &'static str)],
) -> Vec<ChoiceOption> {
    let option = |(value, text, note): &(&'static str, &'static str, &'static str)| ChoiceOption {
        value,
        text,
        note,
        is_chosen: *value == chosen,
    };
    options.iter().map(option).collect()
}

pub(super) const TYPES: [(&str, &str, &str); 3] = [
    ("grant", "Grant: admits people", ""),
    ("guardrail", "Guardrail: binds everyone", ""),
    ("mask", "Data policy: masks", ""),
];

pub(super) const SCOPES: [(&str, &str, &str); 2] = [("read", "Read", ""), ("write", "Write", "")];

pub(super) const LEVELS: [(&str, &str, &str); 4] = [
    ("entitlements", "Entitlements: people who meet a condition", ""),
    ("anyone", "Anyone", ""),
    ("approval", "Approval: anyone who asks and is approved", ""),
    ("individuals", "Individuals: named people and groups", ""),
];

pub(super) const MASKS: [(&str, &str, &str); 4] =
    [("hash", "Hash", ""), ("null", "Null", ""), ("constant", "Constant", ""), ("rounding", "Rounding", "")];

pub(super) const VALUE_TYPES: [(&str, &str, &str); 2] = [("text", "Text", ""), ("json", "JSON", "")];

pub(super) const WAYS: [(&str, &str, &str); 4] = [
    ("selected", "Selected data sources", ""),
    ("all", "All data sources", ""),
    ("optIn", "Data sources that opt in", ""),
    ("written", "A selection written as JSON", ""),
];

pub(super) const STATES: [(&str, &str, &str); 3] = [
    ("staged", "Staged", "prepared, not evaluated yet"),
    ("active", "Active", "in force once saved"),
    ("disabled", "Disabled", "switched off"),
];

/// The noun of a policy.
pub(super) fn noun(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::Grant => "grant",
        PolicyType::Guardrail => "guardrail",
        PolicyType::Mask => "data policy",
    }
}

/// The same at the beginning of a sentence, or in a table.
pub(super) fn noun_in_table(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::Grant => "Grant",
        PolicyType::Guardrail => "Guardrail",
        PolicyType::Mask => "Data policy",
    }
}

pub(super) fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Read",
        Scope::Write => "Write",
    }
}

pub(super) fn level(level: LevelKind) -> &'static str {
    match level {
        LevelKind::Anyone => "Anyone",
        LevelKind::Approval => "Approval",
        LevelKind::Individuals => "Individuals",
        LevelKind::Entitlements => "Entitlements",
    }
}

pub(super) fn mask(mask: MaskKind) -> &'static str {
    match mask {
        MaskKind::Null => "Null",
        MaskKind::Hash => "Hash",
        MaskKind::Constant => "Constant",
        MaskKind::Rounding => "Rounding",
    }
}

/// A state as a chip: its class, its icon, its name.
pub(super) fn state(state: PolicyState) -> (&'static str, &'static str, &'static str) {
    match state {
        PolicyState::Active => ("ok", "check", "Active"),
        PolicyState::Staged => ("wait", "pending", "Staged"),
        PolicyState::Disabled => ("none", "dash", "Disabled"),
    }
}

/// What the people of a policy are.
pub(super) fn people(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::Grant => "admitted",
        PolicyType::Guardrail => "blocked",
        PolicyType::Mask => "masked",
    }
}

/// A warning as sentences.
pub(super) fn warning(warning: &CatalogWarning) -> String {
    let mut text = sentence(&warning.message);
    if let Some(hint) = &warning.hint {
        text.push(' ');
        text.push_str(&sentence(hint));
    }
    text
}
