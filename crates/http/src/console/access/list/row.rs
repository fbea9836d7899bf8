//! A row of a list.

use domesday_engine::{Outcome, ReasonPart};
use domesday_model::{Scope, Snapshot};
use domesday_service::caller::Caller;
use domesday_service::evaluation::{AccessRow, View};

use super::query::address;
use crate::console::access::pair_path;
use crate::console::link::Link;
use crate::console::times::{Calendar, TimeView, counted};

/// One row.
pub(in crate::console::access) struct RowView {
    pub(in crate::console::access) name: Link,
    pub(in crate::console::access) note: String,
    pub(in crate::console::access) about: String,
    pub(in crate::console::access) scope: &'static str,
    pub(in crate::console::access) is_granted: bool,
    pub(in crate::console::access) blocked_by: Vec<Link>,
    pub(in crate::console::access) let_in_by: Vec<Link>,
    pub(in crate::console::access) masked: String,
    pub(in crate::console::access) ends: Option<TimeView>,
    pub(in crate::console::access) why: String,
}

/// Returns a row as it is shown. Names of policies lead to the rows of that policy, for those who see policies.
pub(in crate::console::access) fn row_view(
    snapshot: &Snapshot,
    mut row: AccessRow<'_>,
    caller: &Caller,
    view: View,
    path: &str,
    calendar: &Calendar,
) -> RowView {
    row.reduce(view, caller.user.as_deref());
    let policy = |name: &&str| match (view, snapshot.policy(name)) {
        (View::Everything, Some(policy)) => {
            let id = snapshot.policies[policy.get()].id.0.to_string();
            Link::new(*name, address(path, std::iter::once(("policy", id.as_str()))))
        }
        _ => Link::plain(*name),
    };
    let is_granted = row.outcome == Outcome::Granted;
    let mut let_in_by: Vec<_> = row.grants.iter().map(policy).collect();
    for part in &row.reasons {
        match part {
            ReasonPart::Policy if let_in_by.is_empty() => let_in_by.push(Link::plain("a policy")),
            ReasonPart::Policy => {}
            ReasonPart::Owner => let_in_by.push(Link::plain("ownership")),
            ReasonPart::Request => {
                let_in_by.push(Link::plain(
                    row.request_id.map_or_else(|| "a request".to_owned(), |id| format!("request {id}")),
                ));
            }
        }
    }
    let masked = match row.masked_columns.as_slice() {
        [] => String::new(),
        columns => format!(
            "{}: {}",
            counted(columns.len() as u64, "column masked", "columns masked"),
            columns.join(", ")
        ),
    };
    let pair = pair_path(row.user_id, row.data_source_id);
    RowView {
        name: Link::plain(""),
        note: String::new(),
        about: String::new(),
        scope: if row.scope == Scope::Read { "Read" } else { "Write" },
        is_granted,
        blocked_by: if is_granted { Vec::new() } else { row.guardrails.iter().map(policy).collect() },
        let_in_by,
        masked,
        ends: row.expires_at.map(|end| calendar.day(end)),
        why: if row.scope == Scope::Read { pair } else { format!("{pair}?scope=WRITE") },
    }
}
