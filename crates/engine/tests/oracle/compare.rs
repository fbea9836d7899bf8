//! The engine's classes as rows, and where two lists of rows part.

use std::fmt::Write;

use domesday_engine::{
    ClassOutcomes, ColumnOutcome, ColumnReason, LevelWarning, Outcome, Outcomes, Reason, ReasonParts,
    ScopeOutcomes, SourceOutcomes,
};
use domesday_model::{AppliesTo, ColumnIx, DataPolicyIx, PolicyIx, RequestIx, Scope, Snapshot, UserIx};

use super::evaluate::{World, applies};
use super::row::{Row, Verdict, reason};

/// The rows that the engine's outcomes stand for, in the table's order.
pub(crate) fn rows_of(outcomes: &Outcomes) -> Vec<Row> {
    let mut rows = Vec::new();
    for source in outcomes.sources() {
        let before = rows.len();
        let class = outcomes.class(source.class);
        let expand = Expand { snapshot: outcomes.snapshot(), source };
        expand.tables(Scope::Read, &class.read, &mut rows);
        expand.tables(Scope::Write, &class.write, &mut rows);
        expand.columns(&class, &mut rows);
        assert_eq!(rows.len() - before, class.rows_per_source(), "rows_per_source counts the rows");
    }
    rows
}

/// Turns one source's outcomes into rows.
struct Expand<'a> {
    snapshot: &'a Snapshot,
    source: &'a SourceOutcomes,
}

impl Expand<'_> {
    fn tables(&self, scope: Scope, outcomes: &ScopeOutcomes, rows: &mut Vec<Row>) {
        assert_eq!(outcomes.users.len(), outcomes.reason_of.len(), "every user has a reason");
        for (user, position) in outcomes.users.iter().zip(&outcomes.reason_of) {
            let Reason { outcome, grants, guardrails, parts, request, expires_at } =
                &outcomes.reasons[*position as usize];
            rows.push(Row {
                source: self.source_name(),
                column: None,
                scope,
                user: self.user(*user),
                verdict: match outcome {
                    Outcome::Granted => Verdict::Granted,
                    Outcome::Blocked => Verdict::Blocked,
                },
                grants: self.policies(grants),
                guardrails: self.policies(guardrails),
                data_policies: Vec::new(),
                reason: words(*parts),
                request: request.map(|request| self.request(request)),
                expires_at: *expires_at,
            });
        }
    }

    fn columns(&self, class: &ClassOutcomes, rows: &mut Vec<Row>) {
        let outcomes = &class.columns;
        assert_eq!(self.source.columns.len(), outcomes.slots.len(), "a column for each slot");
        for (position, user) in outcomes.users.iter().enumerate() {
            for (column, slot) in self.source.columns.iter().zip(&outcomes.slots) {
                assert_eq!(outcomes.users.len(), slot.len(), "every user has a reason in each slot");
                let ColumnReason { outcome, data_policies, parts, request, expires_at } =
                    &outcomes.reasons[slot[position] as usize];
                rows.push(Row {
                    source: self.source_name(),
                    column: Some(self.column(*column)),
                    scope: Scope::Read,
                    user: self.user(*user),
                    verdict: match outcome {
                        ColumnOutcome::Masked => Verdict::Masked,
                        ColumnOutcome::Unmasked => Verdict::Unmasked,
                    },
                    grants: Vec::new(),
                    guardrails: Vec::new(),
                    data_policies: self.data_policies(data_policies),
                    reason: words(*parts),
                    request: request.map(|request| self.request(request)),
                    expires_at: *expires_at,
                });
            }
        }
    }

    fn source_name(&self) -> String {
        self.snapshot.data_sources[self.source.source.get()].name.to_string()
    }

    fn user(&self, user: UserIx) -> String {
        self.snapshot.users[user.get()].username.to_string()
    }

    fn column(&self, column: ColumnIx) -> String {
        self.snapshot.columns[column.get()].name.to_string()
    }

    fn policies(&self, policies: &[PolicyIx]) -> Vec<String> {
        policies.iter().map(|policy| self.snapshot.policies[policy.get()].spec.name.clone()).collect()
    }

    fn data_policies(&self, policies: &[DataPolicyIx]) -> Vec<String> {
        policies.iter().map(|policy| self.snapshot.data_policies[policy.get()].spec.name.clone()).collect()
    }

    fn request(&self, request: RequestIx) -> String {
        self.snapshot.requests[request.get()].id.clone()
    }
}

fn words(parts: ReasonParts) -> String {
    reason(parts.policy, parts.owner, parts.request)
}

/// The engine's warnings, one line each.
pub(crate) fn warnings_of(outcomes: &Outcomes) -> Vec<String> {
    let snapshot = outcomes.snapshot();
    let policy = |policy: &PolicyIx| snapshot.policies[policy.get()].spec.name.clone();
    let line = |warning: &LevelWarning| match warning {
        LevelWarning::UnsettledConflict { source, scope, policies } => {
            let policies: Vec<_> = policies.iter().map(policy).collect();
            unsettled(&snapshot.data_sources[source.get()].name, *scope, &policies)
        }
        LevelWarning::IdleLevelChoice { source, policy: chosen } => {
            idle(&snapshot.data_sources[source.get()].name, &policy(chosen))
        }
    };
    outcomes.level_warnings().iter().map(line).collect()
}

/// The warnings that rule 2 asks for. Choice: of enabled data sources, since rules speak of those; by source,
/// READ before WRITE, an idle choice last.
pub(crate) fn warnings_wanted(world: World<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    for source in world.enabled_sources() {
        let conflicts: Vec<_> = [Scope::Read, Scope::Write]
            .into_iter()
            .filter_map(|scope| world.conflict(source, scope))
            .collect();
        for conflict in conflicts.iter().filter(|conflict| !conflict.settled) {
            let members: Vec<_> = conflict.members.iter().map(|policy| policy.name.clone()).collect();
            warnings.push(unsettled(&source.name, conflict.scope, &members));
        }
        if let Some(choice) = &source.level_choice
            && !conflicts.iter().any(|conflict| conflict.settled)
        {
            warnings.push(idle(&source.name, choice));
        }
    }
    warnings
}

fn unsettled(source: &str, scope: Scope, policies: &[String]) -> String {
    format!("{source}: unsettled conflict of {} for {scope:?}", policies.join(", "))
}

fn idle(source: &str, policy: &str) -> String {
    format!("{source}: idle level choice {policy}")
}

/// Where two lists of rows part, with the first rows that differ on both sides; `None` when they do not.
pub(crate) fn difference(engine: &[Row], oracle: &[Row]) -> Option<String> {
    const SHOWN: usize = 4;
    if engine == oracle {
        return None;
    }
    let same = engine.iter().zip(oracle).take_while(|(left, right)| left == right).count();
    let mut text = format!("the first {same} rows agree, then");
    for (side, rows) in [("engine", engine), ("oracle", oracle)] {
        let _ = write!(text, "\n  {side} ({} rows):", rows.len());
        let rest = &rows[same..];
        for row in rest.iter().take(SHOWN) {
            let _ = write!(text, "\n    {row}");
        }
        let end = if rest.len() > SHOWN { "…" } else { "(end)" };
        let _ = write!(text, "\n    {end}");
    }
    Some(text)
}

/// How many data sources each policy applies to by the engine, subscription policies first.
pub(crate) fn counts_of(outcomes: &Outcomes) -> Vec<usize> {
    let snapshot = outcomes.snapshot();
    let policies = (0..snapshot.policies.len()).map(|p| outcomes.sources_of_policy(PolicyIx::at(p)));
    let masking = 0..snapshot.data_policies.len();
    policies.chain(masking.map(|p| outcomes.sources_of_data_policy(DataPolicyIx::at(p)))).collect()
}

/// The same by the oracle. Choice: whatever the state of the policy and the status of the source.
pub(crate) fn counts_wanted(world: World<'_>) -> Vec<usize> {
    let count = |name: &str, applies_to: &AppliesTo| {
        world.catalog.data_sources.iter().filter(|source| applies(name, applies_to, source)).count()
    };
    let policies = world.catalog.policies.iter().map(|policy| count(&policy.name, &policy.applies_to));
    let masking = world.catalog.data_policies.iter().map(|policy| count(&policy.name, &policy.applies_to));
    policies.chain(masking).collect()
}
