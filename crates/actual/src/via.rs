//! The shortest way by which a role reaches a relation (`docs/drift.md`, rule 4).

use crate::bits::Bits;
use crate::objects::Grantees;
use crate::privileges::RoleIx;
use crate::roles::{Node, RoleGraph};

/// A way: how a role comes by what it can do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Via {
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

impl Via {
    /// The way as the table shows it: one word, or the names of the roles passed.
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

/// The distance of a node from which nothing is reached.
const NOWHERE: u32 = u32::MAX;

/// Shortest ways from every node to one relation.
pub(crate) struct Ways<'a> {
    graph: &'a RoleGraph,
    usage: &'a Bits,
    grantees: &'a Grantees,
    owner: Node,
    /// Steps of inheritance from a node to one that has the privilege by itself.
    inherit_steps: Vec<u32>,
    /// Steps from a node, `SET ROLE` first, to one that has the privilege by itself.
    steps: Vec<u32>,
}

impl<'a> Ways<'a> {
    pub(crate) fn new(graph: &'a RoleGraph, usage: &'a Bits, grantees: &'a Grantees, owner: RoleIx) -> Self {
        let owner = graph.node_of[owner.get()];
        let mut ways = Self { graph, usage, grantees, owner, inherit_steps: Vec::new(), steps: Vec::new() };
        ways.inherit_steps = ways.distances(&graph.inherits, |node| ways.has_by_itself(node).then_some(0));
        let inherit_steps = &ways.inherit_steps;
        let start =
            |node| (usage.contains(node) && inherit_steps[node] != NOWHERE).then(|| inherit_steps[node]);
        ways.steps = ways.distances(&graph.becomes, start);
        ways
    }

    fn has_by_itself(&self, node: Node) -> bool {
        self.grantees.is_public || self.grantees.nodes.contains(node) || self.graph.superusers.contains(node)
    }

    /// For each node the least of its own start and one more than that of a node one step on.
    fn distances(&self, edges: &[Vec<Node>], start: impl Fn(Node) -> Option<u32>) -> Vec<u32> {
        let mut backwards: Vec<Vec<Node>> = vec![Vec::new(); edges.len()];
        for (from, targets) in edges.iter().enumerate() {
            targets.iter().for_each(|to| backwards[*to].push(from));
        }
        let mut distances: Vec<u32> = (0..edges.len()).map(|node| start(node).unwrap_or(NOWHERE)).collect();
        let mut open: Vec<Node> = (0..edges.len()).filter(|node| distances[*node] != NOWHERE).collect();
        // Starts differ, so a node may be improved more than once; ways are a few steps long.
        while let Some(node) = open.pop() {
            for from in &backwards[node] {
                if distances[*from] > distances[node] + 1 {
                    distances[*from] = distances[node] + 1;
                    open.push(*from);
                }
            }
        }
        distances
    }

    /// The way of a node that can reach the relation.
    pub(crate) fn via(&self, node: Node) -> Via {
        let mut roles = Vec::new();
        let mut at = node;
        // `SET ROLE` until going on by inheritance is as short.
        while !(self.usage.contains(at) && self.inherit_steps[at] == self.steps[at]) {
            at = self.step(&self.graph.becomes[at], &self.steps, self.steps[at]);
            roles.push(self.graph.members[at][0]);
        }
        while !self.has_by_itself(at) {
            at = self.step(&self.graph.inherits[at], &self.inherit_steps, self.inherit_steps[at]);
            roles.push(self.graph.members[at][0]);
        }
        if !roles.is_empty() {
            return Via::Roles(roles.into());
        }
        if self.graph.superusers.contains(node) {
            Via::Superuser
        } else if self.grantees.nodes.contains(node) {
            if node == self.owner { Via::Owner } else { Via::Direct }
        } else {
            Via::Public
        }
    }

    /// The first node, by name, that is one step nearer.
    fn step(&self, targets: &[Node], distances: &[u32], distance: u32) -> Node {
        let nearer = targets.iter().copied().find(|to| distances[*to].saturating_add(1) == distance);
        nearer.expect("a node that is not at its end has one that is a step nearer")
    }
}
