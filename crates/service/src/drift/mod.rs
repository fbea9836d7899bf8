//! Where connected databases differ from the policies (`docs/drift.md`), as API, console and command line show it.

mod figures;
mod filter;
mod pair;
mod view;

use std::sync::Arc;

use domesday_drift::{Drift, Finding, FindingKind};

pub use figures::{DriftFigures, count};
pub use filter::{FindingFilter, has_role};
pub use pair::{PairView, RoleView, ScopeView};
pub use view::FindingView;

/// The databases of a snapshot, each compared with its outcomes.
pub type Drifts = Arc<[Drift]>;

/// How many findings there are of each kind, in the order of [`FindingKind::ALL`].
pub type KindTotals = [usize; FindingKind::ALL.len()];

/// A page of findings.
#[derive(Debug)]
pub struct FindingPage<'d> {
    /// How many findings there are on all pages together.
    pub total: usize,
    /// How many of each kind.
    pub kinds: KindTotals,
    /// The findings of this page.
    pub findings: Vec<Finding<'d>>,
}

/// Returns the findings that a filter selects, in order of connection, data source and user; the first `skipped` of them
/// left out.
#[must_use]
pub fn page<'d>(
    drifts: &'d [Drift],
    filter: &FindingFilter,
    skipped: usize,
    limit: usize,
) -> FindingPage<'d> {
    let mut page = FindingPage { total: 0, kinds: [0; FindingKind::ALL.len()], findings: Vec::new() };
    for drift in drifts {
        let Some(selected) = filter.of(drift) else { continue };
        for finding in drift.findings().filter(|finding| selected.admits(finding)) {
            if page.total >= skipped && page.findings.len() < limit {
                page.findings.push(finding);
            }
            page.total += 1;
            page.kinds[finding.kind as usize] += 1;
        }
    }
    page
}
