//! `policy-metadata` and `policy-outcomes`.

use super::{EXPORT_DATE, Table, integer, string, timestamp};

/// The field names and types up to `source` are the reference's own.
pub(super) const POLICY_METADATA: Table = Table {
    name: "policy-metadata",
    about: "One row per subscription policy and, with access type MASK, per data policy, of any state.",
    key: &["policy_id"],
    order: "By policy_id.",
    sorted_by: &["policy_id"],
    fields: &[
        string(
            "who",
            "Whom it targets, as text: `groups: A, B; attributes: K=V; users: u`, each part only where named, \
             what a condition negates as `not groups: …`; `everyone` at level ANYONE, `approved requesters` at \
             level APPROVAL; of a MASK policy, those whose view is masked.",
        ),
        string(
            "object",
            "The tags it targets, of data sources and columns, sorted and joined by `, `; empty when it \
             selects by no tag.",
        ),
        string("access_type", "GRANT (lets users in), GUARDRAIL (all must pass it) or MASK (a data policy)."),
        string(
            "policy",
            "The condition in the condition language; ANYONE, APPROVED or NAMED IN 'policy' for the other \
             levels; of a MASK policy, the condition of those masked: ANYONE, or NOT and the exception.",
        ),
        string("scope", "READ or WRITE; a MASK policy has READ."),
        integer("policy_id", "Id of the policy; subscription and data policies share one id space.").unique(),
        string("policy_name", "Name of the policy."),
        timestamp("creation_date", "When it was written."),
        string("owner", "Username of its owner.").or_null(),
        string("owner_global_user_id", "The owner's global_user_id.").or_null(),
        string("link", "URL of the policy in the console."),
        string("source", "Where it came from: console, api, a file's path in the catalog, or request."),
        string(
            "level",
            "ANYONE, APPROVAL, ENTITLEMENTS or INDIVIDUALS; of a MASK policy ANYONE or ENTITLEMENTS.",
        ),
        string("state", "ACTIVE (evaluated), STAGED (prepared, not yet evaluated) or DISABLED."),
        string("locality", "LOCAL when it names its data sources one by one, else GLOBAL."),
        integer(
            "data_source_count",
            "How many data sources it applies to, whatever its state, disabled data sources included.",
        ),
        timestamp("updated_at", "When it last changed."),
        EXPORT_DATE,
    ],
};

/// Which rows there are is defined in `docs/access.md`, "Access, precisely".
pub(super) const POLICY_OUTCOMES: Table = Table {
    name: "policy-outcomes",
    about: "One row per user, data source and scope that a grant, an ownership or an approved request reaches, \
            and one per reader and masked column.",
    key: &["datasource_id", "scope", "global_user_id", "column_id"],
    order: "By data source, scope (READ, WRITE), user id; a data source's column rows follow its table rows, \
            by user id and the column's position.",
    sorted_by: &["datasource_id"],
    fields: &[
        string("global_user_id", "The user.").user(),
        integer("user_id", "The user's numeric id.").refers_to("user-metadata", "user_id"),
        string("username", "The user's name."),
        integer("datasource_id", "The data source.").refers_to("datasource-metadata", "datasource_id"),
        string("datasource_name", "The data source's name."),
        integer("column_id", "The column, on column rows; null on table rows.").or_null(),
        string("scope", "READ or WRITE; column rows have READ."),
        string(
            "outcome",
            "GRANTED, or BLOCKED when a guardrail does not admit the user; on column rows MASKED or UNMASKED.",
        ),
        string(
            "grant_policy_ids",
            "JSON array of the ids of the grants that admit, ascending; [] on column rows.",
        ),
        string(
            "guardrail_policy_ids",
            "JSON array of guardrail ids, ascending: all that hold when GRANTED, those that block when BLOCKED; \
             [] on column rows.",
        ),
        string(
            "data_policy_ids",
            "JSON array of data policy ids, ascending: those that mask when MASKED, all that apply when \
             UNMASKED; [] on table rows.",
        ),
        string(
            "reason",
            "POLICY (a grant admits by condition or name), OWNER, REQUEST (an approved request stands behind \
             it), several joined by `+` in that order.",
        ),
        string("request_id", "Of the requests behind it, the one that ends last.")
            .or_null()
            .refers_to("access-requests", "request_id"),
        string(
            "merged_policy",
            "All grants and guardrails for the data source and scope in one line: the condition language, with \
             ANYONE, APPROVED and NAMED IN 'policy' for the other levels.",
        ),
        timestamp("expires_at", "When access ends by itself; null while policy or ownership holds.")
            .or_null(),
        EXPORT_DATE,
    ],
};
