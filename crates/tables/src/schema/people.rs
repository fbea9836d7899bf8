//! `user-metadata` and `user-entitlements`.

use super::{EXPORT_DATE, Table, integer, string, timestamp};

pub(super) const USER_METADATA: Table = Table {
    name: "user-metadata",
    about: "One row per user, active or disabled.",
    key: &["user_id"],
    order: "By user_id.",
    sorted_by: &["user_id"],
    fields: &[
        integer("user_id", "Numeric id.").unique(),
        string("global_user_id", "UUID, lower case with hyphens.").unique(),
        string("username", "Unique name."),
        string("display_name", "Name for people; the username when nobody gave one."),
        string("email", "E-mail address.").or_null(),
        string("employee_number", "The number by which HR knows the person.").or_null(),
        string("department", "Department.").or_null(),
        string("title", "Job title.").or_null(),
        string("manager_global_user_id", "The manager.").or_null().user(),
        string("iam_id", "The identity provider that the user comes from."),
        string("status", "ACTIVE, or DISABLED: without any access whatever the policies say."),
        string("permissions", "JSON array of the permissions in the product itself, sorted."),
        string("groups", "JSON array of the user's groups, sorted; All Users, being implicit, is left out."),
        string(
            "attributes",
            "JSON object of the user's own attributes, key to sorted array of values; those of groups are in \
             user-entitlements.",
        ),
        timestamp("created_at", "When the account was made."),
        timestamp("last_seen_at", "When the user last used an API key or the console; null when never.")
            .or_null(),
        timestamp(
            "absent_since",
            "Since when no connection lists the user any more. Since schema version 1.1.",
        )
        .or_null(),
        timestamp(
            "leaving_date",
            "When the person leaves, as the system of record states it. Since schema version 1.1.",
        )
        .or_null(),
        EXPORT_DATE,
    ],
};

pub(super) const USER_ENTITLEMENTS: Table = Table {
    name: "user-entitlements",
    about: "One row per user and entitlement with its origin: what conditions look at.",
    key: &["global_user_id", "kind", "name", "value", "origin", "origin_group"],
    order: "By the user's user_id, kind (GROUP, ATTRIBUTE, PERMISSION), name, value, origin, origin_group.",
    sorted_by: &[],
    fields: &[
        string("global_user_id", "The user.").user(),
        string("kind", "GROUP, ATTRIBUTE or PERMISSION."),
        string("name", "The group (All Users too, for active users), the attribute's key or the permission."),
        string("value", "The attribute's value; null for groups and permissions.").or_null(),
        string("origin", "DIRECT, or GROUP when the user has it by membership."),
        string("origin_group", "The group that brings it; null when DIRECT.").or_null(),
        timestamp(
            "granted_at",
            "Since when the user has it; by membership, the later of joining the group and the group's having it.",
        ),
        string(
            "granted_by",
            "Who gave it: the username of a person, or the connection; null when files did, or it is not recorded.",
        )
        .or_null(),
        EXPORT_DATE,
    ],
};
