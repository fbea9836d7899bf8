//! The findings as they are listed.

use domesday_drift::{Drift, Finding, FindingKind};
use domesday_service::drift::{FindingFilter, FindingView, page as find_page};

use super::filtered;
use super::query::PAGE;
use super::words::{kind_chip, way};
use crate::console::access::{pair_path, source_path};
use crate::console::link::Link;
use crate::console::listing::Chip;
use crate::console::paged::{Choice, ListAddress};
use crate::console::pager::Pager;
use crate::console::policies::policy_path;
use crate::console::times::counted;

/// The list.
pub(super) struct FindingList {
    pub(super) choices: Vec<Choice>,
    pub(super) data_source: String,
    pub(super) user: String,
    /// The role that the list is of; empty for all.
    pub(super) role: String,
    pub(super) is_filtered: bool,
    pub(super) total: String,
    /// How many there are without the filter.
    pub(super) unfiltered: String,
    /// Names in the filter that nothing has.
    pub(super) unknown: Vec<String>,
    pub(super) rows: Vec<FindingRow>,
    pub(super) pager: Pager,
    pub(super) csv: String,
}

/// A finding.
pub(super) struct FindingRow {
    pub(super) chip: Chip,
    /// What is wrong, in one sentence.
    pub(super) detail: String,
    /// The user; the role that belongs to nobody.
    pub(super) who: Link,
    /// The role of a user.
    pub(super) role: String,
    pub(super) source: Link,
    pub(super) column: String,
    pub(super) scope: &'static str,
    pub(super) way: String,
    pub(super) guardrails: Vec<Link>,
    /// The SQL that repairs it; empty where that takes a decision.
    pub(super) repair: String,
    /// What somebody has to decide then.
    pub(super) decision: String,
}

/// Lists the findings that an address asks for; on a blocking thread, since the first one works out every repair.
pub(super) fn list(drifts: &[Drift], address: &ListAddress, filter: &FindingFilter) -> FindingList {
    let found = find_page(drifts, filter, address.offset(PAGE), PAGE);
    let connections = drifts.iter().map(|drift| drift.database().connection.clone());
    let connections = connections.map(|name| (name.clone(), name));
    let kinds = FindingKind::ALL.map(|kind| (kind.as_str().to_owned(), kind_chip(kind).text.to_owned()));
    let all: usize = drifts.iter().map(Drift::total).sum();
    FindingList {
        choices: vec![
            address.choice("connection", "Connection", "Any connection", connections),
            address.choice("kind", "Kind", "Any kind", kinds),
        ],
        data_source: address.value("dataSource").to_owned(),
        user: address.value("user").to_owned(),
        role: address.value("role").to_owned(),
        is_filtered: address.is_filtered(),
        total: counted(found.total as u64, "finding", "findings"),
        unfiltered: counted(all as u64, "finding", "findings"),
        unknown: unknown(drifts, filter),
        rows: found.findings.iter().map(row).collect(),
        pager: address.pager(PAGE, found.findings.len(), found.total, "finding", "findings"),
        csv: address.href("/console/drift/csv", &[]),
    }
}

/// Says which names in a filter nothing has: names are exact.
fn unknown(drifts: &[Drift], filter: &FindingFilter) -> Vec<String> {
    let Some(snapshot) = drifts.first().map(Drift::snapshot) else { return Vec::new() };
    let names = [
        ("connection", &filter.connection),
        ("data source", &filter.data_source),
        ("user", &filter.user),
        ("role", &filter.role),
    ];
    let is_known = |what: &str, name: &str| match what {
        "connection" => drifts.iter().any(|drift| drift.database().connection == name),
        "data source" => snapshot.data_source(name).is_some(),
        "user" => snapshot.user(name).is_some(),
        _ => domesday_service::drift::has_role(drifts, name),
    };
    let unknown = names.into_iter().filter_map(|(what, name)| {
        let name = name.as_deref().filter(|name| !is_known(what, name))?;
        Some(match what {
            "connection" => format!("No connection “{name}” has read a database."),
            "user" => format!("There is no user “{name}”. A username is written in full."),
            what => format!("There is no {what} “{name}”. Its name is written in full."),
        })
    });
    unknown.collect()
}

fn row(finding: &Finding<'_>) -> FindingRow {
    let view = FindingView::from(finding);
    let snapshot = finding.drift().snapshot();
    let source = &snapshot.data_sources[finding.source.get()];
    let role = view.role_name.unwrap_or_default();
    let (who, role) = match finding.user {
        Some(user) => {
            let user = &snapshot.users[user.get()];
            (Link::new(&*user.name, pair_path(user.id.0, source.id.0)), role)
        }
        None => {
            let href = filtered([("connection", view.connection.as_str()), ("role", role.as_str())]);
            (Link::new(role, href), String::new())
        }
    };
    let guardrails = finding.guardrails().iter().map(|policy| {
        let policy = &snapshot.policies[policy.get()];
        Link::new(policy.spec.name.as_str(), policy_path(policy.id.0))
    });
    FindingRow {
        chip: kind_chip(finding.kind),
        detail: view.detail,
        who,
        role,
        source: Link::new(&*source.name, source_path(source.id.0)),
        column: view.column_name.unwrap_or_default(),
        scope: finding.scope.as_str(),
        way: way(&view.via.unwrap_or_default()),
        guardrails: guardrails.collect(),
        repair: view.repair.unwrap_or_default(),
        decision: view.decision.unwrap_or_default(),
    }
}
