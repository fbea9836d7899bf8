//! The names that templates combine.

use domesday_model::Tag;

/// Departments, which are also domains and the first part of a data source's tags.
pub(super) const FAMILIES: [&str; 12] = [
    "Sales",
    "Supply",
    "Finance",
    "Support",
    "Research",
    "Marketing",
    "Product",
    "Risk",
    "Partner",
    "IT",
    "Legal",
    "HR",
];

/// What a schema is for: the second part of a data source's tags.
pub(super) const PURPOSES: [&str; 5] = ["Core", "Reporting", "Detail", "Staging", "Archive"];

/// Sources that only an approved request opens.
pub(super) const RESTRICTED: [&str; 3] = ["Restricted.Merger", "Restricted.Payroll", "Restricted.Board"];

/// Tags of columns.
pub(super) const COLUMN_TAGS: [&str; 8] = [
    "PII.Contact.Email",
    "PII.Contact.Phone",
    "PII.Identity.Name",
    "PII.Identity.TaxNumber",
    "PII.Health",
    "Money.Amount",
    "Money.Account",
    "Secret.Key",
];

/// Regions, the most populous first.
pub(super) const REGIONS: [&str; 5] = ["EU", "US", "APAC", "LATAM", "MEA"];

/// The group of a department.
pub(super) fn staff(family: &str) -> String {
    format!("{family} Staff")
}

/// The group of those who work with a department's data of one purpose.
pub(super) fn analysts(family: &str, purpose: &str) -> String {
    format!("{family} {purpose} Analysts")
}

pub(super) fn tags() -> Vec<Tag> {
    let family_tags =
        FAMILIES.iter().flat_map(|family| PURPOSES.map(|purpose| format!("{family}.{purpose}")));
    let others = RESTRICTED.iter().chain(&COLUMN_TAGS).chain(&["Public", "Certified", "Deprecated"]);
    let names = family_tags.chain(others.map(|name| (*name).to_owned()));
    names.map(|name| Tag { name, description: None }).collect()
}
