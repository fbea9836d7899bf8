//! The nearest ways to access, with where their steps are started.

use domesday_engine::{Way, WayStep};
use domesday_model::{Scope, Snapshot};

use super::words::verb;
use crate::console::link::Link;
use crate::console::paths::{ASK, product_path, request_path, with_query};
use crate::console::people;

/// A way to access.
pub(super) struct WayView {
    pub(super) steps: Vec<StepView>,
    pub(super) note: String,
}

/// One step of a way.
pub(super) struct StepView {
    pub(super) text: String,
    /// Where it is started, when it is the caller's to start, and what for, for those who hear the button alone.
    pub(super) start: Link,
    /// The pending request that is this step.
    pub(super) pending: Option<Link>,
}

/// For whom and to what ways lead, to start their steps.
pub(super) struct Starter<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) source: i64,
    /// The username, when the caller asks for somebody else.
    pub(super) user: String,
    /// Whether the caller may ask for the user.
    pub(super) may_ask: bool,
}

impl Starter<'_> {
    /// The page that asks for the data source or for one of its columns.
    fn ask(&self, scope: Scope, column: &str) -> String {
        let source = self.source.to_string();
        let fields = [
            ("data-source", source.as_str()),
            ("column", column),
            ("for", &self.user),
            ("scope", scope_field(scope)),
        ];
        if self.may_ask { with_query(ASK, fields) } else { String::new() }
    }

    /// The page that asks for a data product.
    fn product(&self, name: &str, scope: Scope) -> String {
        let product = self.snapshot.data_product(name).filter(|_| self.may_ask);
        let fields = [("for", self.user.as_str()), ("scope", scope_field(scope))];
        product.map_or_else(String::new, |product| with_query(&product_path(product.id.0), fields) + "#ask")
    }
}

/// A scope in an address: reading goes without saying.
fn scope_field(scope: Scope) -> &'static str {
    if scope == Scope::Read { "" } else { scope.as_str() }
}

/// The names of some users who can change entitlements.
pub(super) fn helpers(snapshot: &Snapshot) -> String {
    let names: Vec<_> = people::administrators(snapshot).take(3).map(|user| &*user.name).collect();
    if names.is_empty() { "the operator".to_owned() } else { names.join(", ") }
}

pub(super) fn way_view(way: &Way, helpers: &str, starter: &Starter<'_>) -> WayView {
    let mut has_entitlement = false;
    let plain = |text: String| StepView { text, start: Link::plain(""), pending: None };
    let asking = |text: String, purpose: String, start: String, pending: &Option<String>| {
        let pending = pending.as_ref().map(|request| Link::new(request.as_str(), request_path(request)));
        let start = Link::new(purpose, if pending.is_some() { String::new() } else { start });
        StepView { text, start, pending }
    };
    let steps = way.steps.iter().map(|step| match step {
        WayStep::JoinGroup { group } => {
            has_entitlement = true;
            plain(format!("Become a member of the group {group}"))
        }
        WayStep::LeaveGroup { group } => {
            has_entitlement = true;
            plain(format!("Leave the group {group}"))
        }
        WayStep::HaveAttribute { key, any_of } => {
            has_entitlement = true;
            plain(format!("Have the attribute {key} = {}", any_of.join(" or ")))
        }
        WayStep::LoseAttribute { key, all_of } => {
            has_entitlement = true;
            plain(format!("Lose the attribute {key} = {}", all_of.join(" and ")))
        }
        WayStep::AskForApproval { scope, pending } => asking(
            format!("Ask for access to {} it, and have the request approved", verb(*scope)),
            "to the data source".to_owned(),
            starter.ask(*scope, ""),
            pending,
        ),
        WayStep::AskForProduct { data_product, scope, pending } => asking(
            format!(
                "Ask for the data product {data_product} to {} it, and have the request approved",
                verb(*scope)
            ),
            format!("to the data product {data_product}"),
            starter.product(data_product, *scope),
            pending,
        ),
        WayStep::AskForException { column, pending } => asking(
            format!("Ask for an exception from the mask of {column}, and have the request approved"),
            format!("to {column} unmasked"),
            starter.ask(Scope::Read, column),
            pending,
        ),
        WayStep::BeNamed { policy } => plain(format!("Be named in the policy {policy}")),
    });
    let steps = steps.collect();
    let mut notes = Vec::new();
    if let Some(grant) = &way.grant {
        notes.push(format!("{grant} then grants it."));
    }
    if has_entitlement {
        notes.push(format!("Groups and attributes are changed with USER_ADMIN: {helpers}."));
    }
    WayView { steps, note: notes.join(" ") }
}
