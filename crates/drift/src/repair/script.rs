//! The repair as text: of one finding, and of a whole database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use domesday_model::DataSourceIx;
use domesday_model::privileges::{PrivilegeSet, RelationIx};

use super::plan::{RepairPlan, Step};
use super::statement::{Action, Object, SetRole, Statement};
use crate::detail::verb;
use crate::drift::Drift;
use crate::finding::Finding;
use crate::kinds::FindingKind;
use crate::text::name;

/// How many relations a comment names.
const NAMED_RELATIONS: usize = 3;

impl Drift {
    pub(crate) fn repair_plan(&self) -> &RepairPlan {
        self.repairs.get_or_init(|| RepairPlan::new(self))
    }

    /// Returns how many findings have a repair. The first call works out every repair.
    #[must_use]
    pub fn repairable(&self) -> usize {
        let findings = self.repair_plan().findings.iter().zip(&self.groups);
        findings
            .map(|(findings, group)| {
                findings.iter().filter(|repair| repair.is_ok()).count() * group.relations.len()
            })
            .sum()
    }

    /// Returns one transaction that brings the database to what policies say, with a comment for each statement, and for
    /// each finding that has no repair what has to be decided. To be run by a superuser; Domesday runs nothing.
    ///
    /// The first call works out every repair.
    #[must_use]
    pub fn repair_script(&self) -> String {
        let plan = self.repair_plan();
        let mut sql = String::new();
        let total = self.total();
        let database = name(&self.privileges().database.name);
        let _ = writeln!(
            sql,
            "-- Repair of database {database}, as connection {} read it at {}.\n\
             -- {} of {total} findings are repaired; for the others a comment says what to decide.\n\
             -- Run it as a superuser, in this database, after reading it.\n\
             BEGIN;",
            name(&self.database.connection),
            self.privileges().observed_at,
            self.repairable(),
        );
        // A grantor finds a relation only with USAGE, so that is granted first and revoked last.
        let is_grant = |step: &Step| step.statement.action == Action::Grant;
        let write_wide = |sql: &mut String, grants: bool| {
            for (group, step) in plan.wide.iter().filter(|(_, step)| is_grant(step) == grants) {
                let first = self.groups[*group].relations[0];
                self.write_steps(sql, *group, first, std::slice::from_ref(step));
            }
        };
        write_wide(&mut sql, true);
        let steps: Vec<Vec<Step>> = plan.relations.iter().map(|steps| merge_grants(steps)).collect();
        for (source, group, relation) in &self.order {
            let group = *group as usize;
            self.write_steps(&mut sql, group, (*relation, *source), &steps[group]);
        }
        write_wide(&mut sql, false);
        sql.push_str("COMMIT;\n");
        self.write_decisions(&mut sql);
        sql
    }

    /// Writes the statements of one relation, each under the reason for it.
    fn write_steps(&self, sql: &mut String, group: usize, of: (RelationIx, DataSourceIx), steps: &[Step]) {
        let (relation, source) = of;
        let position = u32::try_from(group).expect("a group is a position in 32 bits");
        let mut last = None;
        for step in steps {
            if last != Some(step.finding) {
                let finding = Finding::new(self, position, step.finding, relation, source);
                let _ = writeln!(sql, "\n-- {}: {}", finding.kind, finding.detail());
                last = Some(step.finding);
            }
            let _ = writeln!(sql, "{}", step.statement.sql(self.privileges(), relation, SetRole::Local));
        }
    }

    /// Writes what has to be decided, once for all relations that it is the same for.
    fn write_decisions(&self, sql: &mut String) {
        let mut decisions: BTreeMap<(FindingKind, String), BTreeSet<(DataSourceIx, RelationIx)>> =
            BTreeMap::new();
        for (of_group, repairs) in self.groups.iter().zip(&self.repair_plan().findings) {
            for (finding, repair) in of_group.findings.iter().zip(repairs) {
                let Err(decision) = repair else { continue };
                let user = finding.user.map(|user| name(&self.snapshot().users[user.get()].username));
                let role = finding.role.map(|role| name(self.role_name(role)));
                let who = match (user, role) {
                    (Some(user), Some(role)) => format!("{user}, role {role}"),
                    (Some(user), None) => user,
                    (None, role) => format!("role {}", role.unwrap_or_default()),
                };
                let text = format!("{who}, {}: {}", verb(finding.scope), decision.text(self));
                let relations = of_group.relations.iter().map(|(relation, source)| (*source, *relation));
                decisions.entry((finding.kind, text)).or_default().extend(relations);
            }
        }
        if !decisions.is_empty() {
            sql.push_str("\n-- To decide:\n");
        }
        for ((kind, text), relations) in decisions {
            let named =
                relations.iter().take(NAMED_RELATIONS).map(|(_, relation)| self.relation_name(*relation));
            let mut named = named.collect::<Vec<_>>().join(", ");
            if relations.len() > NAMED_RELATIONS {
                let _ = write!(named, " and {} more", relations.len() - NAMED_RELATIONS);
            }
            let _ = writeln!(sql, "-- {kind} on {named}: {text}");
        }
    }
}

impl Finding<'_> {
    /// Returns the SQL that repairs the finding by itself, for a superuser: one or several statements. None where the
    /// finding would stay, or somebody would be touched about whom nothing is found.
    ///
    /// The first call works out every repair of the database.
    #[must_use]
    pub fn repair(&self) -> Option<String> {
        let repair = &self.drift.repair_plan().findings[self.group as usize][self.position];
        let statements = repair.as_ref().ok()?;
        let sql =
            |statement: &Statement| statement.sql(self.drift.privileges(), self.relation, SetRole::Session);
        Some(statements.iter().map(sql).collect::<Vec<_>>().join("\n"))
    }

    /// Returns what somebody has to decide, as one sentence; none for a finding with a repair.
    #[must_use]
    pub fn decision(&self) -> Option<String> {
        let repair = &self.drift.repair_plan().findings[self.group as usize][self.position];
        repair.as_ref().err().map(|decision| decision.text(self.drift))
    }
}

/// Merges grants of columns to one role that follow each other.
fn merge_grants(steps: &[Step]) -> Vec<Step> {
    let mut merged: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        if let Some(last) = merged.last_mut()
            && is_column_grant(&last.statement)
            && is_column_grant(&step.statement)
            && last.statement.grantee == step.statement.grantee
            && let (Object::Columns(columns), Object::Columns(more)) =
                (&mut last.statement.object, &step.statement.object)
        {
            columns.extend(more);
            columns.sort_unstable();
            columns.dedup();
        } else {
            merged.push(step.clone());
        }
    }
    merged
}

fn is_column_grant(statement: &Statement) -> bool {
    statement.action == Action::Grant
        && statement.privileges == PrivilegeSet::SELECT
        && matches!(statement.object, Object::Columns(_))
}
