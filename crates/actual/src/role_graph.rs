//! Roles as a graph: from which roles one inherits, which it may become, and which roles are equivalent for every object.

use std::collections::HashMap;

use crate::bit_set::BitSet;
use domesday_model::privileges::{Grantee, Privileges, RoleIx};

/// The role that represents the owner of the database, from version 14.
const DATABASE_OWNER: &str = "pg_database_owner";
/// The role that may read everything.
pub const READ_ALL: &str = "pg_read_all_data";
/// The role that may write everything.
pub const WRITE_ALL: &str = "pg_write_all_data";

/// Position of a node. Roles that are equivalent for every object share a node.
pub(crate) type Node = usize;

/// The roles of a cluster, equivalent ones merged, with the transitive closure of their memberships.
#[derive(Debug)]
pub(crate) struct RoleGraph {
    /// The roles of each node, ascending by name. A role that an access list names, that owns something or that has
    /// members is alone in its node.
    pub(crate) members: Vec<Vec<RoleIx>>,
    /// The node of each role.
    pub(crate) node_of: Vec<Node>,
    /// The nodes that each node inherits from in one step, by name.
    pub(crate) inherits: Vec<Vec<Node>>,
    /// The nodes that each node may become in one step, by name.
    pub(crate) becomes: Vec<Vec<Node>>,
    /// The nodes that inherit from each node in one step.
    pub(crate) inherited_by: Vec<Vec<Node>>,
    /// The nodes that may become each node in one step.
    pub(crate) became_by: Vec<Vec<Node>>,
    /// For each node those that inherit from it, in any number of steps, and itself (rule 1, *holds*).
    pub(crate) heirs: Vec<BitSet>,
    /// For each node those that may become it, in any number of steps, and itself (rule 1, *acts as*).
    pub(crate) actors: Vec<BitSet>,
    /// The nodes of superusers.
    pub(crate) superusers: BitSet,
    /// The nodes that row security never binds.
    pub(crate) bypassing: BitSet,
    /// The nodes that may log in.
    pub(crate) logins: BitSet,
    /// The node of `pg_read_all_data`.
    pub(crate) read_all: Option<Node>,
    /// The node of `pg_write_all_data`.
    pub(crate) write_all: Option<Node>,
}

/// Two roles without members are equivalent if their keys are equal.
#[derive(PartialEq, Eq, Hash)]
struct RoleKey {
    inherits: Vec<RoleIx>,
    becomes: Vec<RoleIx>,
    is_superuser: bool,
    bypasses_row_security: bool,
    may_log_in: bool,
}

impl RoleGraph {
    pub(crate) fn new(privileges: &Privileges) -> Self {
        let roles = &privileges.roles;
        let RoleEdges { inherits, becomes } = RoleEdges::new(privileges);
        let named = referenced_roles(privileges, &inherits, &becomes);
        let mut by_name: Vec<RoleIx> = (0..roles.len()).map(RoleIx::from_position).collect();
        by_name.sort_by(|one, other| roles[one.get()].name.cmp(&roles[other.get()].name));

        let mut members: Vec<Vec<RoleIx>> = Vec::new();
        let mut node_of = vec![0; roles.len()];
        let mut alike: HashMap<RoleKey, Node> = HashMap::new();
        for ix in by_name {
            let role = &roles[ix.get()];
            let next = members.len();
            let node = if named.contains(ix.get()) {
                next
            } else {
                let likeness = RoleKey {
                    inherits: inherits[ix.get()].clone(),
                    becomes: becomes[ix.get()].clone(),
                    is_superuser: role.is_superuser,
                    bypasses_row_security: role.bypasses_row_security,
                    may_log_in: role.may_log_in(privileges.observed_at),
                };
                *alike.entry(likeness).or_insert(next)
            };
            if node == next {
                members.push(Vec::new());
            }
            members[node].push(ix);
            node_of[ix.get()] = node;
        }
        let of_nodes = |edges: &[Vec<RoleIx>]| -> Vec<Vec<Node>> {
            let targets = |role: RoleIx| {
                let mut targets: Vec<Node> = edges[role.get()].iter().map(|to| node_of[to.get()]).collect();
                // Nodes are numbered in order of their first names, so this is by name.
                targets.sort_unstable();
                targets
            };
            members.iter().map(|roles| targets(roles[0])).collect()
        };
        let (inherits, becomes) = (of_nodes(&inherits), of_nodes(&becomes));
        let where_role = |is: &dyn Fn(RoleIx) -> bool| {
            let mut bits = BitSet::new(members.len());
            let nodes = members.iter().enumerate().filter(|(_, roles)| is(roles[0]));
            nodes.for_each(|(node, _)| bits.insert(node));
            bits
        };
        let superusers = where_role(&|ix| roles[ix.get()].is_superuser);
        let bypassing =
            where_role(&|ix| roles[ix.get()].is_superuser || roles[ix.get()].bypasses_row_security);
        let logins = where_role(&|ix| roles[ix.get()].may_log_in(privileges.observed_at));
        let node_named = |name: &str| {
            let found = roles.iter().position(|role| role.name == name);
            found.map(|position| node_of[position])
        };
        let (inherited_by, became_by) = (reversed(&inherits), reversed(&becomes));
        Self {
            heirs: closure(&inherited_by),
            actors: closure(&became_by),
            inherited_by,
            became_by,
            superusers,
            bypassing,
            logins,
            read_all: node_named(READ_ALL),
            write_all: node_named(WRITE_ALL),
            members,
            node_of,
            inherits,
            becomes,
        }
    }

    /// Returns the number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns the union of the sets in `of` over the nodes of a set.
    pub(crate) fn union(&self, nodes: &BitSet, of: &[BitSet]) -> BitSet {
        let mut union = BitSet::new(self.len());
        nodes.iter().for_each(|node| union.union(&of[node]));
        union
    }
}

/// The steps from each role to others (`docs/drift.md`, rule 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleEdges {
    /// For each role those from which it inherits in one step, ascending.
    pub inherits: Vec<Vec<RoleIx>>,
    /// For each role those that it may become by `SET ROLE` in one step, ascending.
    pub becomes: Vec<Vec<RoleIx>>,
}

impl RoleEdges {
    /// Finds the steps of every role by the rules of the server's version.
    #[must_use]
    pub fn new(privileges: &Privileges) -> Self {
        let roles = &privileges.roles;
        let by_membership = privileges.server_version >= 16;
        let (mut inherits, mut becomes) = (vec![Vec::new(); roles.len()], vec![Vec::new(); roles.len()]);
        for membership in &privileges.memberships {
            let member = membership.member.get();
            if if by_membership { membership.inherits } else { roles[member].inherits } {
                inherits[member].push(membership.role);
            }
            if !by_membership || membership.can_set {
                becomes[member].push(membership.role);
            }
        }
        let database_owner = roles.iter().position(|role| role.name == DATABASE_OWNER);
        if let (14.., Some(position)) = (privileges.server_version, database_owner) {
            let owner = privileges.database.owner.get();
            if by_membership || roles[owner].inherits {
                inherits[owner].push(RoleIx::from_position(position));
            }
            becomes[owner].push(RoleIx::from_position(position));
        }
        for list in inherits.iter_mut().chain(&mut becomes) {
            list.sort_unstable();
            list.dedup();
        }
        Self { inherits, becomes }
    }
}

/// Returns the roles to which something refers: they are equivalent to no other.
fn referenced_roles(privileges: &Privileges, inherits: &[Vec<RoleIx>], becomes: &[Vec<RoleIx>]) -> BitSet {
    let mut named = BitSet::new(privileges.roles.len());
    inherits.iter().chain(becomes).flatten().for_each(|role| named.insert(role.get()));
    named.insert(privileges.database.owner.get());
    let schemas = privileges.schemas.iter();
    let relations = privileges.relations.iter();
    schemas.clone().map(|schema| schema.owner).for_each(|owner| named.insert(owner.get()));
    relations.clone().map(|relation| relation.owner).for_each(|owner| named.insert(owner.get()));
    let lists = std::iter::once(&privileges.database.access_list)
        .chain(schemas.map(|schema| &schema.access_list))
        .chain(relations.clone().map(|relation| &relation.access_list))
        .chain(relations.flat_map(|relation| relation.columns.iter().map(|column| &column.access_list)));
    for entry in lists.flatten().flatten() {
        if let Grantee::Role(role) = entry.grantee {
            named.insert(role.get());
        }
    }
    for (position, role) in privileges.roles.iter().enumerate() {
        if role.name == READ_ALL || role.name == WRITE_ALL {
            named.insert(position);
        }
    }
    named
}

/// Returns for each node those from which an edge leads to it, ascending.
fn reversed(edges: &[Vec<Node>]) -> Vec<Vec<Node>> {
    let mut sources: Vec<Vec<Node>> = vec![Vec::new(); edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        targets.iter().for_each(|to| sources[*to].push(from));
    }
    sources
}

/// Returns for each node those that are reached by these edges, itself included.
fn closure(edges: &[Vec<Node>]) -> Vec<BitSet> {
    let reach = |start: Node| {
        let mut reached = BitSet::new(edges.len());
        reached.insert(start);
        let mut open = vec![start];
        while let Some(node) = open.pop() {
            for from in &edges[node] {
                if !reached.contains(*from) {
                    reached.insert(*from);
                    open.push(*from);
                }
            }
        }
        reached
    };
    (0..edges.len()).map(reach).collect()
}
