//! `actual-access` and `access-drift`: what databases really allow, and where that differs from the policies.

use super::{EXPORT_DATE, Table, boolean, integer, string, timestamp};

pub(super) const ACTUAL_ACCESS: Table = Table {
    name: "actual-access",
    about: "One row per role of a connected database that can, data source and scope.",
    key: &["connection", "role_name", "datasource_id", "scope"],
    order: "By connection in its configured order, datasource_id, scope, role_name.",
    sorted_by: &[],
    fields: &[
        string("connection", "The connection that read the database."),
        string("role_name", "The role, which may log in."),
        string("global_user_id", "The user to whom the role belongs; null when it belongs to nobody.")
            .or_null()
            .user(),
        string("username", "Their username.").or_null(),
        integer("datasource_id", "The data source.").refers_to("datasource-metadata", "datasource_id"),
        string("datasource_name", "Its name."),
        string("scope", "READ or WRITE."),
        string(
            "via",
            "JSON array: a shortest way. SUPERUSER, OWNER, DIRECT or PUBLIC, or the names of the roles passed.",
        ),
        string("columns", "JSON array of the names of the columns reached, in order; null means all.")
            .or_null(),
        boolean("is_row_filtered", "Whether row security binds the role here."),
        timestamp("observed_at", "When the database was read."),
        EXPORT_DATE,
    ],
};

pub(super) const ACCESS_DRIFT: Table = Table {
    name: "access-drift",
    about: "One row per finding: where what a connected database allows differs from what the policies say.",
    key: &["connection", "kind", "role_name", "global_user_id", "datasource_id", "column_id", "scope"],
    order: "By connection in its configured order, datasource_id, user_id with roles of nobody last, scope.",
    sorted_by: &[],
    fields: &[
        string("connection", "The connection that read the database."),
        string(
            "kind",
            "EXCESS, EXCESS_BLOCKED, UNMASKED_COLUMN, MISSING, PARTIAL or UNMAPPED; see docs/drift.md.",
        ),
        string("role_name", "The role; null when the user has none.").or_null(),
        string("global_user_id", "The user to whom the role belongs; null when it belongs to nobody.")
            .or_null()
            .user(),
        string("username", "Their username.").or_null(),
        integer("datasource_id", "The data source.").refers_to("datasource-metadata", "datasource_id"),
        string("datasource_name", "Its name."),
        integer("column_id", "The column, where the finding is about one.")
            .or_null()
            .refers_to("column-metadata", "column_id"),
        string("scope", "READ or WRITE."),
        string("via", "JSON array as in actual-access; null where there is no way.").or_null(),
        string("guardrail_policy_ids", "JSON array of the ids of the guardrails that block, sorted."),
        string("detail", "What is wrong, in one sentence."),
        string(
            "repair",
            "The SQL that repairs it, one or several statements; null where that takes a decision.",
        )
        .or_null(),
        timestamp("observed_at", "When the database was read."),
        EXPORT_DATE,
    ],
};
