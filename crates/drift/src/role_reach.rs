//! The roles of a cluster: from which each inherits, which it may become, and who holds what an access list grants
//! (`docs/drift.md`, rule 1).
//!
//! `domesday-actual` evaluates a database as it was read. A repair asks what changed access lists would do, one after the
//! other, so here sets of roles are made from one list.

use domesday_actual::{BitSet, READ_ALL, RoleEdges, WRITE_ALL};
use domesday_model::Scope;
use domesday_model::privileges::{AccessEntry, Grantee, PrivilegeSet, Privileges, RoleIx};

/// The roles of a cluster with the closures of their memberships.
#[derive(Debug)]
pub(crate) struct RoleReach {
    edges: RoleEdges,
    /// For each role those that it may become, itself first.
    acts_as: Vec<Box<[RoleIx]>>,
    /// For each role those whose privileges it has by inheritance, itself included, ascending.
    inherits: Vec<Box<[RoleIx]>>,
    /// For each role those that have its privileges by inheritance, itself included.
    heirs: Vec<Vec<RoleIx>>,
    /// For each role those that may become it, without itself.
    actors: Vec<Vec<RoleIx>>,
    superusers: BitSet,
    pub(crate) logins: BitSet,
    /// The roles that row security never binds.
    bypassing: BitSet,
    /// By scope: the heirs of `pg_read_all_data` and `pg_write_all_data`.
    predefined: [BitSet; 2],
}

impl RoleReach {
    pub(crate) fn new(privileges: &Privileges) -> Self {
        let edges = RoleEdges::new(privileges);
        let mut inherits = closures(&edges.inherits);
        inherits.iter_mut().for_each(|roles| roles.sort_unstable());
        let acts_as = closures(&edges.becomes);
        let roles = &privileges.roles;
        let that = |is: &dyn Fn(usize) -> bool| {
            let mut set = BitSet::new(roles.len());
            (0..roles.len()).filter(|position| is(*position)).for_each(|position| set.insert(position));
            set
        };
        let heirs = reversed(inherits.iter().map(|roles| &**roles));
        let heirs_of = |name: &str| {
            let mut set = BitSet::new(roles.len());
            let found = roles.iter().position(|role| role.name == name).map(|position| &heirs[position]);
            found.into_iter().flatten().for_each(|heir| set.insert(heir.get()));
            set
        };
        Self {
            predefined: Scope::ALL.map(|scope| match scope {
                Scope::Read => heirs_of(READ_ALL),
                Scope::Write => heirs_of(WRITE_ALL),
            }),
            // The first one is the role itself.
            actors: reversed(acts_as.iter().map(|roles| &roles[1..])),
            superusers: that(&|position| roles[position].is_superuser),
            logins: that(&|position| roles[position].may_log_in(privileges.observed_at)),
            bypassing: that(&|position| {
                roles[position].is_superuser || roles[position].bypasses_row_security
            }),
            heirs,
            acts_as,
            inherits,
            edges,
        }
    }

    /// Returns the number of roles.
    pub(crate) fn len(&self) -> usize {
        self.inherits.len()
    }

    /// Returns the steps of memberships.
    pub(crate) fn edges(&self) -> &RoleEdges {
        &self.edges
    }

    /// Returns the roles that a role may become, itself first.
    pub(crate) fn acts_as(&self, role: RoleIx) -> &[RoleIx] {
        &self.acts_as[role.get()]
    }

    /// Returns the roles whose privileges a role has by inheritance, itself included, ascending.
    pub(crate) fn inherits(&self, role: RoleIx) -> &[RoleIx] {
        &self.inherits[role.get()]
    }

    /// Whether a role has the privileges of another by inheritance. A superuser counts as itself only.
    pub(crate) fn has_inherited(&self, role: RoleIx, other: RoleIx) -> bool {
        self.inherits[role.get()].binary_search(&other).is_ok()
    }

    pub(crate) fn is_superuser(&self, role: RoleIx) -> bool {
        self.superusers.contains(role.get())
    }

    pub(crate) fn may_log_in(&self, role: RoleIx) -> bool {
        self.logins.contains(role.get())
    }

    /// Whether a role has the privileges of `pg_read_all_data`.
    pub(crate) fn reads_all(&self, role: RoleIx) -> bool {
        self.predefined(Scope::Read).contains(role.get())
    }

    /// Whether a role has the privileges of `pg_write_all_data`.
    pub(crate) fn writes_all(&self, role: RoleIx) -> bool {
        self.predefined(Scope::Write).contains(role.get())
    }

    /// Whether a role holds one of these privileges by an access list, or as a superuser.
    pub(crate) fn holds(&self, role: RoleIx, list: &[AccessEntry], wanted: PrivilegeSet) -> bool {
        let has = |grantee: Grantee| match grantee {
            Grantee::Public => true,
            Grantee::Role(grantee) => self.has_inherited(role, grantee),
        };
        self.is_superuser(role)
            || list.iter().any(|entry| entry.privileges.intersects(wanted) && has(entry.grantee))
    }

    /// Returns the roles that hold one of these privileges by an access list, or as superusers.
    pub(crate) fn holders(&self, list: &[AccessEntry], wanted: PrivilegeSet) -> BitSet {
        let mut holders = self.superusers.clone();
        for entry in list.iter().filter(|entry| entry.privileges.intersects(wanted)) {
            match entry.grantee {
                Grantee::Public => return BitSet::full(self.len()),
                Grantee::Role(grantee) => self.add_heirs(grantee, &mut holders),
            }
        }
        holders
    }

    /// Returns the roles that hold one of these privileges by a changed access list; none where they are the same. `known` are
    /// those by the list before; who holds it by something else may be among them, and may be missing afterwards.
    pub(crate) fn holders_after(
        &self,
        known: &BitSet,
        before: &[AccessEntry],
        after: &[AccessEntry],
        wanted: PrivilegeSet,
    ) -> Option<BitSet> {
        if before == after {
            return None;
        }
        let (Some(old), Some(new)) = (self.grantees(before, wanted), self.grantees(after, wanted)) else {
            return Some(self.holders(after, wanted));
        };
        if old == new {
            return None;
        }
        let mut holders = known.clone();
        for grantee in old.clone().difference(&new).iter() {
            for heir in &self.heirs[grantee] {
                let still = || self.inherits[heir.get()].iter().any(|of| new.contains(of.get()));
                if !self.is_superuser(*heir) && !still() {
                    holders.remove(heir.get());
                }
            }
        }
        new.difference(&old)
            .iter()
            .for_each(|grantee| self.add_heirs(RoleIx::from_position(grantee), &mut holders));
        Some(holders)
    }

    /// Returns the roles that an access list names with one of these privileges; none where PUBLIC has one.
    fn grantees(&self, list: &[AccessEntry], wanted: PrivilegeSet) -> Option<BitSet> {
        let mut grantees = BitSet::new(self.len());
        for entry in list.iter().filter(|entry| entry.privileges.intersects(wanted)) {
            match entry.grantee {
                Grantee::Public => return None,
                Grantee::Role(grantee) => grantees.insert(grantee.get()),
            }
        }
        Some(grantees)
    }

    fn add_heirs(&self, role: RoleIx, to: &mut BitSet) {
        self.heirs[role.get()].iter().for_each(|heir| to.insert(heir.get()));
    }

    /// Returns the roles that hold a privilege of a scope on everything, as members of `pg_read_all_data` or
    /// `pg_write_all_data`.
    pub(crate) fn predefined(&self, scope: Scope) -> &BitSet {
        &self.predefined[scope.index()]
    }

    /// Returns the roles that hold USAGE of a schema by its access list.
    pub(crate) fn usage_holders(&self, list: &[AccessEntry]) -> BitSet {
        self.with_predefined(self.holders(list, PrivilegeSet::USAGE))
    }

    /// Adds the roles that hold USAGE of every schema.
    pub(crate) fn with_predefined(&self, mut holders: BitSet) -> BitSet {
        self.predefined.iter().for_each(|all| holders.union(all));
        holders
    }

    /// Returns the roles that hold CONNECT by the access list of the database.
    pub(crate) fn connect_holders(&self, list: &[AccessEntry]) -> BitSet {
        self.holders(list, PrivilegeSet::CONNECT)
    }

    /// Returns the roles that act as one of some roles.
    pub(crate) fn actors_of(&self, roles: &BitSet) -> BitSet {
        let mut actors = roles.clone();
        for role in roles.iter() {
            self.actors[role].iter().for_each(|actor| actors.insert(actor.get()));
        }
        actors
    }

    /// Returns the roles that row security of an owner's relation does not bind (rule 5).
    pub(crate) fn free_of_row_security(&self, owner: RoleIx, is_forced: bool) -> BitSet {
        let mut free = self.bypassing.clone();
        if !is_forced {
            self.add_heirs(owner, &mut free);
        }
        free
    }
}

/// Returns for each role those that reach it.
fn reversed<'r>(reached: impl ExactSizeIterator<Item = &'r [RoleIx]>) -> Vec<Vec<RoleIx>> {
    let mut from = vec![Vec::new(); reached.len()];
    for (role, reached) in reached.enumerate() {
        reached.iter().for_each(|to| from[to.get()].push(RoleIx::from_position(role)));
    }
    from
}

/// Returns for each role those that it reaches in any number of steps, itself first.
fn closures(edges: &[Vec<RoleIx>]) -> Vec<Box<[RoleIx]>> {
    // The last start from which a role was reached.
    let mut reached_from: Vec<Option<usize>> = vec![None; edges.len()];
    let mut reach = |start: usize| {
        let mut reached = vec![RoleIx::from_position(start)];
        reached_from[start] = Some(start);
        let mut next = 0;
        while let Some(role) = reached.get(next).copied() {
            next += 1;
            for to in &edges[role.get()] {
                if reached_from[to.get()] != Some(start) {
                    reached_from[to.get()] = Some(start);
                    reached.push(*to);
                }
            }
        }
        reached.into()
    };
    (0..edges.len()).map(&mut reach).collect()
}
