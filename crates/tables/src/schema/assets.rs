//! `datasource-metadata`, `column-metadata` and `tag-metadata`.

use super::{EXPORT_DATE, Field, Table, boolean, integer, string, timestamp};

const DATA_SOURCE: Field =
    integer("datasource_id", "The data source.").refers_to("datasource-metadata", "datasource_id");

pub(super) const DATASOURCE_METADATA: Table = Table {
    name: "datasource-metadata",
    about: "One row per data source, enabled or disabled.",
    key: &["datasource_id"],
    order: "By datasource_id.",
    sorted_by: &["datasource_id"],
    fields: &[
        integer("datasource_id", "Numeric id.").unique(),
        string("datasource_name", "Unique name."),
        string("platform", "Platform, such as snowflake."),
        string("hostname", "Host that the platform answers on.").or_null(),
        string("database", "Database or catalog on the platform.").or_null(),
        string("schema", "Schema on the platform.").or_null(),
        string("table", "Table on the platform.").or_null(),
        string(
            "remote_name",
            "Fully qualified name on the platform: database, schema and table joined by dots as far as given; \
             the data source's name when none is.",
        ),
        string("domain_id", "Id of the domain, as decimal text.").or_null(),
        string("domain_name", "Name of the domain.").or_null(),
        string("owners", "JSON array of the owners' usernames, sorted."),
        string("owner_global_user_ids", "JSON array of the owners' global_user_ids, in the order of owners."),
        string("status", "ENABLED, or DISABLED: without outcomes."),
        integer("column_count", "How many columns it has."),
        integer("subscriber_count", "How many users are GRANTED READ; 0 when disabled."),
        timestamp("creation_date", "When it was registered."),
        string("link", "URL of the data source in the console."),
        timestamp(
            "absent_since",
            "Since when no connection lists the source any more. Since schema version 1.1.",
        )
        .or_null(),
        EXPORT_DATE,
    ],
};

pub(super) const COLUMN_METADATA: Table = Table {
    name: "column-metadata",
    about: "One row per column of a data source.",
    key: &["column_id"],
    order: "By column_id.",
    sorted_by: &["column_id"],
    fields: &[
        integer("column_id", "Numeric id, unique over all data sources.").unique(),
        DATA_SOURCE,
        string("column_name", "Name, unique in its data source."),
        string("data_type", "The platform's own name of the type."),
        boolean("nullable", "Whether the column takes nulls."),
        integer("ordinal_position", "Position in the data source, from 1."),
        string("description", "What the column holds.").or_null(),
        EXPORT_DATE,
    ],
};

pub(super) const TAG_METADATA: Table = Table {
    name: "tag-metadata",
    about: "One row per tag applied to a data source or column; ancestors of a tag are implied, without rows.",
    key: &["tag_id", "datasource_id", "column_id"],
    order: "By tag_id, datasource_id, column_id, the data source itself before its columns.",
    sorted_by: &["tag_id", "datasource_id", "column_id"],
    fields: &[
        integer("tag_id", "Id of the tag."),
        string("tag_name", "The tag's full dotted name."),
        string("object_type", "DATA_SOURCE or COLUMN."),
        DATA_SOURCE,
        integer("column_id", "The column; null when the tag is on the data source itself.")
            .or_null()
            .refers_to("column-metadata", "column_id"),
        string(
            "tag_source",
            "Where it comes from: MANUAL for files and people, else the connection that applied it.",
        ),
        string(
            "applied_by",
            "The username of a person, or the connection; null when files did, or it is not recorded.",
        )
        .or_null(),
        timestamp("applied_at", "When it was applied."),
        EXPORT_DATE,
    ],
};
