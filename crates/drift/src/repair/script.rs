//! The repair as text: of one finding, and of a whole database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use domesday_model::DataSourceIx;
use domesday_model::privileges::{Grantee, PrivilegeSet, Privileges, RelationIx, RoleIx, SchemaIx};

use super::plan::{RepairPlan, Step};
use super::quote::quote_identifier;
use super::statement::{Action, Object, SetRole, Statement};
use crate::detail::verb;
use crate::drift::Drift;
use crate::finding::Finding;
use crate::kinds::FindingKind;
use crate::template::{RelationNames, Template};
use crate::text::name;

/// How many relations a comment names.
const NAMED_RELATIONS: usize = 3;

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
        let schema = privileges.relations[self.relation.get()].schema;
        let mut sql = Template::default();
        for (position, statement) in statements.iter().enumerate() {
            let sql_before = if position > 0 { sql.text("\n") } else { sql };
            sql = append_statement(sql_before, statement, privileges, schema, SetRole::Session);
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

/// Appends a statement about any relation of a schema, as [`Statement::sql`] writes it for one.
fn append_statement(
    sql: Template,
    statement: &Statement,
    privileges: &Privileges,
    schema: SchemaIx,
    set_role: SetRole,
) -> Template {
    let role_name = |role: RoleIx| quote_identifier(&privileges.roles[role.get()].name);
    let (verb, preposition, grantor, end) = match statement.action {
        Action::Grant => ("GRANT", "TO", None, ";"),
        Action::Revoke { grantor, is_cascading: false } => ("REVOKE", "FROM", grantor, ";"),
        Action::Revoke { grantor, is_cascading: true } => ("REVOKE", "FROM", grantor, " CASCADE;"),
    };
    let mut sql = match grantor {
        Some(grantor) => {
            let set = if set_role == SetRole::Local { "SET LOCAL ROLE" } else { "SET ROLE" };
            sql.text(format_args!("{set} {};\n{verb} ", role_name(grantor)))
        }
        None => sql.text(format_args!("{verb} ")),
    };
    for (position, name) in statement.privileges.names().enumerate() {
        sql = sql.text(if position > 0 { ", " } else { "" }).text(name);
        if let Object::Columns(columns) = &statement.object {
            for (position, column) in columns.iter().enumerate() {
                sql = sql.text(if position > 0 { ", " } else { " (" }).column(*column);
            }
            sql = sql.text(if columns.is_empty() { " ()" } else { ")" });
        }
    }
    sql = sql.text(" ON ");
    sql = match &statement.object {
        Object::Database => {
            sql.text(format_args!("DATABASE {}", quote_identifier(&privileges.database.name)))
        }
        Object::Schema => {
            sql.text(format_args!("SCHEMA {}", quote_identifier(&privileges.schemas[schema.get()].name)))
        }
        Object::Relation | Object::Columns(_) => sql.relation(),
    };
    let grantee = match statement.grantee {
        Grantee::Public => "PUBLIC".to_owned(),
        Grantee::Role(role) => role_name(role),
    };
    sql = sql.text(format_args!(" {preposition} {grantee}{end}"));
    if grantor.is_some() { sql.text("\nRESET ROLE;") } else { sql }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domesday_model::privileges::{Column, ObservedDatabase, Relation, RelationKind, Schema};
    use domesday_model::{Catalog, Instant, Snapshot};

    use super::*;
    use crate::repair::fixtures::privileges;

    /// A database whose names need quotes and look like places of a template.
    fn drift() -> Drift {
        let column = |name: &str| Column { name: name.to_owned(), access_list: None };
        let relation = |name: &str, columns: [&str; 2]| Relation {
            schema: SchemaIx(0),
            name: name.to_owned(),
            kind: RelationKind::Table,
            owner: RoleIx(0),
            access_list: None,
            columns: columns.map(column).into(),
            has_row_security: false,
            forces_row_security: false,
        };
        let mut shop = privileges(3, &[], &[]);
        shop.roles[2].name = "Ada's \"role\" on {}.\nx".to_owned();
        shop.schemas = vec![Schema { name: "Sales".to_owned(), owner: RoleIx(0), access_list: None }];
        shop.relations = vec![relation("orders", ["id", "name"]), relation("or\"der", ["select", "naïve"])];
        let database = ObservedDatabase {
            connection: "shop".to_owned(),
            host: "db".to_owned(),
            identify: Vec::new(),
            privileges: shop,
        };
        let snapshot = Snapshot::of_catalog(&Catalog::default(), Instant::from_micros(0)).unwrap();
        Drift::new(Arc::new(domesday_engine::evaluate(snapshot)), Arc::new(database))
    }

    #[test]
    fn a_template_says_for_each_relation_what_the_statement_says() {
        let drift = drift();
        let revoke = |grantor, is_cascading| Action::Revoke { grantor, is_cascading };
        let actions = [Action::Grant, revoke(None, false), revoke(None, true), revoke(Some(RoleIx(2)), true)];
        let objects = [
            Object::Database,
            Object::Schema,
            Object::Relation,
            Object::Columns(vec![1]),
            Object::Columns(vec![0, 1]),
        ];
        let both = PrivilegeSet::INSERT.union(PrivilegeSet::UPDATE);
        for action in actions {
            for object in &objects {
                for (privileges, grantee) in
                    [(PrivilegeSet::SELECT, Grantee::Public), (both, Grantee::Role(RoleIx(2)))]
                {
                    let statement = Statement { action, privileges, object: object.clone(), grantee };
                    for set_role in [SetRole::Local, SetRole::Session] {
                        let template = Template::default();
                        let privileges = drift.privileges();
                        let template =
                            append_statement(template, &statement, privileges, SchemaIx(0), set_role);
                        for relation in [RelationIx(0), RelationIx(1)] {
                            let filled = template.fill(RelationNames::in_sql(&drift, relation));
                            assert_eq!(filled, statement.sql(privileges, relation, set_role));
                        }
                    }
                }
            }
        }
    }
}
