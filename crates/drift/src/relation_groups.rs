//! Groups of relations that are alike for actual access and for policies.

use domesday_actual::{ActualAccess, RelationClassIx};
use domesday_engine::{ClassIx, Outcomes};
use domesday_model::privileges::{ObservedDatabase, RelationIx, RoleIx};
use domesday_model::{ColumnIx, DataSourceIx, FastMap, PolicyIx, Scope, Snapshot, UserIx};

use crate::kinds::FindingKind;

/// Relations that everything compared is alike for: one class of actual access, one source class, columns in the same
/// places. What is found of one is found of all.
#[derive(Debug)]
pub struct RelationGroup {
    /// The relations, ascending, with their data sources.
    pub relations: Vec<(RelationIx, DataSourceIx)>,
    /// Their class of actual access.
    pub class: RelationClassIx,
    /// Their source class; none for disabled data sources, which have no outcomes.
    pub source_class: Option<ClassIx>,
    pub(crate) is_maskable: bool,
    /// By position in the relation: the offset of the column among those of the data source.
    pub(crate) offsets: Box<[Option<u32>]>,
    /// By slot of the source class: the position of the column in the relation.
    pub(crate) slots: Box<[Option<u32>]>,
    pub(crate) findings: Vec<GroupFinding>,
    /// The guardrails of the findings of kind EXCESS_BLOCKED.
    pub(crate) blocking: FastMap<(UserIx, Scope), Box<[PolicyIx]>>,
}

impl RelationGroup {
    /// Returns how many findings each relation of the group has.
    #[must_use]
    pub fn findings_per_relation(&self) -> usize {
        self.findings.len()
    }

    /// Iterates over the findings that each relation of the group has: kind, role and user.
    pub fn findings(&self) -> impl Iterator<Item = (FindingKind, Option<RoleIx>, Option<UserIx>)> + '_ {
        self.findings.iter().map(|finding| (finding.kind, finding.role, finding.user))
    }

    /// Returns the column of a data source at a position of its relation; none where the data source lacks it.
    ///
    /// # Panics
    /// When the relation has no such position.
    #[must_use]
    pub fn column(&self, snapshot: &Snapshot, source: DataSourceIx, position: u32) -> Option<ColumnIx> {
        let offset = self.offsets[position as usize]?;
        Some(ColumnIx(snapshot.data_sources[source.get()].columns.start + offset))
    }
}

/// A finding about every relation of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupFinding {
    pub(crate) kind: FindingKind,
    pub(crate) scope: Scope,
    pub(crate) role: Option<RoleIx>,
    pub(crate) user: Option<UserIx>,
    /// The position of the column in the relation.
    pub(crate) column: Option<u32>,
}

#[derive(PartialEq, Eq, Hash)]
struct GroupKey {
    class: RelationClassIx,
    source_class: Option<ClassIx>,
    is_maskable: bool,
    offsets: Box<[Option<u32>]>,
    slots: Box<[Option<u32>]>,
}

/// Groups the relations of a database that are data sources; groups are in order of their first relations.
pub(crate) fn group_relations(
    outcomes: &Outcomes,
    database: &ObservedDatabase,
    access: &ActualAccess,
) -> Vec<RelationGroup> {
    let snapshot = outcomes.snapshot();
    let mut groups: Vec<RelationGroup> = Vec::new();
    let mut known: FastMap<GroupKey, usize> = FastMap::default();
    for (position, source) in database.data_sources(snapshot).into_iter().enumerate() {
        let Some(source) = source else { continue };
        let relation = &database.privileges.relations[position];
        let range = &snapshot.data_sources[source.get()].columns;
        let by_name: FastMap<&str, u32> = (0..)
            .zip(snapshot.columns_of(source))
            .map(|(offset, (_, column))| (&*column.name, offset))
            .collect();
        let offsets: Box<[Option<u32>]> =
            relation.columns.iter().map(|column| by_name.get(column.name.as_str()).copied()).collect();
        let sources = outcomes.sources();
        let enabled = sources.binary_search_by_key(&source, |it| it.source).ok().map(|found| &sources[found]);
        let slots = enabled.map(|enabled| {
            let position_of = |column: &ColumnIx| {
                let offset = column.0 - range.start;
                let found = offsets.iter().position(|it| *it == Some(offset));
                found.map(|position| RelationIx::from_position(position).0)
            };
            enabled.columns.iter().map(position_of).collect()
        });
        let key = GroupKey {
            class: access.class_of[position],
            source_class: enabled.map(|enabled| enabled.class),
            is_maskable: relation.kind.is_maskable(),
            offsets,
            slots: slots.unwrap_or_default(),
        };
        let next = groups.len();
        let group = *known.entry(key).or_insert_with_key(|key| {
            groups.push(RelationGroup {
                relations: Vec::new(),
                class: key.class,
                source_class: key.source_class,
                is_maskable: key.is_maskable,
                offsets: key.offsets.clone(),
                slots: key.slots.clone(),
                findings: Vec::new(),
                blocking: FastMap::default(),
            });
            next
        });
        groups[group].relations.push((RelationIx::from_position(position), source));
    }
    groups
}
