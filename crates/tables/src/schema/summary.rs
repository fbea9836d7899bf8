//! `snapshot`: which snapshot the tables contain, for readers with nothing but SQL.

use super::{EXPORT_DATE, Table, string};

pub(super) const SNAPSHOT: Table = Table {
    name: "snapshot",
    about: "One row naming the current snapshot; written after the tables, so that a reader can join its \
            export_date.",
    key: &["snapshot_id"],
    order: "A single row.",
    sorted_by: &["snapshot_id"],
    fields: &[
        string("snapshot_id", "UUID of the snapshot: the same tenant, instant and input give the same id.")
            .unique(),
        string("schema_version", "Version of the table contract."),
        string("rules_version", "Version of the evaluation's rules."),
        string("layout", "How the files of several days lie beside each other: latest, swap or history."),
        string("slot", "The slot that holds this snapshot's files in the swap layout.").or_null(),
        string("tenant_id", "UUID of the tenant."),
        string("product", "The program that wrote the files."),
        string("product_version", "Its version."),
        EXPORT_DATE,
    ],
};
