//! Who holds which privilege on an object: access lists and their defaults as sets of nodes.

use crate::bits::Bits;
use crate::privileges::{AccessEntry, Grantee, PrivilegeSet, RoleIx};
use crate::roles::{Node, RoleGraph};

/// Those who are given a privilege on an object, before inheritance.
#[derive(Debug, Clone)]
pub(crate) struct Grantees {
    /// The nodes that are named, or that a predefined role stands for.
    pub(crate) nodes: Bits,
    /// Whether PUBLIC is named.
    pub(crate) is_public: bool,
}

impl Grantees {
    /// Those whom an access list gives one of these privileges; `default` is what stands for a missing list.
    pub(crate) fn new(
        graph: &RoleGraph,
        list: Option<&[AccessEntry]>,
        wanted: PrivilegeSet,
        default: impl FnOnce(&mut Self),
    ) -> Self {
        let mut grantees = Self { nodes: Bits::new(graph.len()), is_public: false };
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

    /// Adds a predefined role, where the server has it.
    pub(crate) fn insert_node(&mut self, node: Option<Node>) {
        if let Some(node) = node {
            self.nodes.insert(node);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.nodes.add(&other.nodes);
        self.is_public |= other.is_public;
    }

    /// Those who hold the privilege (rule 1): by themselves, by PUBLIC, by inheritance or as superusers.
    pub(crate) fn holders(&self, graph: &RoleGraph) -> Bits {
        if self.is_public {
            return Bits::full(graph.len());
        }
        graph.union(&self.nodes, &graph.heirs).or(&graph.superusers)
    }
}
