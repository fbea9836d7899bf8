//! The access lists of a database while a repair is worked out.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domesday_model::privileges::{AccessEntry, Grantee, Privileges, RelationIx, SchemaIx};

use crate::drift::Drift;
use crate::grants::{Grants, RelationGrants, RelationLists, database_list, schema_list};
use crate::repair::access_list::{grant, revoke};
use crate::repair::statement::{Action, Object, Statement};

/// The access lists, of each group once.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) relations: Vec<(RelationLists, RelationGrants)>,
    pub(crate) schemas: Vec<(Vec<AccessEntry>, Grants)>,
    pub(crate) database: (Vec<AccessEntry>, Grants),
}

impl State {
    /// Returns the state that was read.
    pub(crate) fn new(drift: &Drift) -> Self {
        let privileges = drift.privileges();
        let relation = |relation: RelationIx| {
            let lists = RelationLists::new(&privileges.relations[relation.get()]);
            let grants = RelationGrants::new(&lists);
            (lists, grants)
        };
        let with_grants = |list: Vec<AccessEntry>| {
            let grants = Grants::new(&list);
            (list, grants)
        };
        Self {
            relations: drift.groups.iter().map(|group| relation(group.relations[0].0)).collect(),
            schemas: privileges.schemas.iter().map(|schema| with_grants(schema_list(schema))).collect(),
            database: with_grants(database_list(privileges)),
        }
    }

    /// Takes over what a trial changed.
    pub(crate) fn apply(&mut self, trial: Trial) {
        if let Some(relation) = trial.relation {
            self.relations[trial.group] = relation;
        }
        if let Some(usage) = trial.usage {
            self.schemas[trial.schema.get()] = usage;
        }
        if let Some(connect) = trial.connect {
            self.database = connect;
        }
    }
}

/// What some statements change about one relation of a group and what is around it.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) group: usize,
    pub(crate) schema: SchemaIx,
    pub(crate) relation: Option<(RelationLists, RelationGrants)>,
    pub(crate) usage: Option<(Vec<AccessEntry>, Grants)>,
    pub(crate) connect: Option<(Vec<AccessEntry>, Grants)>,
    /// Whose entries changed.
    pub(crate) grantees: BTreeSet<Grantee>,
}

/// Access lists that statements are applied to one after the other; copied when one changes them.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'d> {
    drift: &'d Drift,
    group: usize,
    relation: RelationIx,
    schema: SchemaIx,
    pub(crate) lists: Cow<'d, RelationLists>,
    pub(crate) usage: Cow<'d, [AccessEntry]>,
    pub(crate) connect: Cow<'d, [AccessEntry]>,
    /// The statements so far.
    pub(crate) statements: Vec<Statement>,
}

impl<'d> Draft<'d> {
    pub(crate) fn new(drift: &'d Drift, state: &'d State, group: usize) -> Self {
        let relation = drift.groups[group].relations[0].0;
        let schema = drift.privileges().relations[relation.get()].schema;
        Self {
            drift,
            group,
            relation,
            schema,
            lists: Cow::Borrowed(&state.relations[group].0),
            usage: Cow::Borrowed(&state.schemas[schema.get()].0),
            connect: Cow::Borrowed(&state.database.0),
            statements: Vec::new(),
        }
    }

    fn privileges(&self) -> &'d Privileges {
        self.drift.privileges()
    }

    /// Applies a statement; a REVOKE that PostgreSQL would refuse for its dependents becomes one with CASCADE.
    pub(crate) fn push(&mut self, mut statement: Statement) {
        let drift = self.drift;
        let owner = match &statement.object {
            Object::Database => self.privileges().database.owner,
            Object::Schema => self.privileges().schemas[self.schema.get()].owner,
            Object::Relation | Object::Columns(_) => self.privileges().relations[self.relation.get()].owner,
        };
        let (grantee, privileges) = (statement.grantee, statement.privileges);
        match &mut statement.action {
            Action::Grant => {
                self.touched(&statement.object).into_iter().for_each(|list| {
                    grant(list, owner, grantee, privileges);
                });
            }
            Action::Revoke { grantor, is_cascading } => {
                let grantor = grantor.unwrap_or(owner);
                let before = self.clone();
                let try_to = |draft: &mut Self, is_cascading| {
                    draft.revocable(&statement.object).into_iter().try_for_each(|list| {
                        revoke(list, &drift.reach, owner, grantor, grantee, privileges, is_cascading)
                    })
                };
                if try_to(self, false).is_err() {
                    *self = before;
                    *is_cascading = true;
                    // With CASCADE nothing is refused.
                    let _ = try_to(self, true);
                }
            }
        }
        self.statements.push(statement);
    }

    /// The lists to which a GRANT adds.
    fn touched(&mut self, object: &Object) -> Vec<&mut Vec<AccessEntry>> {
        match object {
            Object::Database => vec![self.connect.to_mut()],
            Object::Schema => vec![self.usage.to_mut()],
            Object::Relation => vec![&mut self.lists.to_mut().whole],
            Object::Columns(columns) => {
                let lists = (0..).zip(&mut self.lists.to_mut().columns);
                lists.filter(|(position, _)| columns.contains(position)).map(|(_, list)| list).collect()
            }
        }
    }

    /// The lists from which a REVOKE takes: one on a relation takes from its columns too.
    fn revocable(&mut self, object: &Object) -> Vec<&mut Vec<AccessEntry>> {
        match object {
            Object::Relation => {
                let lists = self.lists.to_mut();
                std::iter::once(&mut lists.whole).chain(&mut lists.columns).collect()
            }
            other => self.touched(other),
        }
    }

    /// Returns what the statements change.
    pub(crate) fn finish(self, state: &State) -> (Vec<Statement>, Trial) {
        let mut grantees = BTreeSet::new();
        let before = &state.relations[self.group].0;
        let relation = changed(self.lists).filter(|after| before != after).map(|after| {
            changed_grantees(&before.whole, &after.whole, &mut grantees);
            for (one, other) in before.columns.iter().zip(&after.columns) {
                changed_grantees(one, other, &mut grantees);
            }
            let grants = RelationGrants::new(&after);
            (after, grants)
        });
        let mut list = |before: &[AccessEntry], after: Cow<'_, [AccessEntry]>| {
            let after = changed(after).filter(|after| before != after.as_slice())?;
            changed_grantees(before, &after, &mut grantees);
            let grants = Grants::new(&after);
            Some((after, grants))
        };
        let usage = list(&state.schemas[self.schema.get()].0, self.usage);
        let connect = list(&state.database.0, self.connect);
        let trial = Trial { group: self.group, schema: self.schema, relation, usage, connect, grantees };
        (self.statements, trial)
    }
}

/// Returns what statements were applied to, unless none was.
fn changed<T: ToOwned + ?Sized>(value: Cow<'_, T>) -> Option<T::Owned> {
    match value {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    }
}

/// Adds whose entries differ between two lists.
fn changed_grantees(one: &[AccessEntry], other: &[AccessEntry], changed: &mut BTreeSet<Grantee>) {
    if one == other {
        return;
    }
    let mut add = |these: &[AccessEntry], those: &[AccessEntry]| {
        let those: BTreeSet<&AccessEntry> = those.iter().collect();
        changed.extend(these.iter().filter(|entry| !those.contains(entry)).map(|entry| entry.grantee));
    };
    add(one, other);
    add(other, one);
}
