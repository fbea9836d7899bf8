//! Who can really reach what (`docs/drift.md`, "Actual access, precisely"), relation class by relation class.
//!
//! Relations with the same schema, owner, access lists and row security form one class and are evaluated once, for
//! role nodes rather than roles. Rows exist only where a caller iterates over them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use domesday_model::Scope;

use crate::bits::Bits;
use crate::objects::Grantees;
use crate::privileges::{AccessEntry, PrivilegeSet, Privileges, Relation, RelationIx, RoleIx, SchemaIx};
use crate::roles::RoleGraph;
use crate::via::{Via, Ways};

/// Position of a relation class in [`ActualAccess::classes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationClassIx(pub u32);

/// Who can reach the relations of one database, by what way.
#[derive(Debug)]
pub struct ActualAccess<'p> {
    pub(crate) privileges: &'p Privileges,
    pub(crate) graph: RoleGraph,
    pub(crate) connects: Bits,
    pub(crate) usage: Vec<Bits>,
    /// The classes, in order of their first relations.
    pub classes: Vec<RelationClass>,
    /// The class of each relation.
    pub class_of: Vec<RelationClassIx>,
}

/// Relations that are alike to every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationClass {
    /// Its relations, ascending.
    pub relations: Vec<RelationIx>,
    /// The roles that can read, ascending by name.
    pub read: Vec<RoleAccess>,
    /// The roles that can write, ascending by name.
    pub write: Vec<RoleAccess>,
}

impl RelationClass {
    /// The roles that can reach the relations of the class in a scope.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> &[RoleAccess] {
        match scope {
            Scope::Read => &self.read,
            Scope::Write => &self.write,
        }
    }
}

/// One way in, shared by every role of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAccess {
    /// The roles, ascending by name; all of them may log in.
    pub roles: Box<[RoleIx]>,
    /// A shortest way.
    pub via: Via,
    /// The positions of the columns within reach, ascending; `None` stands for all.
    pub columns: Option<Box<[u32]>>,
    /// Whether row security binds the roles here.
    pub is_row_filtered: bool,
}

impl<'p> ActualAccess<'p> {
    /// Evaluates the privileges of a database.
    #[must_use]
    pub fn new(privileges: &'p Privileges) -> Self {
        let graph = RoleGraph::new(privileges);
        let database = &privileges.database;
        let connects =
            Grantees::new(&graph, database.access_list.as_deref(), PrivilegeSet::CONNECT, |defaults| {
                defaults.is_public = true;
            })
            .holders(&graph);
        let usage = privileges.schemas.iter().map(|schema| {
            let list = schema.access_list.as_deref();
            let mut usage = Grantees::new(&graph, list, PrivilegeSet::USAGE, |defaults| {
                defaults.insert(&graph, schema.owner);
            });
            usage.insert_node(graph.read_all);
            usage.insert_node(graph.write_all);
            usage.holders(&graph)
        });
        let usage: Vec<Bits> = usage.collect();
        let mut access = Self {
            privileges,
            connects,
            usage,
            classes: Vec::new(),
            class_of: Vec::with_capacity(privileges.relations.len()),
            graph,
        };
        access.classify();
        access
    }

    /// The privileges that were evaluated.
    #[must_use]
    pub fn privileges(&self) -> &'p Privileges {
        self.privileges
    }

    /// The class of a relation.
    #[must_use]
    pub fn class(&self, relation: RelationIx) -> &RelationClass {
        &self.classes[self.class_of[relation.get()].0 as usize]
    }

    fn classify(&mut self) {
        let hasher = RandomState::new();
        // By hash and then by comparison: the keys are access lists, too large to be copied into a map.
        let mut found: HashMap<u64, Vec<RelationClassIx>> = HashMap::new();
        for (position, relation) in self.privileges.relations.iter().enumerate() {
            let likeness = Likeness::new(relation);
            let candidates = found.entry(hasher.hash_one(&likeness)).or_default();
            let alike = candidates.iter().copied().find(|class| {
                let first = self.classes[class.0 as usize].relations[0];
                Likeness::new(&self.privileges.relations[first.get()]) == likeness
            });
            let class = alike.unwrap_or_else(|| {
                let class = RelationClassIx(RelationIx::from_position(self.classes.len()).0);
                candidates.push(class);
                self.classes.push(evaluate(&self.graph, &self.connects, &self.usage, relation));
                class
            });
            self.classes[class.0 as usize].relations.push(RelationIx::from_position(position));
            self.class_of.push(class);
        }
    }
}

/// What decides whether two relations are alike to every role.
#[derive(PartialEq, Eq, Hash)]
struct Likeness<'r> {
    schema: SchemaIx,
    owner: RoleIx,
    access_list: Option<&'r [AccessEntry]>,
    /// The access lists of columns, with the number of columns, where a column has one.
    columns: Option<Vec<&'r [AccessEntry]>>,
    has_row_security: bool,
    forces_row_security: bool,
}

impl<'r> Likeness<'r> {
    fn new(relation: &'r Relation) -> Self {
        let entries =
            |column: &'r crate::privileges::Column| column.access_list.as_deref().unwrap_or_default();
        let has_column_grants = relation.columns.iter().any(|column| !entries(column).is_empty());
        Self {
            schema: relation.schema,
            owner: relation.owner,
            access_list: relation.access_list.as_deref(),
            columns: has_column_grants.then(|| relation.columns.iter().map(entries).collect()),
            has_row_security: relation.has_row_security,
            forces_row_security: relation.has_row_security && relation.forces_row_security,
        }
    }
}

fn evaluate(graph: &RoleGraph, connects: &Bits, usage: &[Bits], relation: &Relation) -> RelationClass {
    let usage = &usage[relation.schema.get()];
    let place = Place { graph, connects, usage, relation };
    RelationClass {
        relations: Vec::new(),
        read: place.scope(PrivilegeSet::SELECT, PrivilegeSet::SELECT),
        write: place.scope(PrivilegeSet::WRITE, PrivilegeSet::WRITE_COLUMN),
    }
}

/// A relation with what surrounds it.
struct Place<'a> {
    graph: &'a RoleGraph,
    connects: &'a Bits,
    usage: &'a Bits,
    relation: &'a Relation,
}

impl Place<'_> {
    /// The roles that can reach the relation by one of these privileges, on the whole or on a column (rules 2 and 3).
    fn scope(&self, wanted: PrivilegeSet, wanted_on_column: PrivilegeSet) -> Vec<RoleAccess> {
        let Self { graph, relation, .. } = *self;
        let whole = self.on_the_whole(wanted);
        let on_columns: Vec<(u32, Grantees)> = self.on_columns(wanted_on_column);
        let mut either = whole.clone();
        on_columns.iter().for_each(|(_, grantees)| either.add(grantees));

        let whole_holders = whole.holders(graph).and(self.usage);
        let holders = either.holders(graph).and(self.usage);
        if holders.is_empty() {
            return Vec::new();
        }
        let can = graph.union(&holders, &graph.actors).and(&graph.logins).and(self.connects);
        let can_whole = graph.union(&whole_holders, &graph.actors);
        let column_reach: Vec<(u32, Bits)> = on_columns
            .iter()
            .map(|(position, grantees)| {
                let holders = grantees.holders(graph).and(self.usage);
                (*position, graph.union(&holders, &graph.actors))
            })
            .collect();
        let unfiltered = self.unfiltered(&holders);
        let ways = Ways::new(graph, self.usage, &either, relation.owner);
        let column_count = relation.columns.len();
        let mut access: Vec<RoleAccess> = can
            .iter()
            .map(|node| {
                let columns = (!can_whole.contains(node)).then(|| {
                    let reached = column_reach.iter().filter(|(_, reach)| reach.contains(node));
                    reached.map(|(position, _)| *position).collect::<Box<[u32]>>()
                });
                RoleAccess {
                    roles: graph.members[node].clone().into(),
                    via: ways.via(node),
                    // All of the columns one by one are all of them, to a reader.
                    columns: columns
                        .filter(|columns| wanted != PrivilegeSet::SELECT || columns.len() < column_count),
                    is_row_filtered: relation.has_row_security && !unfiltered.contains(node),
                }
            })
            .collect();
        access.sort_by_key(|access| graph.node_of[access.roles[0].get()]);
        access
    }

    fn on_the_whole(&self, wanted: PrivilegeSet) -> Grantees {
        let Self { graph, relation, .. } = *self;
        let list = relation.access_list.as_deref();
        let mut grantees =
            Grantees::new(graph, list, wanted, |defaults| defaults.insert(graph, relation.owner));
        if wanted == PrivilegeSet::SELECT {
            grantees.insert_node(graph.read_all);
        } else {
            grantees.insert_node(graph.write_all);
        }
        grantees
    }

    fn on_columns(&self, wanted: PrivilegeSet) -> Vec<(u32, Grantees)> {
        let columns = (0_u32..).zip(&self.relation.columns);
        columns
            .filter_map(|(position, column)| {
                let list = column.access_list.as_deref().unwrap_or_default();
                let grantees = Grantees::new(self.graph, Some(list), wanted, |_| {});
                (grantees.is_public || !grantees.nodes.is_empty()).then_some((position, grantees))
            })
            .collect()
    }

    /// Those who act as a role that can reach the relation and is not bound by its row security (rule 5).
    fn unfiltered(&self, holders: &Bits) -> Bits {
        let Self { graph, relation, .. } = *self;
        let mut free = graph.bypassing.clone();
        if !relation.forces_row_security {
            free.add(&graph.heirs[graph.node_of[relation.owner.get()]]);
        }
        graph.union(&free.and(holders), &graph.actors)
    }
}
