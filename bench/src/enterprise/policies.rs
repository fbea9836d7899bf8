//! 64 subscription policies and 8 data policies.

use std::collections::BTreeSet;

use domesday_model::{
    AppliesTo, ColumnSelector, DataPolicy, DataSource, Individuals, Level, Mask, Policy, PolicyKind,
    PolicyState, Scope, Selector,
};

use super::people::username;
use super::words::{FAMILIES, PURPOSES, RESTRICTED, analysts, staff};

pub(super) fn policies(sources: &[DataSource]) -> Vec<Policy> {
    let mut policies = Vec::new();
    purposes(&mut policies);
    for (position, family) in FAMILIES.iter().enumerate() {
        let condition = match position % 2 {
            0 => format!("@isInGroups('{}') AND @hasAttribute('Grade', 'Lead')", staff(family)),
            _ => format!("@isInGroups('{}', 'Engineers')", staff(family)),
        };
        let applies_to = Selector { domains: Some(vec![(*family).to_owned()]), ..Selector::default() };
        let scope = if position < 6 { Scope::Write } else { Scope::Read };
        policies.push(grant(&format!("{family} at large"), scope, entitled(&condition), any(applies_to)));
    }
    let cleared = "@hasTagAsAttribute('Clearance', 'dataSource') AND NOT @isInGroups('Contractors')";
    policies.push(grant("Cleared", Scope::Read, entitled(cleared), AppliesTo::All));
    policies.push(grant("Public", Scope::Read, Level::Anyone, any(tagged(&["Public"]))));
    for tag in RESTRICTED {
        let name = format!("Ask for {tag}");
        policies.push(grant(&name, Scope::Read, Level::Approval, any(tagged(&[tag]))));
    }
    for number in 0..2 {
        let named = sources.iter().skip(number * 7).step_by(sources.len() / 20).map(|s| s.name.clone());
        let local = Selector { data_sources: Some(named.collect()), ..Selector::default() };
        let individuals = Individuals {
            users: (0..25).map(|user| username(user * 41 + number)).collect(),
            groups: BTreeSet::from(["Auditors".to_owned()]),
        };
        let name = format!("Inquiry {number}");
        policies.push(grant(&name, Scope::Read, Level::Individuals { individuals }, any(local)));
    }
    guardrails(&mut policies);
    policies
}

/// One grant for each department and purpose of the first four departments, then for two purposes of each.
fn purposes(policies: &mut Vec<Policy>) {
    for (position, family) in FAMILIES.iter().enumerate() {
        let purposes = if position < 4 { 5 } else { 2 };
        for (number, purpose) in PURPOSES.iter().take(purposes).enumerate() {
            let group = analysts(family, purpose);
            let condition = match (position + number) % 4 {
                0 | 1 => format!("@isInGroups('{group}')"),
                2 => format!(
                    "@isInGroups('{group}') AND (@hasAttribute('Region', 'EU') OR @hasAttribute('Region', 'US'))"
                ),
                _ => format!(
                    "@isInGroups('{group}') OR @isInGroups('{}') AND @hasAttribute('Grade', 'Senior')",
                    staff(family)
                ),
            };
            let scope = if *purpose == "Staging" { Scope::Write } else { Scope::Read };
            let applies_to = any(tagged(&[&format!("{family}.{purpose}")]));
            policies.push(grant(&format!("{group} work"), scope, entitled(&condition), applies_to));
        }
    }
}

fn guardrails(policies: &mut Vec<Policy>) {
    let columns = |tags: &[&str]| Selector {
        columns_tagged: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        ..Selector::default()
    };
    let domain = |name: &str| Selector { domains: Some(vec![name.to_owned()]), ..Selector::default() };
    let rails = [
        ("Health training", Scope::Read, "@isInGroups('Health Trained')", any(columns(&["PII.Health"]))),
        (
            "Privacy training",
            Scope::Read,
            "@isInGroups('Privacy Trained') OR @isInGroups('Auditors')",
            any(columns(&["PII.Identity"])),
        ),
        ("No contractors in HR", Scope::Read, "NOT @isInGroups('Contractors')", any(domain("HR"))),
        (
            "Risk stays near",
            Scope::Read,
            "@hasAttribute('Region', 'EU') OR @hasAttribute('Region', 'US')",
            any(tagged(&["Risk"])),
        ),
        ("Keys", Scope::Read, "@isInGroups('Engineers')", any(columns(&["Secret"]))),
        ("Writers are engineers", Scope::Write, "@isInGroups('Engineers')", AppliesTo::All),
        (
            "No writing to certified",
            Scope::Write,
            "@hasAttribute('Grade', 'Lead')",
            any(tagged(&["Certified"])),
        ),
        ("Nothing new in deprecated", Scope::Write, "@isInGroups('Auditors')", any(tagged(&["Deprecated"]))),
        ("Finance training", Scope::Read, "@isInGroups('Finance Trained')", any(columns(&["Money.Account"]))),
    ];
    for (name, scope, condition, applies_to) in rails {
        let kind = PolicyKind::Guardrail;
        policies.push(Policy { kind, ..grant(name, scope, entitled(condition), applies_to) });
    }
}

pub(super) fn data_policies() -> Vec<DataPolicy> {
    let masks = [
        ("Mask contacts", "PII.Contact", Some("@isInGroups('Privacy Trained')")),
        ("Mask e-mail", "PII.Contact.Email", Some("@isInGroups('Support Staff')")),
        ("Mask names", "PII.Identity.Name", Some("@isInGroups('HR Staff') OR @isInGroups('Auditors')")),
        ("Mask tax numbers", "PII.Identity.TaxNumber", Some("@isInGroups('Finance Trained')")),
        (
            "Mask health",
            "PII.Health",
            Some("@isInGroups('Health Trained') AND @hasAttribute('Region', 'EU')"),
        ),
        ("Mask accounts", "Money.Account", Some("@isInGroups('Finance Staff')")),
        ("Mask amounts", "Money.Amount", Some("NOT @isInGroups('Contractors')")),
        ("Mask keys", "Secret", None),
    ];
    masks
        .into_iter()
        .map(|(name, tag, except)| DataPolicy {
            name: name.to_owned(),
            mask: Mask::Hash,
            columns: ColumnSelector { tagged: vec![tag.to_owned()], names: Vec::new() },
            applies_to: AppliesTo::All,
            except: except.map(|text| text.parse().expect("conditions are written right here")),
            state: PolicyState::Active,
            owner: None,
            created_at: None,
        })
        .collect()
}

fn entitled(condition: &str) -> Level {
    Level::Entitlements { condition: condition.parse().expect("conditions are written right here") }
}

fn tagged(tags: &[&str]) -> Selector {
    Selector { tagged: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()), ..Selector::default() }
}

fn any(selector: Selector) -> AppliesTo {
    AppliesTo::Any(vec![selector])
}

fn grant(name: &str, scope: Scope, level: Level, applies_to: AppliesTo) -> Policy {
    Policy {
        name: name.to_owned(),
        kind: PolicyKind::Grant,
        scope,
        level,
        applies_to,
        owner: None,
        state: PolicyState::Active,
        created_at: None,
    }
}
