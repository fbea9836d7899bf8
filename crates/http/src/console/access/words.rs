//! What the pages of access say in the same words, and their tables as CSV.

use axum::response::Response;
use domesday_model::{Scope, Snapshot, SnapshotDataSource};
use domesday_service::caller::Caller;
use domesday_service::evaluation::{ASSET_READERS, AccessRow, View};

use crate::console::csv::Csv;

/// Where the data of a data source lies: database, schema and table, as far as they are known.
pub(in crate::console) fn place(source: &SnapshotDataSource) -> String {
    let parts = [&source.database, &source.schema, &source.table];
    parts.into_iter().flatten().map(|part| &**part).collect::<Vec<_>>().join(".")
}

/// The verb of a scope.
pub(super) fn verb(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
    }
}

/// Returns rows of access as CSV, as far as the caller sees them.
pub(super) fn csv(
    snapshot: &Snapshot,
    rows: Vec<AccessRow<'_>>,
    caller: &Caller,
    view: View,
    name: &str,
) -> Response {
    let mut csv = Csv::new(&[
        "user",
        "name",
        "title",
        "data_source",
        "platform",
        "scope",
        "outcome",
        "reasons",
        "grants",
        "guardrails",
        "masked_columns",
        "request",
        "expires_at",
    ]);
    for mut row in rows {
        row.reduce(view, caller.user.as_deref());
        let sees_user = view == View::Everything || caller.user.as_deref() == Some(row.user);
        let user = snapshot.user(row.user).filter(|_| sees_user).map(|user| &snapshot.users[user.get()]);
        let source = snapshot.data_source(row.data_source).filter(|_| caller.has_any(ASSET_READERS));
        let source = source.map(|source| &snapshot.data_sources[source.get()]);
        let reasons: Vec<_> = row.reasons.iter().map(|part| part.as_str()).collect();
        csv.row([
            row.user,
            user.map_or("", |user| &user.name),
            user.and_then(|user| user.title.as_deref()).unwrap_or_default(),
            row.data_source,
            source.map_or("", |source| &source.platform),
            row.scope.as_str(),
            row.outcome.as_str(),
            &reasons.join("; "),
            &row.grants.join("; "),
            &row.guardrails.join("; "),
            &row.masked_columns.join("; "),
            row.request_id.unwrap_or_default(),
            &row.expires_at.map_or_else(String::new, |end| end.to_string()),
        ]);
    }
    csv.into_response(name)
}
