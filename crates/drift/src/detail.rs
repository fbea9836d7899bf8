//! Findings and lacks as sentences.

use domesday_model::privileges::{PrivilegeSet, RelationIx};
use domesday_model::{DataSourceStatus, Scope};

use crate::drift::{Drift, scope_privileges};
use crate::finding::Finding;
use crate::kinds::{FindingKind, Lack};
use crate::template::{RelationNames, Template};
use crate::text::{list, name};

impl Finding<'_> {
    /// Returns the finding as one sentence, without control characters.
    #[must_use]
    pub fn detail(&self) -> String {
        self.detail_template().fill(RelationNames::in_sentences(self.drift, self.relation))
    }

    /// Returns the sentence as it is for every relation of the group; for [`RelationNames::in_sentences`].
    #[must_use]
    pub fn detail_template(&self) -> Template {
        let drift = self.drift;
        let role = self.role.map_or_else(String::new, |role| name(drift.role_name(role)));
        let snapshot = drift.snapshot();
        let user = self.user.map_or_else(String::new, |user| name(&snapshot.users[user.get()].username));
        let verb = verb(self.scope);
        let text = Template::default();
        let with_column = |text: Template| match self.in_group().column {
            Some(column) => text.column(column),
            None => text,
        };
        match self.kind {
            FindingKind::Excess => {
                let is_active = self.user.is_some_and(|user| snapshot.is_active(user));
                let source = &snapshot.data_sources[self.source.get()];
                let why = if !is_active {
                    format!("{user} is disabled")
                } else if source.status == DataSourceStatus::Disabled {
                    "the data source is disabled".to_owned()
                } else {
                    format!("no policy grants {} to {user}", self.scope)
                };
                let text = text.text(format_args!("Role {role} of {user} can {verb} ")).relation();
                text.text(format_args!(", though {why}."))
            }
            FindingKind::ExcessBlocked => {
                let policies = &snapshot.policies;
                let guardrails: Vec<String> =
                    self.guardrails().iter().map(|policy| name(&policies[policy.get()].spec.name)).collect();
                let noun = if guardrails.len() == 1 { "guardrail" } else { "guardrails" };
                let blocks = if guardrails.len() == 1 { "blocks" } else { "block" };
                let guardrails = list(&guardrails);
                let text = text.text(format_args!("Role {role} of {user} can {verb} ")).relation();
                text.text(format_args!(", though {noun} {guardrails} {blocks} {user}."))
            }
            FindingKind::UnmaskedColumn => {
                let text = with_column(text.text(format_args!("Role {role} can read column ")));
                text.text(" of ").relation().text(format_args!(", which is masked for {user}."))
            }
            FindingKind::Missing => {
                let lack = self
                    .lack()
                    .map_or_else(String::new, |lack| drift.lack_text(lack, self.relation, self.scope));
                let text = text.text(format_args!("Policies grant {} on ", self.scope)).relation();
                text.text(format_args!(" to {user}, but {lack}."))
            }
            FindingKind::Partial => {
                let text = text.text(format_args!("Policies let {user} read ")).relation();
                with_column(text.text(", but no role of theirs can read column ")).text(".")
            }
            FindingKind::Unmapped => {
                let text = text.text(format_args!("Role {role} can {verb} ")).relation();
                text.text(" and belongs to no user.")
            }
        }
    }
}

impl Drift {
    /// Returns what is lacking as a clause.
    #[must_use]
    pub fn lack_text(&self, lack: Lack, relation: RelationIx, scope: Scope) -> String {
        match lack {
            Lack::Role => "no role of the database belongs to them".to_owned(),
            Lack::Login(role) => format!("their role {} has no LOGIN", name(self.role_name(role))),
            Lack::ValidUntil(role) => {
                format!("the password of their role {} has expired (VALID UNTIL)", name(self.role_name(role)))
            }
            Lack::Privileges { role, connect, usage, privilege } => {
                let of_relation = &self.privileges().relations[relation.get()];
                let mut parts = Vec::new();
                if connect {
                    parts.push(format!("CONNECT on database {}", name(&self.privileges().database.name)));
                }
                if usage {
                    let schema = &self.privileges().schemas[of_relation.schema.get()].name;
                    parts.push(format!("USAGE of schema {}", name(schema)));
                }
                if privilege {
                    parts.push(format!("{} on the relation", privileges_text(scope_privileges(scope))));
                }
                if parts.is_empty() {
                    let schema = &self.privileges().schemas[of_relation.schema.get()].name;
                    parts.push(format!("USAGE of schema {} together with the privilege", name(schema)));
                }
                format!("their role {} lacks {}", name(self.role_name(role)), list(&parts))
            }
        }
    }

    /// Returns a relation's name with its schema, between backquotes.
    pub(crate) fn relation_name(&self, relation: RelationIx) -> String {
        let (schema, table) = self.database.relation_name(relation);
        name(&format!("{schema}.{table}"))
    }
}

/// Returns the verb of a scope.
pub(crate) fn verb(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
    }
}

fn privileges_text(privileges: PrivilegeSet) -> String {
    privileges.names().collect::<Vec<_>>().join(", ")
}
