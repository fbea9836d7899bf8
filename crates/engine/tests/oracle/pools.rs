//! The names that worlds are made of, and what conditions and `appliesTo` say of them.

use domesday_model::Selector;

pub(super) const USERS: [&str; 6] = ["zoe", "ada", "bob", "cy", "okta", "dee"];
/// Some are what variables become, some have tags' names, two hold an `@`.
pub(super) const GROUPS: [&str; 6] = ["PII", "FIN.GL", "ada", "okta", "@tables", "ops@eu"];
pub(super) const SOURCES: [&str; 5] = ["Orders", "Ledger", "Ledger 2", "orders_eü", "L"];
pub(super) const TAGS: [&str; 7] =
    ["PII", "PII.Contact", "PII.Contact.Email", "PIIX", "FIN.GL", "All Users", "ada"];
pub(super) const DOMAINS: [&str; 2] = ["Sales", "Finance"];
pub(super) const COLUMNS: [&str; 3] = ["id", "email", "email_2"];
pub(super) const PRODUCTS: [&str; 3] = ["Customer 360", "B", "A"];
/// In catalog order; the order of their texts is another.
pub(super) const REQUESTS: [&str; 8] = ["R9", "R10", "a", "R2", "R1", "Z", "R3", "é"];
/// Subscription policies in catalog order, again not the order of their texts. Data policies bear some of the
/// same names, being another kind.
pub(super) const POLICIES: [&str; 9] = ["P9", "P8", "P7", "P6", "P5", "P4", "P3", "P2", "P1"];
pub(super) const DATA_POLICIES: [&str; 4] = ["M9", "P8", "M7", "P6"];

pub(super) const GROUP_TEMPLATES: [&str; 19] = [
    "PII",
    "FIN.GL",
    "ada",
    "okta",
    "All Users",
    "@tables",
    "@@tables",
    "ops@eu",
    "ops@@eu",
    "@username",
    "@iam",
    "@hostname",
    "@database",
    "@schema",
    "@table",
    "@database.@schema",
    "@table@eu",
    "@@@table",
    "@schema@@eu",
];
pub(super) const VALUE_TEMPLATES: [&str; 20] = [
    "EU",
    "EU.DE",
    "EU.DE.x",
    "EU.*",
    "EUX",
    "*",
    "PII.Contact",
    "@username",
    "@iam",
    "@hostname",
    "@database",
    "@database.@schema",
    "@schema",
    "@table",
    "@@table",
    "@@@table",
    "@table_",
    "@tableü",
    "@database.@username",
    "@schema.x",
];
pub(super) const HELD_VALUES: [&str; 19] = [
    "EU",
    "EU.DE",
    "EU.*",
    "EU.DE.*",
    "*",
    "FIN",
    "FIN.*",
    "FIN.GL",
    "PII",
    "PII.Contact",
    "PII.*",
    "ada",
    "okta",
    "@table",
    "@table_",
    "@tableü",
    "@ops",
    ".*",
    "",
];
pub(super) const KEYS: [&str; 2] = ["Region", "Clearance"];

/// A key of a selector: its name, its field, and what may stand in its list.
pub(super) struct SelectorKey {
    pub(super) name: &'static str,
    pub(super) field: fn(&mut Selector) -> &mut Option<Vec<String>>,
    pub(super) pool: &'static [&'static str],
}

/// The keys that select by property.
pub(super) const SELECTOR_KEYS: [SelectorKey; 10] = [
    SelectorKey { name: "tagged", field: |s| &mut s.tagged, pool: &TAGS },
    SelectorKey { name: "columnsTagged", field: |s| &mut s.columns_tagged, pool: &TAGS },
    SelectorKey {
        name: "domains",
        field: |s| &mut s.domains,
        pool: &["Sales", "Finance", "S*", "?inance", "*"],
    },
    SelectorKey { name: "owners", field: |s| &mut s.owners, pool: &["ada", "bob", "?d?", "*o*", "???", "*"] },
    SelectorKey {
        name: "platforms",
        field: |s| &mut s.platforms,
        pool: &["snowflake", "p*", "*s*", "SNOWFLAKE"],
    },
    SelectorKey { name: "hosts", field: |s| &mut s.hosts, pool: &["okta", "h.*", "*", "h?e?"] },
    SelectorKey { name: "databases", field: |s| &mut s.databases, pool: &["FIN", "?II", "*"] },
    SelectorKey { name: "schemas", field: |s| &mut s.schemas, pool: &["GL", "G?*", "*", ""] },
    SelectorKey { name: "tables", field: |s| &mut s.tables, pool: &["ada", "*_*", "ops", "?", "???"] },
    SelectorKey {
        name: "names",
        field: |s| &mut s.names,
        pool: &["*", "Ledger*", "?rders*", "L", "orders_e?", "*e*r*", "Ledger ?"],
    },
];
