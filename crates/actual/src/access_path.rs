//! The shortest path by which a role has access to a relation (`docs/drift.md`, rule 4).

use crate::bit_set::BitSet;
use crate::grantees::Grantees;
use crate::role_graph::{Node, RoleGraph};
use domesday_model::privileges::RoleIx;

/// The path by which a role has a privilege.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccessPath {
    /// As a superuser.
    Superuser,
    /// As the relation's owner.
    Owner,
    /// By a grant to the role itself.
    Direct,
    /// By a grant to PUBLIC.
    Public,
    /// By these roles: the steps of `SET ROLE`, then the roles inherited from.
    Roles(Box<[RoleIx]>),
}

impl AccessPath {
    /// Returns the path as the table shows it: one word, or the names of the roles passed.
    pub fn words<'n>(&self, name: impl Fn(RoleIx) -> &'n str) -> Vec<&'n str> {
        match self {
            Self::Superuser => vec!["SUPERUSER"],
            Self::Owner => vec!["OWNER"],
            Self::Direct => vec!["DIRECT"],
            Self::Public => vec!["PUBLIC"],
            Self::Roles(roles) => roles.iter().map(|role| name(*role)).collect(),
        }
    }
}

/// The distance of a node without access.
const UNREACHABLE: u32 = u32::MAX;

/// Shortest paths from every node to one relation.
pub(crate) struct ShortestPaths<'a> {
    graph: &'a RoleGraph,
    usage: &'a BitSet,
    grantees: &'a Grantees,
    owner: Node,
    /// Steps of inheritance from a node to one that has the privilege by itself.
    inherit_steps: Vec<u32>,
    /// Steps from a node, `SET ROLE` first, to one that has the privilege by itself.
    steps: Vec<u32>,
}

impl<'a> ShortestPaths<'a> {
    pub(crate) fn new(
        graph: &'a RoleGraph,
        usage: &'a BitSet,
        grantees: &'a Grantees,
        owner: RoleIx,
    ) -> Self {
        let owner = graph.node_of[owner.get()];
        let mut paths = Self { graph, usage, grantees, owner, inherit_steps: Vec::new(), steps: Vec::new() };
        paths.inherit_steps = distances(&graph.inherited_by, |node| paths.has_privilege(node).then_some(0));
        let inherit_steps = &paths.inherit_steps;
        let start =
            |node| (usage.contains(node) && inherit_steps[node] != UNREACHABLE).then(|| inherit_steps[node]);
        paths.steps = distances(&graph.became_by, start);
        paths
    }

    fn has_privilege(&self, node: Node) -> bool {
        self.grantees.is_public || self.grantees.nodes.contains(node) || self.graph.superusers.contains(node)
    }

    /// Returns the path of a node with access to the relation.
    pub(crate) fn path(&self, node: Node) -> AccessPath {
        let mut roles = Vec::new();
        let mut at = node;
        // `SET ROLE` until the rest of the path by inheritance is as short.
        while !(self.usage.contains(at) && self.inherit_steps[at] == self.steps[at]) {
            at = self.next_node(&self.graph.becomes[at], &self.steps, self.steps[at]);
            roles.push(self.graph.members[at][0]);
        }
        while !self.has_privilege(at) {
            at = self.next_node(&self.graph.inherits[at], &self.inherit_steps, self.inherit_steps[at]);
            roles.push(self.graph.members[at][0]);
        }
        if !roles.is_empty() {
            return AccessPath::Roles(roles.into());
        }
        if self.graph.superusers.contains(node) {
            AccessPath::Superuser
        } else if self.grantees.nodes.contains(node) {
            if node == self.owner { AccessPath::Owner } else { AccessPath::Direct }
        } else {
            AccessPath::Public
        }
    }

    /// Returns the first node, by name, that is one step nearer.
    fn next_node(&self, targets: &[Node], distances: &[u32], distance: u32) -> Node {
        let nearer = targets.iter().copied().find(|to| distances[*to].saturating_add(1) == distance);
        nearer.expect("a node with a distance has a neighbour that is a step nearer")
    }
}

/// Returns for each node the least of its own start and one more than the distance of a node one step on. `sources` are
/// for each node those that are one step before it.
fn distances(sources: &[Vec<Node>], start: impl Fn(Node) -> Option<u32>) -> Vec<u32> {
    let mut distances = vec![UNREACHABLE; sources.len()];
    // By distance, so that each node is settled once.
    let mut levels: Vec<Vec<Node>> = Vec::new();
    let reach = |levels: &mut Vec<Vec<Node>>, node: Node, distance: u32| {
        let level = distance as usize;
        levels.resize_with(levels.len().max(level + 1), Vec::new);
        levels[level].push(node);
    };
    for (node, distance) in distances.iter_mut().enumerate() {
        if let Some(start) = start(node) {
            *distance = start;
            reach(&mut levels, node, start);
        }
    }
    let mut distance = 0;
    while let Some(level) = levels.get_mut(distance as usize) {
        for node in std::mem::take(level) {
            // It may have been reached by a shorter way since.
            if distances[node] < distance {
                continue;
            }
            for source in &sources[node] {
                if distances[*source] > distance + 1 {
                    distances[*source] = distance + 1;
                    reach(&mut levels, *source, distance + 1);
                }
            }
        }
        distance += 1;
    }
    distances
}
