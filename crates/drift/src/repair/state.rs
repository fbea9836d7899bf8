//! The access lists of a database while a repair is worked out, and who reaches what by them.

use std::borrow::Cow;
use std::sync::OnceLock;

use domesday_actual::BitSet;
use domesday_model::privileges::{AccessEntry, PrivilegeSet, Privileges, RelationIx, SchemaIx};

use crate::access_lists::{RelationLists, database_list, schema_list};
use crate::drift::Drift;
use crate::relation_holders::{Place, RelationHolders};
use crate::relation_reach::RelationReach;
use crate::repair::access_list::{grant, revoke};
use crate::repair::statement::{Action, Object, Statement};
use crate::role_reach::RoleReach;

/// The access lists, of each group once.
#[derive(Debug)]
pub(crate) struct State<'d> {
    drift: &'d Drift,
    objects: Cow<'d, Objects>,
    /// In a branch: its group with the relation that stands for it.
    own: Option<(usize, RelationState)>,
}

#[derive(Debug, Clone)]
struct Objects {
    /// By group.
    relations: Vec<RelationState>,
    schemas: Vec<ObjectState>,
    database: ObjectState,
}

/// A relation's access lists; who holds privileges by them and who reaches it is worked out when first asked for.
#[derive(Debug, Clone)]
pub(crate) struct RelationState {
    lists: RelationLists,
    holders: OnceLock<RelationHolders>,
    reach: OnceLock<RelationReach>,
}

/// The access list of a schema or the database, with the roles that hold USAGE or CONNECT by it.
#[derive(Debug, Clone)]
pub(crate) struct ObjectState {
    pub(crate) list: Vec<AccessEntry>,
    pub(crate) holders: BitSet,
}

impl RelationState {
    fn new(lists: RelationLists) -> Self {
        Self { lists, holders: OnceLock::new(), reach: OnceLock::new() }
    }

    /// Returns the state that changed access lists make of this one.
    fn after(&self, drift: &Drift, lists: RelationLists) -> Self {
        let holders = self.holders(drift).after(&drift.reach, &self.lists, &lists);
        Self { lists, holders: OnceLock::from(holders), reach: OnceLock::new() }
    }

    fn holders(&self, drift: &Drift) -> &RelationHolders {
        self.holders.get_or_init(|| RelationHolders::new(&drift.reach, &self.lists))
    }
}

impl ObjectState {
    /// Returns the state that a changed access list makes of this one.
    fn after(&self, reach: &RoleReach, list: Vec<AccessEntry>, wanted: PrivilegeSet) -> Self {
        let holders = reach.holders_after(&self.holders, &self.list, &list, wanted);
        Self { holders: holders.unwrap_or_else(|| self.holders.clone()), list }
    }
}

impl<'d> State<'d> {
    /// Returns the state that was read.
    pub(crate) fn new(drift: &'d Drift) -> Self {
        let privileges = drift.privileges();
        let relation = |relation: RelationIx| {
            RelationState::new(RelationLists::new(&privileges.relations[relation.get()]))
        };
        let object = |list: Cow<'_, [AccessEntry]>, holders: &BitSet| ObjectState {
            list: list.into_owned(),
            holders: holders.clone(),
        };
        let schemas = privileges.schemas.iter().zip(&drift.usage);
        let objects = Objects {
            relations: drift.groups.iter().map(|group| relation(group.relations[0].0)).collect(),
            schemas: schemas.map(|(schema, usage)| object(schema_list(schema), usage)).collect(),
            database: object(database_list(privileges), &drift.connect),
        };
        Self { drift, objects: Cow::Owned(objects), own: None }
    }

    /// Returns a state of its own for the relations of one group, in which nothing else may change.
    pub(crate) fn branch(&self, group: usize) -> State<'_> {
        let own = Some((group, self.relation(group).clone()));
        State { drift: self.drift, objects: Cow::Borrowed(&self.objects), own }
    }

    /// Returns the relation of the group of a branch.
    pub(crate) fn into_own(self) -> Option<RelationState> {
        self.own.map(|(_, relation)| relation)
    }

    /// Replaces the relation of a group.
    pub(crate) fn set_relation(&mut self, group: usize, relation: RelationState) {
        match &mut self.own {
            Some((own, of_own)) if *own == group => *of_own = relation,
            _ => self.objects.to_mut().relations[group] = relation,
        }
    }

    fn relation(&self, group: usize) -> &RelationState {
        let own = self.own.as_ref().filter(|(own, _)| *own == group);
        own.map_or_else(|| &self.objects.relations[group], |(_, relation)| relation)
    }

    pub(crate) fn schema(&self, schema: SchemaIx) -> &ObjectState {
        &self.objects.schemas[schema.get()]
    }

    pub(crate) fn database(&self) -> &ObjectState {
        &self.objects.database
    }

    pub(crate) fn holders(&self, group: usize) -> &RelationHolders {
        self.relation(group).holders(self.drift)
    }

    /// Returns the first relation of a group, with what decides who reaches it.
    pub(crate) fn place(&self, group: usize) -> Place<'_> {
        self.place_of(self.drift.groups[group].relations[0].0, self.holders(group))
    }

    /// Returns a relation with what decides who reaches it.
    pub(crate) fn place_of<'a>(&'a self, relation: RelationIx, holders: &'a RelationHolders) -> Place<'a> {
        let relation = &self.drift.privileges().relations[relation.get()];
        let usage = &self.schema(relation.schema).holders;
        Place { connect: &self.database().holders, usage, holders, relation }
    }

    /// Returns who reaches the relations of a group.
    pub(crate) fn reach(&self, group: usize) -> &RelationReach {
        let reach = || RelationReach::new(&self.drift.reach, self.place(group));
        self.relation(group).reach.get_or_init(reach)
    }

    /// Takes over what a trial changed. `concerned` are the groups that others may reach by its schema or database.
    pub(crate) fn apply(&mut self, trial: Trial, concerned: &[usize]) {
        if let Some(relation) = trial.relation {
            self.set_relation(trial.group, relation);
        }
        if trial.usage.is_none() && trial.connect.is_none() {
            return;
        }
        let objects = self.objects.to_mut();
        concerned.iter().for_each(|group| objects.relations[*group].reach = OnceLock::new());
        if let Some(usage) = trial.usage {
            objects.schemas[trial.schema.get()] = usage;
        }
        if let Some(connect) = trial.connect {
            objects.database = connect;
        }
    }
}

/// What some statements change about one relation of a group and what is around it.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) group: usize,
    pub(crate) schema: SchemaIx,
    pub(crate) relation: Option<RelationState>,
    pub(crate) usage: Option<ObjectState>,
    pub(crate) connect: Option<ObjectState>,
}

impl Trial {
    /// Whether it changes more than the relation.
    pub(crate) fn is_wide(&self) -> bool {
        self.usage.is_some() || self.connect.is_some()
    }

    /// Returns the relation of its group, where its access lists change.
    fn relation_of(&self, group: Option<usize>) -> Option<&RelationState> {
        self.relation.as_ref().filter(|_| group == Some(self.group))
    }

    /// Returns what a place becomes. `group` is that of its relation, if it has one.
    fn place_after<'a>(&'a self, drift: &'a Drift, group: Option<usize>, before: Place<'a>) -> Place<'a> {
        let usage = self.usage.as_ref().filter(|_| before.relation.schema == self.schema);
        Place {
            connect: self.connect.as_ref().map_or(before.connect, |connect| &connect.holders),
            usage: usage.map_or(before.usage, |usage| &usage.holders),
            holders: self.relation_of(group).map_or(before.holders, |relation| relation.holders(drift)),
            relation: before.relation,
        }
    }

    /// Returns who then reaches a relation that is reached as `reach` says before.
    pub(crate) fn reach_after(
        &self,
        drift: &Drift,
        group: Option<usize>,
        before: Place<'_>,
        reach: &RelationReach,
    ) -> Cow<'_, RelationReach> {
        let evaluate = || reach.after(&drift.reach, before, self.place_after(drift, group, before));
        match self.relation_of(group) {
            Some(relation) => Cow::Borrowed(relation.reach.get_or_init(evaluate)),
            None => Cow::Owned(evaluate()),
        }
    }
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
    pub(crate) fn new(state: &'d State<'_>, group: usize) -> Self {
        let drift = state.drift;
        let relation = drift.groups[group].relations[0].0;
        let schema = drift.schema_of(relation);
        Self {
            drift,
            group,
            relation,
            schema,
            lists: Cow::Borrowed(&state.relation(group).lists),
            usage: Cow::Borrowed(&state.schema(schema).list),
            connect: Cow::Borrowed(&state.database().list),
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
    pub(crate) fn finish(self, state: &State<'_>) -> (Vec<Statement>, Trial) {
        let reach = &self.drift.reach;
        let before = state.relation(self.group);
        let relation = changed(self.lists).filter(|after| before.lists != *after);
        let usage = changed(self.usage).filter(|after| state.schema(self.schema).list != *after);
        let connect = changed(self.connect).filter(|after| state.database().list != *after);
        let trial = Trial {
            group: self.group,
            schema: self.schema,
            relation: relation.map(|lists| before.after(self.drift, lists)),
            usage: usage.map(|list| {
                let after = state.schema(self.schema).after(reach, list, PrivilegeSet::USAGE);
                ObjectState { holders: reach.with_predefined(after.holders), ..after }
            }),
            connect: connect.map(|list| state.database().after(reach, list, PrivilegeSet::CONNECT)),
        };
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
