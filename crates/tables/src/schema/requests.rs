//! `access-requests`, `request-determinations` and `request-duas`.

use super::{EXPORT_DATE, Field, Table, boolean, integer, string, timestamp};

const REQUEST: Field = string("request_id", "The request.").refers_to("access-requests", "request_id");

pub(super) const ACCESS_REQUESTS: Table = Table {
    name: "access-requests",
    about: "One row per request for access or for an exception from masking.",
    key: &["request_id"],
    order: "By request_id.",
    sorted_by: &["request_id"],
    fields: &[
        string("request_id", "Unique id.").unique(),
        string("request_type", "DATA_ACCESS or MASKING_EXCEPTION."),
        string(
            "status",
            "PENDING, APPROVED, DENIED, CANCELED, REVOKED, or EXPIRED: approved, with an end not after the \
             snapshot's instant.",
        ),
        string("requester_global_user_id", "Who asked.").user(),
        string("global_user_id", "For whom.").user(),
        string("data_product_id", "The data product asked for.")
            .or_null()
            .refers_to("data-products", "data_product_id"),
        integer("datasource_id", "The data source asked for.")
            .or_null()
            .refers_to("datasource-metadata", "datasource_id"),
        string("scope", "READ or WRITE."),
        string("form_name", "The form of the data product; null without one.").or_null(),
        integer("form_version", "The form's version.").or_null(),
        string("answers", "JSON object of the answers, question id to answer."),
        timestamp("created_at", "When it was made."),
        timestamp("updated_at", "When it last changed."),
        timestamp("expires_at", "When an approval ends; null when it does not.").or_null(),
        EXPORT_DATE,
    ],
};

pub(super) const REQUEST_DETERMINATIONS: Table = Table {
    name: "request-determinations",
    about: "One row per decision on a request, and one per pending request for whom it waits for.",
    key: &["determination_id"],
    order: "By request_id, then in the order of the decisions, the one that is missing last.",
    sorted_by: &["request_id"],
    fields: &[
        string(
            "determination_id",
            "The request's id, a slash and the decision's number from 1, or `pending` for the decision that a pending \
             request waits for.",
        )
        .unique(),
        REQUEST,
        string(
            "status",
            "APPROVED, DENIED, PENDING (waits for those whom criteria names), BLOCKED (waits for an earlier step), \
             CANCELED or, since schema version 1.1, REVOKED.",
        ),
        string("decided_by_global_user_id", "Who decided; null when nobody has yet.").or_null().user(),
        string(
            "criteria",
            "Who may decide, as text: the approvers of the review step that waited, of the data product's form; \
             `owners` own every data source asked for; `permission GOVERNANCE or owners` without a form.",
        ),
        string("reason", "Why, in the words of who decided.").or_null(),
        integer("duration_seconds", "For how long the approval holds.").or_null(),
        timestamp("created_at", "When it was decided; of a decision that is missing, since when it is waited for."),
        timestamp("updated_at", "When the decision last changed."),
        EXPORT_DATE,
    ],
};

pub(super) const REQUEST_DUAS: Table = Table {
    name: "request-duas",
    about: "One row per data use agreement that a request accepts.",
    key: &["request_id", "dua_id", "dua_version", "accepted_by_global_user_id"],
    order: "By request_id, dua_name, dua_version, accepted_at.",
    sorted_by: &["request_id", "dua_name", "dua_version"],
    fields: &[
        REQUEST,
        string("dua_id", "Id of the agreement."),
        string("dua_name", "Name of the agreement."),
        integer("dua_version", "The version accepted."),
        boolean("accepted", "Whether it was accepted."),
        string("accepted_by_global_user_id", "Who accepted.").or_null().user(),
        timestamp("accepted_at", "When it was accepted.").or_null(),
        string(
            "dua_sha256",
            "SHA-256 of the text accepted, in hexadecimal; empty when that text is not known.",
        ),
        EXPORT_DATE,
    ],
};
