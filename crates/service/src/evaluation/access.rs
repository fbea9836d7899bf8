//! Pages of access from the classes, without ever making all of their rows.
//!
//! A page is found by its first row's ids, so that a cursor stays good when the catalog changes between two
//! pages: rows before it are not shown again, rows after it are not left out. Totals are exact.

use domesday_engine::{ColumnExplanation, ColumnOutcome, Explanation, Outcome, Reason, ReasonPart};
use domesday_model::{ColumnIx, DataSourceIx, Instant, PolicyIx, Scope, UserIx};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::evaluated::Evaluation;
use crate::error::ServiceError;

/// Which rows of access are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessFilter {
    /// Only rows of this scope.
    pub scope: Option<Scope>,
    /// Only rows with this outcome.
    pub outcome: Option<Outcome>,
}

/// Where a page begins: after the row with these ids and scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageStart {
    /// Data source (of a user's rows) or user (of a data source's).
    pub id: i64,
    /// The scope of the row.
    pub scope: Scope,
}

/// One page.
#[derive(Debug, Serialize)]
pub struct AccessPage<'e> {
    /// How many rows there are on all pages together.
    pub total: u64,
    /// The rows of this page.
    pub rows: Vec<AccessRow<'e>>,
    /// The last row, when others follow.
    #[serde(skip)]
    pub next: Option<PageStart>,
    /// The instant of the outcomes.
    pub at: Instant,
}

/// One user's access to one data source in one scope.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AccessRow")]
#[serde(rename_all = "camelCase")]
pub struct AccessRow<'e> {
    /// The user's id.
    pub user_id: i64,
    /// The user's name.
    pub user: &'e str,
    /// The data source's id.
    pub data_source_id: i64,
    /// The data source's name.
    pub data_source: &'e str,
    /// READ or WRITE.
    #[serde(serialize_with = "scope_name")]
    #[schemars(with = "String")]
    pub scope: Scope,
    /// GRANTED or BLOCKED.
    #[schemars(with = "String")]
    pub outcome: Outcome,
    /// POLICY, OWNER, REQUEST: every one that applies.
    #[schemars(with = "Vec<String>")]
    pub reasons: Vec<ReasonPart>,
    /// The grants that admit.
    pub grants: Vec<&'e str>,
    /// All guardrails when granted; those that block when blocked.
    pub guardrails: Vec<&'e str>,
    /// The columns that this user sees masked.
    pub masked_columns: Vec<&'e str>,
    /// The request among the reasons that ends last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'e str>,
    /// When the access ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Instant>,
}

impl Evaluation {
    /// Returns the data sources that a user can reach, in the order data source, scope.
    pub fn user_page(
        &self,
        user: UserIx,
        filter: AccessFilter,
        after: Option<PageStart>,
        limit: usize,
    ) -> AccessPage<'_> {
        let wanted = |class: usize, scope: Scope| {
            filter.scope.is_none_or(|only| only == scope)
                && filter
                    .outcome
                    .is_none_or(|only| self.reason(class, scope, user).is_some_and(|r| r.outcome == only))
        };
        let total = self.reach.user_scopes(user).filter(|(class, scope)| wanted(*class, *scope));
        let total = total.map(|(class, _)| u64::from(self.sources_in[class])).sum();
        let start = after.map_or(0, |after| {
            self.outcomes
                .sources()
                .partition_point(|of| self.snapshot().data_sources[of.source.get()].id.0 < after.id)
        });
        let rows = self.outcomes.sources()[start..]
            .iter()
            .enumerate()
            .flat_map(|(offset, of)| Scope::ALL.into_iter().map(move |scope| (start + offset, of, scope)));
        let rows = rows.filter(|(_, of, scope)| {
            let at = PageStart { id: self.snapshot().data_sources[of.source.get()].id.0, scope: *scope };
            after.is_none_or(|after| at > after)
                && self.reach.has(user, of.class, *scope)
                && wanted(of.class.0 as usize, *scope)
        });
        let mut rows = rows.map(|(position, _, scope)| (position, scope));
        let page: Vec<_> = rows.by_ref().take(limit).collect();
        let more = rows.next().is_some();
        let rows: Vec<_> =
            page.into_iter().filter_map(|(position, scope)| self.row(user, position, scope)).collect();
        let next =
            rows.last().filter(|_| more).map(|row| PageStart { id: row.data_source_id, scope: row.scope });
        AccessPage { total, rows, next, at: self.from }
    }

    /// Returns the users who can reach a data source, in the order scope, user.
    pub fn source_page(
        &self,
        source: DataSourceIx,
        filter: AccessFilter,
        after: Option<PageStart>,
        limit: usize,
    ) -> AccessPage<'_> {
        let Some(position) = self.position(source) else {
            return AccessPage { total: 0, rows: Vec::new(), next: None, at: self.from };
        };
        let class = &self.classes[self.outcomes.sources()[position].class.0 as usize];
        let scopes = Scope::ALL.into_iter().filter(|scope| filter.scope.is_none_or(|only| only == *scope));
        let mut total = 0;
        let mut page: Vec<(UserIx, Scope)> = Vec::new();
        let mut more = false;
        for scope in scopes {
            let outcomes = class.scope(scope);
            let is = |row: usize| {
                let reason = &outcomes.reasons[outcomes.reason_of[row] as usize];
                filter.outcome.is_none_or(|only| only == reason.outcome)
            };
            total += match filter.outcome {
                None => outcomes.users.len() as u64,
                Some(_) => (0..outcomes.users.len()).filter(|row| is(*row)).count() as u64,
            };
            let start = match after {
                Some(after) if after.scope > scope => outcomes.users.len(),
                Some(after) if after.scope == scope => {
                    outcomes.users.partition_point(|user| self.snapshot().users[user.get()].id.0 <= after.id)
                }
                _ => 0,
            };
            let mut rows = (start..outcomes.users.len()).filter(|row| is(*row));
            page.extend(rows.by_ref().take(limit - page.len()).map(|row| (outcomes.users[row], scope)));
            more |= rows.next().is_some();
        }
        let rows: Vec<_> =
            page.into_iter().filter_map(|(user, scope)| self.row(user, position, scope)).collect();
        let next = rows.last().filter(|_| more).map(|row| PageStart { id: row.user_id, scope: row.scope });
        AccessPage { total, rows, next, at: self.from }
    }

    /// Returns the access of a user to one data source.
    pub fn pair_page(&self, user: UserIx, source: DataSourceIx, filter: AccessFilter) -> AccessPage<'_> {
        let rows = Scope::ALL.into_iter().filter(|scope| filter.scope.is_none_or(|only| only == *scope));
        let rows = rows.filter_map(|scope| self.row(user, self.position(source)?, scope));
        let rows = rows.filter(|row| filter.outcome.is_none_or(|only| only == row.outcome));
        let rows: Vec<_> = rows.collect();
        AccessPage { total: rows.len() as u64, rows, next: None, at: self.from }
    }

    /// Returns the whole derivation of one pair.
    ///
    /// # Errors
    /// When the computation panics.
    pub async fn explain(
        &self,
        user: UserIx,
        source: DataSourceIx,
        scope: Scope,
    ) -> Result<Explanation, ServiceError> {
        self.compute(move |outcomes| outcomes.explain(user, source, scope)).await
    }

    /// Returns one column's derivation for a user.
    ///
    /// # Errors
    /// When the computation panics.
    pub async fn explain_column(
        &self,
        user: UserIx,
        source: DataSourceIx,
        column: ColumnIx,
    ) -> Result<ColumnExplanation, ServiceError> {
        self.compute(move |outcomes| outcomes.explain_column(user, source, column)).await
    }

    pub(super) fn reason(&self, class: usize, scope: Scope, user: UserIx) -> Option<&Reason> {
        self.classes[class].scope(scope).reason(user)
    }

    pub(super) fn row(&self, user: UserIx, position: usize, scope: Scope) -> Option<AccessRow<'_>> {
        let snapshot = &**self.snapshot();
        let of = &self.outcomes.sources()[position];
        let reason = self.reason(of.class.0 as usize, scope, user)?;
        let source = &snapshot.data_sources[of.source.get()];
        let person = &snapshot.users[user.get()];
        let names = |policies: &[PolicyIx]| {
            policies.iter().map(|policy| snapshot.policies[policy.get()].spec.name.as_str()).collect()
        };
        let reads = scope == Scope::Read && reason.outcome == Outcome::Granted;
        Some(AccessRow {
            user_id: person.id.0,
            user: &person.username,
            data_source_id: source.id.0,
            data_source: &source.name,
            scope,
            outcome: reason.outcome,
            reasons: reason.parts.iter().collect(),
            grants: names(&reason.grants),
            guardrails: names(&reason.guardrails),
            masked_columns: if reads { self.masked(user, position) } else { Vec::new() },
            request_id: reason.request.map(|request| snapshot.requests[request.get()].id.as_str()),
            expires_at: reason.expires_at,
        })
    }

    fn masked(&self, user: UserIx, position: usize) -> Vec<&str> {
        let of = &self.outcomes.sources()[position];
        let columns = &self.classes[of.class.0 as usize].columns;
        let Ok(reader) = columns.users.binary_search(&user) else { return Vec::new() };
        let slots = columns.slots.iter().zip(&of.columns);
        let masked =
            slots.filter(|(slot, _)| columns.reasons[slot[reader] as usize].outcome == ColumnOutcome::Masked);
        masked.map(|(_, column)| &*self.snapshot().columns[column.get()].name).collect()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn scope_name<S: Serializer>(scope: &Scope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(scope.as_str())
}
