//! Evaluates actual access (`docs/drift.md`, "Actual access, exactly"), class by class.
//!
//! Relations with the same schema, owner, access lists and row security form one class and are evaluated once, for
//! role nodes rather than roles. Rows exist only where a caller iterates over them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use domesday_model::Scope;
use rayon::prelude::*;

use crate::access_path::{AccessPath, ShortestPaths};
use crate::bit_set::BitSet;
use crate::grantees::Grantees;
use crate::role_graph::RoleGraph;
use domesday_model::privileges::{
    AccessEntry, PrivilegeSet, Privileges, Relation, RelationIx, RoleIx, SchemaIx,
};

/// Position of a relation class in [`ActualAccess::classes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationClassIx(pub u32);

/// Who has access to the relations of one database, and by which path.
#[derive(Debug)]
pub struct ActualAccess {
    pub(crate) graph: RoleGraph,
    pub(crate) connects: BitSet,
    pub(crate) usage: Vec<BitSet>,
    /// The classes, in order of their first relations.
    pub classes: Vec<RelationClass>,
    /// The class of each relation.
    pub class_of: Vec<RelationClassIx>,
}

/// Relations that are equivalent for every role.
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
    /// Returns the roles with access to the relations of the class in a scope.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> &[RoleAccess] {
        match scope {
            Scope::Read => &self.read,
            Scope::Write => &self.write,
        }
    }
}

/// One access, shared by every role of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAccess {
    /// The roles, ascending by name; all of them may log in.
    pub roles: Box<[RoleIx]>,
    /// A shortest path to it.
    pub path: AccessPath,
    /// The positions of the accessible columns, ascending; `None` means all.
    pub columns: Option<Box<[u32]>>,
    /// Whether row security binds the roles here.
    pub is_row_filtered: bool,
}

impl ActualAccess {
    /// Evaluates the privileges of a database.
    #[must_use]
    pub fn new(privileges: &Privileges) -> Self {
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
        let usage: Vec<BitSet> = usage.collect();
        let mut access = Self {
            connects,
            usage,
            classes: Vec::new(),
            class_of: Vec::with_capacity(privileges.relations.len()),
            graph,
        };
        access.classify(privileges);
        access
    }

    /// Returns the class of a relation.
    #[must_use]
    pub fn class(&self, relation: RelationIx) -> &RelationClass {
        &self.classes[self.class_of[relation.get()].0 as usize]
    }

    /// Returns what a role can do with the relations of a class in a scope.
    #[must_use]
    pub fn role_access(&self, class: RelationClassIx, scope: Scope, role: RoleIx) -> Option<&RoleAccess> {
        let accesses = self.classes[class.0 as usize].scope(scope);
        let node_of = |access: &RoleAccess| self.graph.node_of[access.roles[0].get()];
        let found = accesses.binary_search_by_key(&self.graph.node_of[role.get()], node_of).ok()?;
        Some(&accesses[found])
    }

    fn classify(&mut self, privileges: &Privileges) {
        let hasher = RandomState::new();
        // By hash and then by comparison: the keys are access lists, too large to be copied into a map.
        let mut found: HashMap<u64, Vec<RelationClassIx>> = HashMap::new();
        let mut members: Vec<Vec<RelationIx>> = Vec::new();
        for (position, relation) in privileges.relations.iter().enumerate() {
            let likeness = RelationKey::new(relation);
            let candidates = found.entry(hasher.hash_one(&likeness)).or_default();
            let alike = candidates.iter().copied().find(|class| {
                let first = members[class.0 as usize][0];
                RelationKey::new(&privileges.relations[first.get()]) == likeness
            });
            let class = alike.unwrap_or_else(|| {
                let class = RelationClassIx(RelationIx::from_position(members.len()).0);
                candidates.push(class);
                members.push(Vec::new());
                class
            });
            members[class.0 as usize].push(RelationIx::from_position(position));
            self.class_of.push(class);
        }
        let Self { graph, connects, usage, .. } = &*self;
        let evaluated = members.into_par_iter().map(|relations| {
            let first = &privileges.relations[relations[0].get()];
            RelationClass { relations, ..evaluate(graph, connects, usage, first) }
        });
        self.classes = evaluated.collect();
    }
}

/// Two relations with equal keys are equivalent for every role.
#[derive(PartialEq, Eq, Hash)]
struct RelationKey<'r> {
    schema: SchemaIx,
    owner: RoleIx,
    access_list: Option<&'r [AccessEntry]>,
    /// The access lists of columns, with the number of columns, where a column has one.
    columns: Option<Vec<&'r [AccessEntry]>>,
    has_row_security: bool,
    forces_row_security: bool,
}

impl<'r> RelationKey<'r> {
    fn new(relation: &'r Relation) -> Self {
        let entries = |column: &'r domesday_model::privileges::Column| {
            column.access_list.as_deref().unwrap_or_default()
        };
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

fn evaluate(graph: &RoleGraph, connects: &BitSet, usage: &[BitSet], relation: &Relation) -> RelationClass {
    let usage = &usage[relation.schema.get()];
    let place = RelationContext { graph, connects, usage, relation };
    RelationClass {
        relations: Vec::new(),
        read: place.scope(PrivilegeSet::SELECT, PrivilegeSet::SELECT),
        write: place.scope(PrivilegeSet::WRITE, PrivilegeSet::WRITE_COLUMN),
    }
}

/// A relation with the database, schema and roles around it.
struct RelationContext<'a> {
    graph: &'a RoleGraph,
    connects: &'a BitSet,
    usage: &'a BitSet,
    relation: &'a Relation,
}

impl RelationContext<'_> {
    /// Returns the roles with access to the relation by one of these privileges, on the whole or on a column (rules 2 and 3).
    fn scope(&self, wanted: PrivilegeSet, wanted_on_column: PrivilegeSet) -> Vec<RoleAccess> {
        let Self { graph, relation, .. } = *self;
        let whole = self.grantees_of_relation(wanted);
        let on_columns: Vec<(u32, Grantees)> = self.grantees_of_columns(wanted_on_column);
        let mut either = whole.clone();
        on_columns.iter().for_each(|(_, grantees)| either.union(grantees));

        let whole_holders = whole.holders(graph).intersection(self.usage);
        let holders = either.holders(graph).intersection(self.usage);
        if holders.is_empty() {
            return Vec::new();
        }
        let can =
            graph.union(&holders, &graph.actors).intersection(&graph.logins).intersection(self.connects);
        let can_whole = graph.union(&whole_holders, &graph.actors);
        let column_reach: Vec<(u32, BitSet)> = on_columns
            .iter()
            .map(|(position, grantees)| {
                let holders = grantees.holders(graph).intersection(self.usage);
                (*position, graph.union(&holders, &graph.actors))
            })
            .collect();
        let unfiltered = self.unfiltered(&holders);
        let paths = ShortestPaths::new(graph, self.usage, &either, relation.owner);
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
                    path: paths.path(node),
                    // A reader of each column reads the relation.
                    columns: columns
                        .filter(|columns| wanted != PrivilegeSet::SELECT || columns.len() < column_count),
                    is_row_filtered: relation.has_row_security && !unfiltered.contains(node),
                }
            })
            .collect();
        access.sort_by_key(|access| graph.node_of[access.roles[0].get()]);
        access
    }

    fn grantees_of_relation(&self, wanted: PrivilegeSet) -> Grantees {
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

    fn grantees_of_columns(&self, wanted: PrivilegeSet) -> Vec<(u32, Grantees)> {
        let columns = (0_u32..).zip(&self.relation.columns);
        columns
            .filter_map(|(position, column)| {
                let list = column.access_list.as_deref().unwrap_or_default();
                let grantees = Grantees::new(self.graph, Some(list), wanted, |_| {});
                (grantees.is_public || !grantees.nodes.is_empty()).then_some((position, grantees))
            })
            .collect()
    }

    /// Returns the nodes that act as a role with access to the relation that its row security does not bind (rule 5).
    fn unfiltered(&self, holders: &BitSet) -> BitSet {
        let Self { graph, relation, .. } = *self;
        let mut free = graph.bypassing.clone();
        if !relation.forces_row_security {
            free.union(&graph.heirs[graph.node_of[relation.owner.get()]]);
        }
        graph.union(&free.intersection(holders), &graph.actors)
    }
}
