//! The grantees of a privilege on an object: access lists and their defaults as sets of nodes.

use crate::bit_set::BitSet;
use crate::role_graph::{Node, RoleGraph};
use domesday_model::privileges::{AccessEntry, Grantee, PrivilegeSet, RoleIx};

/// The grantees of a privilege on an object, before inheritance.
#[derive(Debug, Clone)]
pub(crate) struct Grantees {
    /// The nodes that are named, or that a predefined role represents.
    pub(crate) nodes: BitSet,
    /// Whether PUBLIC is named.
    pub(crate) is_public: bool,
}

impl Grantees {
    /// Finds the grantees of any of these privileges in an access list; `default` adds those of a missing list.
    pub(crate) fn new(
        graph: &RoleGraph,
        list: Option<&[AccessEntry]>,
        wanted: PrivilegeSet,
        default: impl FnOnce(&mut Self),
    ) -> Self {
        let mut grantees = Self { nodes: BitSet::new(graph.len()), is_public: false };
        match list {
            None => default(&mut grantees),
            Some(entries) => {
                for entry in entries.iter().filter(|entry| entry.privileges.intersects(wanted)) {
                    match entry.grantee {
                        Grantee::Public => grantees.is_public = true,
                        Grantee::Role(role) => grantees.insert(graph, role),
                    }
                }
            }
        }
        grantees
    }

    pub(crate) fn insert(&mut self, graph: &RoleGraph, role: RoleIx) {
        self.nodes.insert(graph.node_of[role.get()]);
    }

    /// Adds a predefined role, if the server has it.
    pub(crate) fn insert_node(&mut self, node: Option<Node>) {
        if let Some(node) = node {
            self.nodes.insert(node);
        }
    }

    pub(crate) fn union(&mut self, other: &Self) {
        self.nodes.union(&other.nodes);
        self.is_public |= other.is_public;
    }

    /// Returns the nodes that hold the privilege (rule 1): themselves, by PUBLIC, by inheritance or as superusers.
    pub(crate) fn holders(&self, graph: &RoleGraph) -> BitSet {
        if self.is_public {
            return BitSet::full(graph.len());
        }
        graph.union(&self.nodes, &graph.heirs).into_union(&graph.superusers)
    }
}
