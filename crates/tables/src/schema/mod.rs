//! The tables as data: names, fields, types, nullability, keys and references, defined once.
//!
//! From this definition come the files' Parquet schema ([`arrow_schema()`], [`parquet_schema`]), the reference
//! documentation ([`render_markdown`], [`render_json`]) and the order in which encoders must give their
//! values. The definition is a promise to the readers of the files: its test compares it with a second,
//! independent copy of the contract. `docs/schema.md` is generated from it.
//!
//! A list is a sorted JSON array in a String field only where the field's documentation says so; everywhere else
//! there is one row per element.

mod actual;
mod arrow;
mod assets;
mod document;
mod people;
mod policies;
mod products;
mod requests;
mod summary;

pub use arrow::{arrow_schema, parquet_schema};
pub use document::{render_json, render_markdown};

/// The version of the table contract, as `snapshot` and the manifest state it. A minor version adds columns, tables
/// or values; readers that select columns by name go on working.
pub const SCHEMA_VERSION: &str = "1.1";

/// The first folder of every file's key: one for each major version of the contract.
pub const SCHEMA_FOLDER: &str = "v1";

/// The tables of the access summary, in the order of the contract: the twelve, and the two of connected databases.
pub static TABLES: [Table; 14] = [
    policies::POLICY_METADATA,
    people::USER_METADATA,
    people::USER_ENTITLEMENTS,
    assets::DATASOURCE_METADATA,
    assets::COLUMN_METADATA,
    assets::TAG_METADATA,
    policies::POLICY_OUTCOMES,
    requests::ACCESS_REQUESTS,
    requests::REQUEST_DETERMINATIONS,
    requests::REQUEST_DUAS,
    products::DATA_PRODUCTS,
    products::DATA_PRODUCT_ASSETS,
    actual::ACTUAL_ACCESS,
    actual::ACCESS_DRIFT,
];

/// The one-row table that names the current snapshot; not among [`TABLES`].
pub static SNAPSHOT: Table = summary::SNAPSHOT;

pub(crate) static POLICY_METADATA: &Table = &TABLES[0];
pub(crate) static USER_METADATA: &Table = &TABLES[1];
pub(crate) static USER_ENTITLEMENTS: &Table = &TABLES[2];
pub(crate) static DATASOURCE_METADATA: &Table = &TABLES[3];
pub(crate) static COLUMN_METADATA: &Table = &TABLES[4];
pub(crate) static TAG_METADATA: &Table = &TABLES[5];
/// policy-outcomes: a row for each user and data source, and for each masked column.
pub static POLICY_OUTCOMES: &Table = &TABLES[6];
pub(crate) static ACCESS_REQUESTS: &Table = &TABLES[7];
pub(crate) static REQUEST_DETERMINATIONS: &Table = &TABLES[8];
pub(crate) static REQUEST_DUAS: &Table = &TABLES[9];
pub(crate) static DATA_PRODUCTS: &Table = &TABLES[10];
pub(crate) static DATA_PRODUCT_ASSETS: &Table = &TABLES[11];
pub(crate) static ACTUAL_ACCESS: &Table = &TABLES[12];
pub(crate) static ACCESS_DRIFT: &Table = &TABLES[13];

/// Returns the table of a name, the `snapshot` table included.
///
/// ```
/// assert_eq!(domesday_tables::table("policy-outcomes").map(|table| table.fields.len()), Some(16));
/// assert!(domesday_tables::table("policy_outcomes").is_none());
/// ```
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().chain([&SNAPSHOT]).find(|table| table.name == name)
}

/// One table of the access summary.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Name in kebab-case: the folder of the table's files.
    pub name: &'static str,
    /// What a row is, in one line.
    pub about: &'static str,
    /// The fields in order.
    pub fields: &'static [Field],
    /// The primary key: the fields that together identify a row.
    pub key: &'static [&'static str],
    /// The order of the rows, in words.
    pub order: &'static str,
    /// The leading fields of that order as far as Parquet can state it: ascending, nulls first. Written into
    /// the files as their sorting columns.
    pub sorted_by: &'static [&'static str],
}

impl Table {
    /// Returns the position of a field.
    #[must_use]
    pub fn position(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|known| known.name == field)
    }
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// UTF-8 text.
    String,
    /// 64-bit signed integer.
    Integer,
    /// True or false.
    Boolean,
    /// Instant in UTC, in microseconds.
    Timestamp,
}

impl FieldKind {
    /// Returns the name in documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Integer => "Integer",
            Self::Boolean => "Boolean",
            Self::Timestamp => "Timestamp",
        }
    }
}

/// One field of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name in snake_case.
    pub name: &'static str,
    /// Type.
    pub kind: FieldKind,
    /// Whether it may be null; every other field is `REQUIRED` in the files.
    pub nullable: bool,
    /// What it means, in one line.
    pub about: &'static str,
    /// Whether its values are unique in the table.
    pub key: bool,
    /// The table and field where each of its values is found, in the same snapshot.
    pub references: Option<(&'static str, &'static str)>,
}

impl Field {
    const fn new(name: &'static str, kind: FieldKind, about: &'static str) -> Self {
        Self { name, kind, nullable: false, about, key: false, references: None }
    }

    const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.key = true;
        self
    }

    const fn refers_to(mut self, table: &'static str, field: &'static str) -> Self {
        self.references = Some((table, field));
        self
    }

    const fn user(self) -> Self {
        self.refers_to("user-metadata", "global_user_id")
    }
}

const fn string(name: &'static str, about: &'static str) -> Field {
    Field::new(name, FieldKind::String, about)
}

const fn integer(name: &'static str, about: &'static str) -> Field {
    Field::new(name, FieldKind::Integer, about)
}

const fn boolean(name: &'static str, about: &'static str) -> Field {
    Field::new(name, FieldKind::Boolean, about)
}

const fn timestamp(name: &'static str, about: &'static str) -> Field {
    Field::new(name, FieldKind::Timestamp, about)
}

/// The field that ends every table.
const EXPORT_DATE: Field =
    timestamp("export_date", "The snapshot's instant, the same in every row of every table of a run.");

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_written_alike() {
        let kebab = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let snake =
            |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let mut tables = HashSet::new();
        for table in TABLES.iter().chain([&SNAPSHOT]) {
            assert!(kebab(table.name) && tables.insert(table.name), "{}", table.name);
            let mut fields = HashSet::new();
            for field in table.fields {
                assert!(snake(field.name) && fields.insert(field.name), "{}.{}", table.name, field.name);
            }
        }
    }

    #[test]
    fn every_table_is_documented_and_ends_with_the_export_date() {
        for table in TABLES.iter().chain([&SNAPSHOT]) {
            let last = table.fields.last().map(|field| (field.name, field.kind, field.nullable));
            assert_eq!(last, Some(("export_date", FieldKind::Timestamp, false)), "{}", table.name);
            let texts = table.fields.iter().map(|field| field.about).chain([table.about, table.order]);
            for text in texts {
                assert!(text.ends_with('.') && !text.contains('\n'), "{}: {text}", table.name);
            }
        }
    }

    #[test]
    fn keys_orders_and_references_name_fields_that_exist() {
        for table in TABLES.iter().chain([&SNAPSHOT]) {
            for name in table.key.iter().chain(table.sorted_by) {
                assert!(table.position(name).is_some(), "{}.{name}", table.name);
            }
            for field in table.fields {
                assert!(!(field.key && field.nullable), "{}.{}", table.name, field.name);
                let Some((other, name)) = field.references else { continue };
                let other = super::table(other).unwrap();
                let target = &other.fields[other.position(name).unwrap()];
                assert_eq!((target.kind, target.key), (field.kind, true), "{}.{}", table.name, field.name);
            }
        }
    }

    #[test]
    fn named_tables_are_the_tables_of_their_names() {
        let named = [
            (POLICY_METADATA, "policy-metadata"),
            (USER_METADATA, "user-metadata"),
            (USER_ENTITLEMENTS, "user-entitlements"),
            (DATASOURCE_METADATA, "datasource-metadata"),
            (COLUMN_METADATA, "column-metadata"),
            (TAG_METADATA, "tag-metadata"),
            (POLICY_OUTCOMES, "policy-outcomes"),
            (ACCESS_REQUESTS, "access-requests"),
            (REQUEST_DETERMINATIONS, "request-determinations"),
            (REQUEST_DUAS, "request-duas"),
            (DATA_PRODUCTS, "data-products"),
            (DATA_PRODUCT_ASSETS, "data-product-assets"),
            (&SNAPSHOT, "snapshot"),
        ];
        for (table, name) in named {
            assert_eq!(table.name, name);
            assert!(std::ptr::eq(super::table(name).unwrap(), table), "{name}");
        }
    }
}
