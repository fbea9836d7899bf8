//! Rows of access as people look for them: filtered, sorted, by page number, with exact totals.
//!
//! Unlike the pages of [`super::access`], these are found by their position, since a list that is sorted by anything
//! has no other place to go on from.

use std::cmp::Ordering;

use domesday_engine::{ClassIx, ColumnOutcome, Outcome, Reason, ReasonPart};
use domesday_model::{ColumnIx, DataPolicyIx, DataSourceIx, DomainIx, GroupIx, PolicyIx, Scope, UserIx};

use super::access::AccessRow;
use super::evaluated::Evaluation;

/// Which rows are wanted.
#[derive(Debug, Clone, Default)]
pub struct RowFilter {
    /// Only rows of this scope.
    pub scope: Option<Scope>,
    /// Only rows with this outcome.
    pub outcome: Option<Outcome>,
    /// Only rows with this part of the reason.
    pub reason: Option<ReasonPart>,
    /// Only rows that this policy admits or blocks.
    pub policy: Option<PolicyIx>,
    /// Of a data source: only members of this group.
    pub group: Option<GroupIx>,
    /// Of a user: only data sources of this domain.
    pub domain: Option<DomainIx>,
    /// Only names that contain this text, in any case.
    pub text: String,
}

/// The order of rows. Rows that it does not distinguish are in the order of names, then of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowOrder {
    /// By name.
    #[default]
    Name,
    /// Read before write.
    Scope,
    /// Granted before blocked.
    Outcome,
}

/// Where a page is in the list.
#[derive(Debug, Clone, Copy)]
pub struct RowRange {
    /// The order of the list.
    pub order: RowOrder,
    /// Whether the order is reversed.
    pub is_descending: bool,
    /// How many rows come before.
    pub offset: usize,
    /// How many rows there are at most.
    pub limit: usize,
}

/// A page of rows.
#[derive(Debug)]
pub struct RowPage<'e> {
    /// The rows.
    pub rows: Vec<AccessRow<'e>>,
    /// How many rows the filter shows, on all pages.
    pub total: usize,
    /// How many rows there are without the filter.
    pub unfiltered: usize,
}

/// How access to a data source comes about, in people.
#[derive(Debug, Default)]
pub struct SourceSummary {
    /// How many people can read it.
    pub readers: u64,
    /// How many can write it.
    pub writers: u64,
    /// How many would be granted something and are blocked from all of it.
    pub blocked: u64,
    /// Rows to read and rows to write.
    pub rows: [u64; 2],
    /// For each grant, how many people it admits, blocked ones included; most first.
    pub grants: Vec<(PolicyIx, u64)>,
    /// How many people have it by ownership.
    pub owners: u64,
    /// How many people have it by request.
    pub requests: u64,
    /// For each guardrail, how many people it blocks; most first.
    pub guardrails: Vec<(PolicyIx, u64)>,
}

/// What a user can reach, in data sources.
#[derive(Debug, Default)]
pub struct UserSummary {
    /// How many they can read.
    pub readable: u64,
    /// How many they can write.
    pub writable: u64,
    /// Of how many they are blocked from everything that is granted.
    pub blocked: u64,
    /// How many have columns that the user sees masked.
    pub masked: u64,
}

/// The masks of a column, and how its readers see it.
#[derive(Debug)]
pub struct ColumnSummary {
    /// The column.
    pub column: ColumnIx,
    /// The data policies that apply to it.
    pub masks: Vec<DataPolicyIx>,
    /// How many readers see it masked.
    pub masked: usize,
    /// How many readers see it unmasked, although a mask applies to it.
    pub unmasked: usize,
}

/// A row before it is made.
struct Candidate {
    user: UserIx,
    position: usize,
    scope: Scope,
    outcome: Outcome,
    /// The rank of the name.
    rank: u32,
}

impl RowFilter {
    fn takes_reason(&self, reason: &Reason) -> bool {
        let named = |policy: &PolicyIx| match reason.outcome {
            Outcome::Granted => reason.grants.contains(policy),
            Outcome::Blocked => reason.grants.contains(policy) || reason.guardrails.contains(policy),
        };
        self.outcome.is_none_or(|only| only == reason.outcome)
            && self.reason.is_none_or(|only| reason.parts.iter().any(|part| part == only))
            && self.policy.as_ref().is_none_or(named)
    }

    fn scopes(&self) -> impl Iterator<Item = Scope> + use<> {
        let only = self.scope;
        Scope::ALL.into_iter().filter(move |scope| only.is_none_or(|only| only == *scope))
    }
}

impl RowRange {
    fn compare(&self, one: &Candidate, other: &Candidate) -> Ordering {
        let key = |row: &Candidate| match self.order {
            RowOrder::Name => 0,
            RowOrder::Scope => u8::from(row.scope == Scope::Write),
            RowOrder::Outcome => u8::from(row.outcome == Outcome::Blocked),
        };
        let names = (one.rank, one.scope).cmp(&(other.rank, other.scope));
        let order = key(one).cmp(&key(other));
        match (self.is_descending, self.order) {
            (false, _) => order.then(names),
            (true, RowOrder::Name) => names.reverse(),
            (true, _) => order.reverse().then(names),
        }
    }
}

impl Evaluation {
    /// Returns the users who can reach a data source.
    #[must_use]
    pub fn source_rows(&self, source: DataSourceIx, filter: &RowFilter, range: RowRange) -> RowPage<'_> {
        let Some(position) = self.position(source) else {
            return RowPage { rows: Vec::new(), total: 0, unfiltered: 0 };
        };
        let class = &self.classes[self.outcomes.sources()[position].class.0 as usize];
        let named = (!filter.text.is_empty()).then(|| self.index().users.matching(&filter.text));
        let ranks = &self.index().users.ranks;
        let snapshot = self.snapshot();
        let mut found = Vec::new();
        for scope in filter.scopes() {
            let outcomes = class.scope(scope);
            let taken: Vec<bool> =
                outcomes.reasons.iter().map(|reason| filter.takes_reason(reason)).collect();
            let rows = outcomes.users.iter().zip(&outcomes.reason_of);
            found.extend(rows.filter(|(_, reason)| taken[**reason as usize]).filter_map(|(user, reason)| {
                let at = user.get();
                let is_named = named.as_ref().is_none_or(|named| named[at]);
                let is_member = filter.group.is_none_or(|group| snapshot.users[at].groups.contains(&group));
                (is_named && is_member).then(|| Candidate {
                    user: *user,
                    position,
                    scope,
                    outcome: outcomes.reasons[*reason as usize].outcome,
                    rank: ranks[at],
                })
            }));
        }
        let unfiltered = class.read.users.len() + class.write.users.len();
        self.page_of(found, unfiltered, range)
    }

    /// Returns the data sources that a user can reach.
    #[must_use]
    pub fn user_rows(&self, user: UserIx, filter: &RowFilter, range: RowRange) -> RowPage<'_> {
        let named = (!filter.text.is_empty()).then(|| self.index().sources.matching(&filter.text));
        let ranks = &self.index().sources.ranks;
        let (mut found, mut unfiltered) = (Vec::new(), 0);
        for (position, of) in self.outcomes.sources().iter().enumerate() {
            let source = &self.snapshot().data_sources[of.source.get()];
            for scope in Scope::ALL {
                if !self.reach.has(user, of.class, scope) {
                    continue;
                }
                unfiltered += 1;
                let at = of.source.get();
                let is_wanted = filter.scope.is_none_or(|only| only == scope)
                    && named.as_ref().is_none_or(|named| named[at])
                    && filter.domain.is_none_or(|only| source.domain == Some(only));
                let Some(reason) = self.reason(of.class.0 as usize, scope, user) else { continue };
                if is_wanted && filter.takes_reason(reason) {
                    let (outcome, rank) = (reason.outcome, ranks[at]);
                    found.push(Candidate { user, position, scope, outcome, rank });
                }
            }
        }
        self.page_of(found, unfiltered, range)
    }

    fn page_of(&self, mut found: Vec<Candidate>, unfiltered: usize, range: RowRange) -> RowPage<'_> {
        let total = found.len();
        let end = range.offset.saturating_add(range.limit).min(total);
        if end < total {
            // Only the rows up to the end of the page have to be in order.
            found.select_nth_unstable_by(end, |one, other| range.compare(one, other));
            found.truncate(end);
        }
        found.sort_unstable_by(|one, other| range.compare(one, other));
        let page = found.iter().skip(range.offset);
        let rows = page.filter_map(|row| self.row(row.user, row.position, row.scope)).collect();
        RowPage { rows, total, unfiltered }
    }

    /// Returns how access to a data source comes about.
    #[must_use]
    pub fn source_summary(&self, source: DataSourceIx) -> SourceSummary {
        let mut summary = SourceSummary::default();
        let Some(position) = self.position(source) else { return summary };
        let class = &self.classes[self.outcomes.sources()[position].class.0 as usize];
        let (mut grants, mut guardrails) = (PolicyCounts::default(), PolicyCounts::default());
        let mut users: Vec<UserIx> = class.read.users.iter().chain(&class.write.users).copied().collect();
        users.sort_unstable();
        users.dedup();
        summary.rows = [class.read.users.len() as u64, class.write.users.len() as u64];
        for user in users {
            let reasons = [class.read.reason(user), class.write.reason(user)];
            let is_granted =
                |reason: Option<&Reason>| reason.is_some_and(|it| it.outcome == Outcome::Granted);
            summary.readers += u64::from(is_granted(reasons[0]));
            summary.writers += u64::from(is_granted(reasons[1]));
            summary.blocked += u64::from(!reasons.iter().any(|reason| is_granted(*reason)));
            let reasons = || reasons.iter().flatten();
            summary.owners += u64::from(reasons().any(|reason| reason.parts.owner));
            summary.requests += u64::from(reasons().any(|reason| reason.parts.request));
            grants.count(reasons().flat_map(|reason| reason.grants.iter().copied()));
            let blocking = reasons().filter(|reason| reason.outcome == Outcome::Blocked);
            guardrails.count(blocking.flat_map(|reason| reason.guardrails.iter().copied()));
        }
        summary.grants = grants.sorted();
        summary.guardrails = guardrails.sorted();
        summary
    }

    /// Returns what a user can reach, in numbers.
    #[must_use]
    pub fn user_summary(&self, user: UserIx) -> UserSummary {
        let mut summary = UserSummary::default();
        for class in 0..self.classes.len() {
            let sources = u64::from(self.sources_in[class]);
            let outcome = |scope| self.reason(class, scope, user).map(|reason| reason.outcome);
            let (read, write) = (outcome(Scope::Read), outcome(Scope::Write));
            let of = |holds: bool| if holds { sources } else { 0 };
            let is_granted = |outcome| outcome == Some(Outcome::Granted);
            summary.readable += of(is_granted(read));
            summary.writable += of(is_granted(write));
            let has_any = read.is_some() || write.is_some();
            summary.blocked += of(has_any && !is_granted(read) && !is_granted(write));
            let columns = &self.classes[class].columns;
            let masked = columns.users.binary_search(&user).is_ok_and(|reader| {
                columns
                    .slots
                    .iter()
                    .any(|slot| columns.reasons[slot[reader] as usize].outcome == ColumnOutcome::Masked)
            });
            summary.masked += of(masked);
        }
        summary
    }

    /// Returns the columns of a data source to which masks apply.
    #[must_use]
    pub fn masked_columns(&self, source: DataSourceIx) -> Vec<ColumnSummary> {
        let Some(position) = self.position(source) else { return Vec::new() };
        let of = &self.outcomes.sources()[position];
        let columns = &self.classes[of.class.0 as usize].columns;
        let summaries = of.columns.iter().enumerate().map(|(slot, column)| {
            let readers = columns.slots.get(slot).map_or(&[][..], Vec::as_slice);
            let is_masked =
                |reason: &&u32| columns.reasons[**reason as usize].outcome == ColumnOutcome::Masked;
            let masked = readers.iter().filter(is_masked).count();
            let masks = self.outcomes.masks_on(source, *column);
            ColumnSummary { column: *column, masks, masked, unmasked: readers.len() - masked }
        });
        summaries.collect()
    }

    /// Returns the data sources to which a policy applies, disabled ones left out, as far as it admits or blocks somebody.
    #[must_use]
    pub fn sources_of(&self, policy: PolicyIx) -> Vec<DataSourceIx> {
        let names = |class: usize| {
            Scope::ALL.into_iter().any(|scope| {
                let reasons = &self.classes[class].scope(scope).reasons;
                reasons.iter().any(|it| it.grants.contains(&policy) || it.guardrails.contains(&policy))
            })
        };
        let classes: Vec<bool> = (0..self.classes.len()).map(names).collect();
        let sources = self.outcomes.sources().iter();
        sources.filter(|of| classes[of.class.0 as usize]).map(|of| of.source).collect()
    }

    /// Whether a user reaches a data source, or is blocked from it.
    pub(super) fn reaches(&self, user: UserIx, class: ClassIx) -> bool {
        Scope::ALL.into_iter().any(|scope| self.reach.has(user, class, scope))
    }
}

/// Counts of people by policy.
#[derive(Default)]
struct PolicyCounts(Vec<(PolicyIx, u64)>);

impl PolicyCounts {
    /// Counts one person for each policy.
    fn count(&mut self, policies: impl Iterator<Item = PolicyIx>) {
        let mut seen: Vec<PolicyIx> = policies.collect();
        seen.sort_unstable();
        seen.dedup();
        for policy in seen {
            match self.0.iter_mut().find(|(known, _)| *known == policy) {
                Some((_, count)) => *count += 1,
                None => self.0.push((policy, 1)),
            }
        }
    }

    fn sorted(mut self) -> Vec<(PolicyIx, u64)> {
        self.0.sort_by_key(|(policy, count)| (std::cmp::Reverse(*count), *policy));
        self.0
    }
}
