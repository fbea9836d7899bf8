//! What the pages of access say in the same words, and their tables as CSV.

use axum::response::Response;
use domesday_model::{Scope, Snapshot, SnapshotUser, UserStatus};
use domesday_service::caller::Caller;
use domesday_service::evaluation::{AccessRow, View};

use super::list::sees_assets;
use crate::console::csv::Csv;

/// A name with where it comes from.
pub(super) struct Origin {
    pub(super) text: String,
    pub(super) origin: String,
}

/// The groups of a user.
pub(super) fn groups(snapshot: &Snapshot, user: &SnapshotUser) -> Vec<String> {
    let groups = user.groups.iter().map(|group| snapshot.groups[group.get()].name.to_string());
    groups.chain([domesday_model::ALL_USERS.to_owned()]).collect()
}

/// The attributes of a user, their own and those of their groups.
pub(super) fn attributes(snapshot: &Snapshot, user: &SnapshotUser) -> Vec<Origin> {
    let text = |(key, value): &(_, _)| {
        format!("{} = {}", snapshot.symbols.text(*key), snapshot.symbols.text(*value))
    };
    let own = user.attributes.iter().map(|pair| Origin { text: text(pair), origin: String::new() });
    let groups = user.groups.iter().map(|group| &snapshot.groups[group.get()]);
    let inherited = groups.flat_map(|group| {
        group
            .attributes
            .iter()
            .map(move |pair| Origin { text: text(pair), origin: format!("from {}", group.name) })
    });
    own.chain(inherited).collect()
}

/// A user's title and department.
pub(super) fn position(user: &SnapshotUser) -> String {
    let parts = [user.title.as_deref(), user.department.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn is_disabled(user: &SnapshotUser) -> bool {
    user.status == UserStatus::Disabled
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
        let is_own = caller.user.as_deref() == Some(row.user);
        row.reduce(if view == View::Everything {
            view
        } else if is_own {
            View::Own
        } else {
            View::Owner
        });
        let sees_user = view == View::Everything || is_own;
        let user = snapshot.user(row.user).filter(|_| sees_user).map(|user| &snapshot.users[user.get()]);
        let source = snapshot.data_source(row.data_source).filter(|_| sees_assets(caller));
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
