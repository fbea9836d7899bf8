//! The repair as text: of one finding, and of a whole database.

use std::collections::BTreeMap;
use std::fmt::Write;

use domesday_model::privileges::{PrivilegeSet, RelationIx};
use rayon::prelude::*;

use super::plan::{RepairPlan, Step};
use super::statement::{Action, Object, SetRole, Statement};
use crate::detail::verb;
use crate::drift::Drift;
use crate::finding::Finding;
use crate::kinds::FindingKind;
use crate::relation_groups::RelationGroup;
use crate::template::{RelationNames, Template};
use crate::text::name;

/// How many relations a comment names.
const NAMED_RELATIONS: usize = 3;

/// How many relations are written at once, and how many of them by one thread: little memory beside the script itself.
const WINDOW: usize = 1_024;
const PART: usize = 16;

/// A statement with the reason for it, unless that stands before another, as they are for every relation of a group.
struct StepText {
    reason: Option<(FindingKind, Template)>,
    sql: Template,
}

impl Drift {
    pub(crate) fn repair_plan(&self) -> &RepairPlan {
        self.repairs.get_or_init(|| RepairPlan::new(self))
    }

    /// Works out every repair, unless that was done before. For callers that then ask for repairs on many threads.
    pub fn work_out_repairs(&self) {
        self.repair_plan();
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
                let relation = self.groups[*group].relations[0].0;
                self.write_steps(sql, relation, &self.step_texts(*group, std::slice::from_ref(step)));
            }
        };
        write_wide(&mut sql, true);
        let texts = plan.relations.par_iter().enumerate();
        let texts: Vec<Vec<StepText>> =
            texts.map(|(group, steps)| self.step_texts(group, &merge_grants(steps))).collect();
        for window in self.order.chunks(WINDOW) {
            let parts = window.par_chunks(PART).map(|of_part| {
                let mut sql = String::new();
                for (_, group, relation) in of_part {
                    self.write_steps(&mut sql, *relation, &texts[*group as usize]);
                }
                sql
            });
            sql.extend(parts.collect::<Vec<String>>());
        }
        write_wide(&mut sql, false);
        sql.push_str("COMMIT;\n");
        self.write_decisions(&mut sql);
        sql
    }

    /// Returns the text of some steps, as it is for every relation of their group.
    fn step_texts(&self, group: usize, steps: &[Step]) -> Vec<StepText> {
        let position = u32::try_from(group).expect("a group is a position in 32 bits");
        let privileges = self.privileges();
        let schema = self.schema_of(self.groups[group].relations[0].0);
        let mut last = None;
        let text = |step: &Step| {
            let is_next = last.replace(step.finding) != Some(step.finding);
            let reason = is_next.then(|| {
                let finding = self.group_finding(position, step.finding);
                (finding.kind, finding.detail_template())
            });
            let sql = Template::default();
            StepText { reason, sql: step.statement.append_to(sql, privileges, schema, SetRole::Local) }
        };
        steps.iter().map(text).collect()
    }

    /// Writes the statements of one relation, each under the reason for it.
    fn write_steps(&self, sql: &mut String, relation: RelationIx, texts: &[StepText]) {
        let mut in_sentences = RelationNames::in_sentences(self, relation);
        let mut in_sql = RelationNames::in_sql(self, relation);
        for StepText { reason, sql: statement } in texts {
            if let Some((kind, detail)) = reason {
                let _ = write!(sql, "\n-- {kind}: ");
                detail.write(&mut in_sentences, |text| sql.push_str(text));
                sql.push('\n');
            }
            statement.write(&mut in_sql, |text| sql.push_str(text));
            sql.push('\n');
        }
    }

    /// Writes what has to be decided, once for all relations that it is the same for.
    fn write_decisions(&self, sql: &mut String) {
        let mut decisions: BTreeMap<(FindingKind, String), Vec<&RelationGroup>> = BTreeMap::new();
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
                let groups = decisions.entry((finding.kind, text)).or_default();
                if groups.last().is_none_or(|last| !std::ptr::eq(*last, of_group)) {
                    groups.push(of_group);
                }
            }
        }
        if !decisions.is_empty() {
            sql.push_str("\n-- To decide:\n");
        }
        for ((kind, text), groups) in decisions {
            let count: usize = groups.iter().map(|group| group.relations.len()).sum();
            let first = groups.iter().flat_map(|group| group.relations.iter().take(NAMED_RELATIONS));
            let mut first: Vec<_> = first.map(|(relation, source)| (*source, *relation)).collect();
            first.sort_unstable();
            first.truncate(NAMED_RELATIONS);
            let named = first.iter().map(|(_, relation)| self.relation_name(*relation));
            let mut named = named.collect::<Vec<_>>().join(", ");
            if count > NAMED_RELATIONS {
                let _ = write!(named, " and {} more", count - NAMED_RELATIONS);
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
        Some(self.repair_template()?.fill(RelationNames::in_sql(self.drift, self.relation)))
    }

    /// Returns the SQL as it is for every relation of the group; for [`RelationNames::in_sql`].
    ///
    /// The first call works out every repair of the database.
    #[must_use]
    pub fn repair_template(&self) -> Option<Template> {
        let repair = &self.drift.repair_plan().findings[self.group as usize][self.position];
        let statements = repair.as_ref().ok()?;
        let privileges = self.drift.privileges();
        let schema = self.drift.schema_of(self.relation);
        let mut sql = Template::default();
        for (position, statement) in statements.iter().enumerate() {
            let sql_before = if position > 0 { sql.text("\n") } else { sql };
            sql = statement.append_to(sql_before, privileges, schema, SetRole::Session);
        }
        Some(sql)
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
