//! What repairs are worked out with: the outcomes and the relations that every one of them has to respect.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};

use domesday_engine::ClassIx;
use domesday_model::privileges::{RelationIx, SchemaIx};
use domesday_model::{FastMap, FastSet, Scope, UserIx};

use super::decision::Harm;
use super::state::Trial;
use super::statement::Statement;
use crate::access_lists::RelationLists;
use crate::class_table::{ClassTable, Ruling};
use crate::drift::Drift;
use crate::relation_holders::RelationHolders;

/// What repairs are worked out with.
pub(crate) struct Planner<'d> {
    pub(crate) drift: &'d Drift,
    /// The groups with relations in each schema, ascending.
    groups_in: Vec<Vec<usize>>,
    /// Relations that are no data source of the snapshot, one of each class of actual access.
    pub(crate) bystanders: Vec<(RelationIx, RelationHolders)>,
    tables: Vec<OnceLock<ClassTable>>,
    no_table: ClassTable,
    /// Users with something granted, in a schema or in the whole database.
    granted: FastMap<Option<SchemaIx>, FastSet<UserIx>>,
    /// Whom statements on schemas and the database harm by themselves, as far as was asked.
    pub(crate) wide_harms: Mutex<FastMap<(SchemaIx, Vec<Statement>), WideHarms>>,
}

/// Whom a change harms, by group; none stands for relations that are no data source.
pub(crate) type WideHarms = Vec<(Option<usize>, Harm)>;

impl<'d> Planner<'d> {
    pub(crate) fn new(drift: &'d Drift) -> Self {
        let privileges = drift.privileges();
        let mut groups_in = vec![Vec::new(); privileges.schemas.len()];
        for (position, group) in drift.groups.iter().enumerate() {
            groups_in[drift.schema_of(group.relations[0].0).get()].push(position);
        }
        let sources: FastSet<RelationIx> = drift.order.iter().map(|(_, _, relation)| *relation).collect();
        let bystanders = drift.access.classes.iter().filter_map(|class| {
            let relation = *class.relations.iter().find(|relation| !sources.contains(relation))?;
            let lists = RelationLists::new(&privileges.relations[relation.get()]);
            Some((relation, RelationHolders::new(&drift.reach, &lists)))
        });
        let mut planner = Self {
            drift,
            groups_in,
            bystanders: bystanders.collect(),
            tables: (0..drift.outcomes.class_count()).map(|_| OnceLock::new()).collect(),
            no_table: ClassTable::default(),
            granted: FastMap::default(),
            wide_harms: Mutex::default(),
        };
        planner.granted = planner.find_granted();
        planner
    }

    /// Returns the outcomes of a source class; those of a disabled data source are none.
    pub(crate) fn table(&self, class: Option<ClassIx>) -> &ClassTable {
        class.map_or(&self.no_table, |class| {
            self.tables[class.0 as usize].get_or_init(|| ClassTable::new(&self.drift.outcomes, class))
        })
    }

    /// The groups with relations that a change of the schema or the database is around.
    pub(crate) fn near_groups(&self, trial: &Trial) -> impl Iterator<Item = usize> {
        let all = 0..if trial.connect.is_some() { self.drift.groups.len() } else { 0 };
        let of_schema = self.groups_in[trial.schema.get()].iter().copied();
        all.chain(of_schema.filter(|_| trial.connect.is_none()))
    }

    fn find_granted(&self) -> FastMap<Option<SchemaIx>, FastSet<UserIx>> {
        let drift = self.drift;
        let classes: BTreeSet<(SchemaIx, Option<ClassIx>)> = drift
            .groups
            .iter()
            .map(|group| (drift.schema_of(group.relations[0].0), group.source_class))
            .collect();
        let mut granted: FastMap<Option<SchemaIx>, FastSet<UserIx>> = FastMap::default();
        for (schema, class) in classes {
            let table = self.table(class);
            let users = (0..drift.roles_of.len()).map(UserIx::at);
            let is_granted =
                |user: &UserIx| Scope::ALL.into_iter().any(|it| table.ruling(*user, it) == Ruling::Granted);
            for user in users.filter(is_granted) {
                granted.entry(Some(schema)).or_default().insert(user);
                granted.entry(None).or_default().insert(user);
            }
        }
        granted
    }

    /// Whether policies grant a user anything in a schema, or in the whole database.
    pub(crate) fn is_granted_in(&self, schema: Option<SchemaIx>, user: UserIx) -> bool {
        self.granted.get(&schema).is_some_and(|users| users.contains(&user))
    }
}
