//! What pages say of drift in the same words.

use domesday_drift::FindingKind;

use crate::console::listing::Chip;

/// A kind of finding as a chip.
pub(super) fn kind_chip(kind: FindingKind) -> Chip {
    let chip = |class, icon, text| Chip { class, icon, text };
    match kind {
        FindingKind::Excess => chip("fail", "cross", "Excess"),
        FindingKind::ExcessBlocked => chip("blocked", "blocked", "Excess, blocked"),
        FindingKind::UnmaskedColumn => chip("unmasked", "unmasked", "Unmasked column"),
        FindingKind::Missing => chip("none", "dash", "Missing"),
        FindingKind::Partial => chip("none", "pending", "Partial"),
        FindingKind::Unmapped => chip("warn", "warn", "Unmapped role"),
    }
}

/// What a kind of finding means.
pub(super) fn about_kind(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Excess => "can, and nothing grants it",
        FindingKind::ExcessBlocked => "can, although a guardrail blocks them",
        FindingKind::UnmaskedColumn => "can read a column that is masked for them",
        FindingKind::Missing => "are granted access, and cannot",
        FindingKind::Partial => "can read, but not every column that they may",
        FindingKind::Unmapped => "can, and belong to no user",
    }
}

/// A way to a data source (`docs/drift.md`, rule 4), after `role x can`.
pub(in crate::console) fn way<T: AsRef<str>>(via: &[T]) -> String {
    let names: Vec<&str> = via.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        ["SUPERUSER"] => "as a superuser".to_owned(),
        ["OWNER"] => "as the owner".to_owned(),
        ["DIRECT"] => "by a grant to the role itself".to_owned(),
        ["PUBLIC"] => "by a grant to PUBLIC".to_owned(),
        names => format!("through {}", names.join(" → ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_a_word_or_the_roles_passed() {
        assert_eq!(way(&["PUBLIC"]), "by a grant to PUBLIC");
        assert_eq!(way(&["team", "DIRECT"]), "through team → DIRECT");
        assert_eq!(way::<&str>(&[]), "");
    }
}
