//! Views of access: how much of a user's access somebody may see.
//!
//! Policies, groups and attributes are for those to read who govern or audit. Everybody else sees of their own access
//! the policies that admit or stop them; an owner sees who reaches their data source and with which outcome, but not
//! by which policy, since a condition that is met reveals what the user has.

use domesday_engine::{ColumnExplanation, Explanation, Outcome, PolicyStep, Sight, Way, WayStep};
use domesday_model::{DataSourceId, DataSourceIx, Permission, UserId, UserIx};

use super::access::{AccessPage, AccessRow};
use super::evaluated::Evaluation;
use crate::caller::Caller;
use crate::error::ServiceError;

/// The permissions with which somebody sees everybody's access.
pub const READERS: &[Permission] = &[Permission::Audit, Permission::Governance];

/// The permissions with which somebody sees data sources with all of their fields.
pub const ASSET_READERS: &[Permission] =
    &[Permission::CreateDataSource, Permission::Governance, Permission::Audit];

/// A user or a data source that a query names, and that need not exist.
#[derive(Debug, Clone, Copy)]
pub enum Selector<'s> {
    /// By name.
    Name(&'s str),
    /// By id.
    Id(i64),
}

impl Selector<'_> {
    fn not_found(self, kind: &str) -> ServiceError {
        ServiceError::not_found(match self {
            Self::Name(name) => format!("there is no {kind} `{name}`"),
            Self::Id(id) => format!("there is no {kind} with the id {id}"),
        })
    }
}

/// The user and the data source of a query about access, and as whom the caller sees it.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    /// The user, when the query names one.
    pub user: Option<UserIx>,
    /// The data source, when the query names one.
    pub source: Option<DataSourceIx>,
    /// How much the caller sees.
    pub view: View,
}

impl Evaluation {
    /// The caller as a user of the catalog.
    #[must_use]
    pub fn user_of(&self, caller: &Caller) -> Option<UserIx> {
        caller.user.as_deref().and_then(|name| self.snapshot().user(name))
    }

    /// Whether a caller without a permission to see everything may know that a data source exists: one that they reach, are
    /// blocked from or own, or that a data product, which everybody sees, contains.
    fn knows(&self, caller: &Caller, source: DataSourceIx) -> bool {
        let snapshot = self.snapshot();
        let record = &snapshot.data_sources[source.get()];
        let me = self.user_of(caller);
        let class = self.position(source).map(|position| self.outcomes.sources()[position].class);
        let reaches = me.is_some_and(|me| class.is_some_and(|class| self.reaches(me, class)));
        let owns = caller.roles && me.is_some_and(|me| record.owners.contains(&me));
        let in_product = || {
            let mut products = snapshot.data_products.iter();
            products.any(|product| product.spec.data_sources.iter().any(|asset| *asset.name == *record.name))
        };
        caller.has(Permission::CreateDataSource) || reaches || owns || in_product()
    }

    /// Finds the user and the data source that a query about access names, and as whom the caller sees their access.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] when the caller may not see it, whether they exist or not;
    /// [`ServiceError::NotFound`] when one of them does not exist.
    pub fn select(
        &self,
        caller: &Caller,
        user: Option<Selector<'_>>,
        source: Option<Selector<'_>>,
    ) -> Result<Selection, ServiceError> {
        let snapshot = &**self.snapshot();
        let found_user = user.map(|selector| match selector {
            Selector::Name(name) => snapshot.user(name),
            Selector::Id(id) => {
                snapshot.users.binary_search_by_key(&UserId(id), |user| user.id).ok().map(UserIx::at)
            }
        });
        let found_source = source.map(|selector| match selector {
            Selector::Name(name) => snapshot.data_source(name),
            Selector::Id(id) => {
                let sources = &snapshot.data_sources;
                sources.binary_search_by_key(&DataSourceId(id), |it| it.id).ok().map(DataSourceIx::at)
            }
        });
        let is_own = match user {
            Some(Selector::Name(name)) => caller.is_user(name),
            Some(Selector::Id(id)) => caller.user_id == Some(UserId(id)),
            None => false,
        };
        let owns = || {
            let source = found_source??;
            let me = snapshot.user(caller.user_with_roles()?)?;
            Some(snapshot.data_sources[source.get()].owners.contains(&me))
        };
        let view = if caller.has_any(READERS) {
            View::Everything
        } else if is_own {
            View::Own
        } else if owns() == Some(true) {
            View::Owner
        } else {
            return Err(ServiceError::lacks_any(READERS));
        };
        // Ids can be counted through: they lead only to what the caller may know of.
        let found_source = found_source.map(|found| {
            let by_id = matches!(source, Some(Selector::Id(_)));
            found.filter(|found| !by_id || view != View::Own || self.knows(caller, *found))
        });
        let missing = |selector: Option<Selector<'_>>, kind| {
            selector.map_or(ServiceError::Internal, |selector| selector.not_found(kind))
        };
        Ok(Selection {
            user: found_user.map(|it| it.ok_or_else(|| missing(user, "user"))).transpose()?,
            source: found_source.map(|it| it.ok_or_else(|| missing(source, "data source"))).transpose()?,
            view,
        })
    }
}

/// The role in which somebody sees the access of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// With a permission to see everything.
    Everything,
    /// As that user.
    Own,
    /// As the owner of the data source.
    Owner,
}

impl AccessPage<'_> {
    /// Removes what a view does not show; `me` sees their own rows as themselves.
    pub fn reduce(&mut self, view: View, me: Option<&str>) {
        self.rows.iter_mut().for_each(|row| row.reduce(view, me));
    }
}

impl AccessRow<'_> {
    /// Removes what a view does not show; `me` sees their own row as themselves.
    pub fn reduce(&mut self, view: View, me: Option<&str>) {
        if view == View::Everything {
            return;
        }
        let is_own = me == Some(self.user);
        if !is_own {
            self.grants.clear();
        }
        // Guardrails that the user passes stop nothing.
        if !is_own || self.outcome == Outcome::Granted {
            self.guardrails.clear();
        }
    }
}

/// Removes what a view does not show of a derivation.
pub fn reduce(explanation: &mut Explanation, view: View) {
    if view == View::Everything {
        return;
    }
    explanation.merged_policy.clear();
    match view {
        View::Everything => {}
        View::Own => reduce_own(explanation),
        View::Owner => {
            explanation.grant_policy_ids.clear();
            explanation.guardrail_policy_ids.clear();
            explanation.grants.clear();
            explanation.guardrails.clear();
            explanation.conflicts.clear();
            explanation.ways.clear();
            explanation.requests.retain(|request| request.counts);
            for column in &mut explanation.columns {
                column.data_policy_ids.clear();
                column.data_policies.clear();
            }
        }
    }
}

/// The policies that admit the user, and the guardrails that stop them.
fn reduce_own(explanation: &mut Explanation) {
    explanation.grants.retain(|grant| grant.admits);
    explanation.guardrails.retain(|guardrail| !guardrail.admits);
    let stopping = ids(&explanation.guardrails);
    explanation.guardrail_policy_ids.retain(|id| stopping.contains(id));
    let admitting: Vec<String> = explanation.grants.iter().map(|grant| grant.name.clone()).collect();
    for conflict in &mut explanation.conflicts {
        conflict.rivals.retain(|rival| admitting.contains(&rival.name));
        if conflict.settled_by.as_ref().is_some_and(|name| !admitting.contains(name)) {
            conflict.settled_by = None;
        }
    }
    explanation.conflicts.retain(|conflict| !conflict.rivals.is_empty());
    reduce_ways(&mut explanation.ways);
}

/// Everybody may ask for access. Any other way reveals conditions, and what groups give their members.
fn reduce_ways(ways: &mut Vec<Way>) {
    ways.retain(|way| way.steps.iter().all(is_request));
    ways.iter_mut().for_each(|way| way.grant = None);
    ways.dedup();
}

fn is_request(step: &WayStep) -> bool {
    match step {
        WayStep::AskForApproval { .. } | WayStep::AskForProduct { .. } | WayStep::AskForException { .. } => {
            true
        }
        WayStep::JoinGroup { .. }
        | WayStep::LeaveGroup { .. }
        | WayStep::HaveAttribute { .. }
        | WayStep::LoseAttribute { .. }
        | WayStep::BeNamed { .. } => false,
    }
}

fn ids(steps: &[PolicyStep]) -> Vec<i64> {
    steps.iter().map(|step| step.id).collect()
}

/// Removes what a view does not show of a column's derivation.
pub fn reduce_column(explanation: &mut ColumnExplanation, view: View) {
    reduce(&mut explanation.read, view);
    let unread = explanation.sight == Sight::Unreadable;
    match view {
        View::Everything => {}
        View::Own if unread => explanation.policies.clear(),
        View::Own => reduce_ways(&mut explanation.ways),
        View::Owner => {
            explanation.policies.clear();
            explanation.ways.clear();
        }
    }
    if view == View::Owner {
        explanation.exceptions.retain(|request| request.counts);
        if let Some(row) = &mut explanation.row {
            row.data_policy_ids.clear();
            row.data_policies.clear();
        }
    }
}
