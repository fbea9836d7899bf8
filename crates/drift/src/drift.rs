//! The comparison of one database with the outcomes of a snapshot.

use std::sync::{Arc, OnceLock};

use domesday_actual::{ActualAccess, BitSet, RelationClass, RoleAccess};
use domesday_engine::{ClassIx, Outcomes};
use domesday_model::privileges::{
    ObservedDatabase, PrivilegeSet, Privileges, RelationIx, RoleIx, RoleOwners, SchemaIx,
};
use domesday_model::{DataSourceIx, FastMap, PolicyIx, Scope, Snapshot, UserIx};
use rayon::prelude::*;

use crate::access_lists::{database_list, schema_list};
use crate::class_table::ClassTable;
use crate::judge::Judge;
use crate::kinds::FindingKind;
use crate::relation_groups::{GroupFinding, RelationGroup, group_relations};
use crate::repair::RepairPlan;
use crate::role_reach::RoleReach;

/// Where the privileges of one database differ from the outcomes of a snapshot.
///
/// It shares the ownership of both and borrows nothing, so it can be stored and sent to other threads.
#[derive(Debug)]
pub struct Drift {
    pub(crate) outcomes: Arc<Outcomes>,
    pub(crate) database: Arc<ObservedDatabase>,
    pub(crate) access: ActualAccess,
    pub(crate) reach: RoleReach,
    /// The user of each role.
    pub(crate) user_of: Vec<Option<UserIx>>,
    /// The roles of each user, by name.
    pub(crate) roles_of: Vec<Box<[RoleIx]>>,
    /// The roles that hold CONNECT.
    pub(crate) connect: BitSet,
    /// Those that hold USAGE of each schema.
    pub(crate) usage: Vec<BitSet>,
    pub(crate) groups: Vec<RelationGroup>,
    /// The data sources in index order, each with its group and relation.
    pub(crate) order: Vec<(DataSourceIx, u32, RelationIx)>,
    counts: [usize; FindingKind::ALL.len()],
    /// By class of actual access and scope, sorted when first asked for.
    by_name: OnceLock<Vec<[ByName; 2]>>,
    /// Worked out when first asked for.
    pub(crate) repairs: OnceLock<RepairPlan>,
}

/// The roles that can reach the relations of a class, by name, each with the position of its access.
type ByName = Box<[(RoleIx, u32)]>;

/// A role that can reach a data source.
#[derive(Debug, Clone, Copy)]
pub struct AccessRow<'d> {
    /// The role.
    pub role: RoleIx,
    /// The user to whom it belongs.
    pub user: Option<UserIx>,
    /// The data source.
    pub source: DataSourceIx,
    /// The relation that it is.
    pub relation: RelationIx,
    /// Reading or writing.
    pub scope: Scope,
    /// The path, the columns, and whether row security binds the role.
    pub access: &'d RoleAccess,
}

impl Drift {
    /// Compares every database of a snapshot with its outcomes.
    #[must_use]
    pub fn of_databases(outcomes: &Arc<Outcomes>) -> Vec<Self> {
        let databases = outcomes.snapshot().databases.iter();
        databases.map(|database| Self::new(Arc::clone(outcomes), Arc::clone(database))).collect()
    }

    /// Compares the databases that have a data source with the outcomes.
    #[must_use]
    pub fn of_data_source(outcomes: &Arc<Outcomes>, source: DataSourceIx) -> Vec<Self> {
        let snapshot = outcomes.snapshot();
        let databases = snapshot.databases.iter();
        let has_source =
            |database: &&Arc<ObservedDatabase>| database.data_sources(snapshot).contains(&Some(source));
        databases
            .filter(has_source)
            .map(|database| Self::new(Arc::clone(outcomes), Arc::clone(database)))
            .collect()
    }

    /// Compares a database with the outcomes of a snapshot.
    #[must_use]
    pub fn new(outcomes: Arc<Outcomes>, database: Arc<ObservedDatabase>) -> Self {
        let privileges = &database.privileges;
        let snapshot = outcomes.snapshot();
        let owners = RoleOwners::of_snapshot(&database.identify, snapshot);
        let user_of: Vec<Option<UserIx>> =
            privileges.roles.iter().map(|role| owners.user(&role.name)).collect();
        let access = ActualAccess::new(privileges);
        let groups = group_relations(&outcomes, &database, &access);
        let mut order: Vec<_> = (0..)
            .zip(&groups)
            .flat_map(|(position, group)| {
                group.relations.iter().map(move |(relation, source)| (*source, position, *relation))
            })
            .collect();
        order.sort_unstable();
        let (reach, schemas) = (RoleReach::new(privileges), privileges.schemas.iter());
        let mut drift = Self {
            roles_of: roles_by_user(privileges, &user_of, snapshot.users.len()),
            connect: reach.connect_holders(&database_list(privileges)),
            usage: schemas.map(|schema| reach.usage_holders(&schema_list(schema))).collect(),
            counts: [0; FindingKind::ALL.len()],
            by_name: OnceLock::new(),
            repairs: OnceLock::new(),
            reach,
            user_of,
            access,
            groups,
            order,
            outcomes,
            database,
        };
        drift.find();
        drift
    }

    /// Returns the snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        self.outcomes.snapshot()
    }

    /// Returns the database as it was read.
    #[must_use]
    pub fn database(&self) -> &Arc<ObservedDatabase> {
        &self.database
    }

    /// Returns the user to whom a role belongs.
    #[must_use]
    pub fn user_of(&self, role: RoleIx) -> Option<UserIx> {
        self.user_of[role.get()]
    }

    /// Returns the roles of a user, by name, those that may not log in included.
    #[must_use]
    pub fn roles_of(&self, user: UserIx) -> &[RoleIx] {
        &self.roles_of[user.get()]
    }

    /// Returns the groups of relations that everything compared is alike for, in order of their first relations.
    #[must_use]
    pub fn groups(&self) -> &[RelationGroup] {
        &self.groups
    }

    /// Returns the actual access to the relations of a group.
    #[must_use]
    pub fn access(&self, group: &RelationGroup) -> &RelationClass {
        &self.access.classes[group.class.0 as usize]
    }

    /// Returns the data sources in index order, each with the position of its group among [`Drift::groups`] and its
    /// relation.
    #[must_use]
    pub fn data_sources(&self) -> &[(DataSourceIx, u32, RelationIx)] {
        &self.order
    }

    /// Iterates over the roles that can reach the relations of a group in a scope, by name, each with its access.
    pub fn roles_by_name(
        &self,
        group: &RelationGroup,
        scope: Scope,
    ) -> impl ExactSizeIterator<Item = (RoleIx, &RoleAccess)> {
        let class = group.class.0 as usize;
        let by_name = self.by_name.get_or_init(|| self.sort_by_name());
        let accesses = self.access.classes[class].scope(scope);
        by_name[class][scope.index()].iter().map(|(role, access)| (*role, &accesses[*access as usize]))
    }

    /// Iterates over the accesses of every role to the data sources, in order of data source, scope and role name.
    pub fn accesses(&self) -> impl Iterator<Item = AccessRow<'_>> {
        self.order.iter().flat_map(move |(source, group, relation)| {
            let group = &self.groups[*group as usize];
            Scope::ALL.into_iter().flat_map(move |scope| {
                self.roles_by_name(group, scope).map(move |(role, access)| AccessRow {
                    role,
                    user: self.user_of(role),
                    source: *source,
                    relation: *relation,
                    scope,
                    access,
                })
            })
        })
    }

    /// Sorts the roles of each class of relations by name.
    fn sort_by_name(&self) -> Vec<[ByName; 2]> {
        let sorted = |accesses: &[RoleAccess]| -> ByName {
            let roles = (0..)
                .zip(accesses)
                .flat_map(|(position, access)| access.roles.iter().map(move |role| (*role, position)));
            let mut roles: Vec<(RoleIx, u32)> = roles.collect();
            roles.sort_unstable_by_key(|(role, _)| self.role_name(*role));
            roles.into()
        };
        let classes = self.access.classes.par_iter();
        classes.map(|class| Scope::ALL.map(|scope| sorted(class.scope(scope)))).collect()
    }

    /// Returns how many rows [`Drift::accesses`] has.
    #[must_use]
    pub fn access_count(&self) -> usize {
        let per_relation = |group: &RelationGroup| {
            let class = self.access(group);
            let roles = class.read.iter().chain(&class.write).map(|access| access.roles.len());
            roles.sum::<usize>()
        };
        self.groups.iter().map(|group| per_relation(group) * group.relations.len()).sum()
    }

    /// Returns how many findings of a kind there are.
    #[must_use]
    pub fn count(&self, kind: FindingKind) -> usize {
        self.counts[kind as usize]
    }

    /// Returns how many findings there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    pub(crate) fn privileges(&self) -> &Privileges {
        &self.database.privileges
    }

    pub(crate) fn schema_of(&self, relation: RelationIx) -> SchemaIx {
        self.privileges().relations[relation.get()].schema
    }

    pub(crate) fn role_name(&self, role: RoleIx) -> &str {
        &self.privileges().roles[role.get()].name
    }

    /// Finds what differs, one source class after the other.
    fn find(&mut self) {
        self.outcomes.group_users();
        let mut by_class: FastMap<Option<ClassIx>, Vec<usize>> = FastMap::default();
        for (position, group) in self.groups.iter().enumerate() {
            by_class.entry(group.source_class).or_default().push(position);
        }
        let by_class: Vec<_> = by_class.into_iter().collect();
        let this = &*self;
        let found: Vec<(usize, Vec<GroupFinding>, Blocking)> = by_class
            .into_par_iter()
            .flat_map_iter(|(class, groups)| {
                let table = class.map_or_else(ClassTable::default, |it| ClassTable::new(&this.outcomes, it));
                groups.into_iter().map(move |group| {
                    let findings = this.find_in(&this.groups[group], &table);
                    let blocked = findings.iter().filter(|it| it.kind == FindingKind::ExcessBlocked);
                    let blocking = blocked.filter_map(|it| {
                        let user = it.user?;
                        Some(((user, it.scope), table.blocking(user, it.scope).into()))
                    });
                    let blocking = blocking.collect();
                    (group, findings, blocking)
                })
            })
            .collect();
        for (group, findings, blocking) in found {
            let group = &mut self.groups[group];
            for finding in &findings {
                self.counts[finding.kind as usize] += group.relations.len();
            }
            group.findings = findings;
            group.blocking = blocking;
        }
    }

    fn find_in(&self, group: &RelationGroup, table: &ClassTable) -> Vec<GroupFinding> {
        let class = self.access(group);
        let by_role = Scope::ALL.map(|scope| {
            let mut by_role: Vec<Option<&RoleAccess>> = vec![None; self.user_of.len()];
            for access in class.scope(scope) {
                access.roles.iter().for_each(|role| by_role[role.get()] = Some(access));
            }
            by_role
        });
        let access = |role: RoleIx, scope: Scope| {
            let by_role = &by_role[scope.index()];
            by_role[role.get()].map(|access| access.columns.as_deref())
        };
        let judge = Judge { group, table };
        let mut found = Vec::new();
        for (position, roles) in self.roles_of.iter().enumerate() {
            let user = UserIx::at(position);
            judge.find_for_user(user, roles, |role| self.reach.may_log_in(role), access, &mut found);
        }
        let mut unmapped: Vec<GroupFinding> = Vec::new();
        for scope in Scope::ALL {
            let roles = class.scope(scope).iter().flat_map(|access| &access.roles);
            unmapped.extend(roles.filter(|role| self.user_of(**role).is_none()).map(|role| GroupFinding {
                kind: FindingKind::Unmapped,
                scope,
                role: Some(*role),
                user: None,
                column: None,
            }));
        }
        unmapped.sort_by_key(|it| (it.role.map(|role| self.role_name(role)), it.scope));
        found.extend(unmapped);
        found
    }
}

/// The guardrails that block users.
type Blocking = FastMap<(UserIx, Scope), Box<[PolicyIx]>>;

/// Returns the roles of each user, by name.
fn roles_by_user(privileges: &Privileges, user_of: &[Option<UserIx>], users: usize) -> Vec<Box<[RoleIx]>> {
    let mut roles_of: Vec<Vec<RoleIx>> = vec![Vec::new(); users];
    for (position, user) in user_of.iter().enumerate() {
        if let Some(user) = user {
            roles_of[user.get()].push(RoleIx::from_position(position));
        }
    }
    let by_name = |mut roles: Vec<RoleIx>| {
        roles.sort_by_key(|role| &privileges.roles[role.get()].name);
        roles.into_boxed_slice()
    };
    roles_of.into_iter().map(by_name).collect()
}

/// Returns the privileges that a repair grants in a scope, and that a sentence names.
pub(crate) fn scope_privileges(scope: Scope) -> PrivilegeSet {
    match scope {
        Scope::Read => PrivilegeSet::SELECT,
        Scope::Write => PrivilegeSet::INSERT.union(PrivilegeSet::UPDATE).union(PrivilegeSet::DELETE),
    }
}
