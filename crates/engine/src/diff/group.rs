//! Groups of data sources that differ in the same way.

use std::collections::BTreeMap;

use domesday_model::{ColumnIx, FastMap};

use crate::Outcomes;
use crate::outcomes::{ClassIx, SourceOutcomes};

/// Data sources that share their class on both sides, and how their columns correspond.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    /// How many data sources it has.
    pub(super) sources: usize,
}

/// What the sources of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    /// The class before; none where there is no enabled source of the name.
    pub(super) before: Option<ClassIx>,
    /// The class after.
    pub(super) after: Option<ClassIx>,
    /// The columns with a mask on either side, where the source is on both.
    pub(super) columns: Box<[Slots]>,
}

/// The slots of one column; none on a side where no mask applies to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Slots {
    pub(super) before: Option<u32>,
    pub(super) after: Option<u32>,
}

/// One data source that exists on either side.
#[derive(Debug)]
pub(super) struct Source<'s> {
    /// Its name.
    pub(super) name: &'s str,
    /// The position of its group.
    pub(super) group: usize,
    /// The names of [`GroupKey::columns`], where changes of columns are listed.
    pub(super) columns: Box<[&'s str]>,
    sides: [Option<u32>; 2],
}

/// Returns the data sources of both sides in name order, and their groups in the order of their first sources.
pub(super) fn group_sources<'s>(before: &'s Outcomes, after: &'s Outcomes) -> (Vec<Source<'s>>, Vec<Group>) {
    let mut names = BTreeMap::<&'s str, [Option<u32>; 2]>::new();
    for (side, outcomes) in [before, after].into_iter().enumerate() {
        for (position, source) in (0..).zip(outcomes.sources()) {
            let name = &*outcomes.snapshot().data_sources[source.source.get()].name;
            names.entry(name).or_default()[side] = Some(position);
        }
    }
    let mut positions = FastMap::default();
    let mut groups = Vec::<Group>::new();
    let sources = names.into_iter().map(|(name, sides)| {
        let [then, now] = outcomes_of(before, after, sides);
        let columns = match (then, now) {
            (Some(then), Some(now)) => matched_slots(before, then, after, now),
            _ => Box::default(),
        };
        let key = GroupKey { before: then.map(|of| of.class), after: now.map(|of| of.class), columns };
        let group = *positions.entry(key).or_insert_with_key(|key| {
            groups.push(Group { key: key.clone(), sources: 0 });
            groups.len() - 1
        });
        groups[group].sources += 1;
        Source { name, group, columns: Box::default(), sides }
    });
    let sources = sources.collect();
    (sources, groups)
}

/// Adds the names of the columns to the sources of some groups.
pub(super) fn name_columns<'s>(
    before: &'s Outcomes,
    after: &'s Outcomes,
    groups: &[Group],
    sources: &mut [Source<'s>],
    wanted: impl Fn(usize) -> bool,
) {
    for source in sources.iter_mut().filter(|source| wanted(source.group)) {
        let [then, now] = outcomes_of(before, after, source.sides);
        let slot = |outcomes, of: Option<&SourceOutcomes>, slot: Option<u32>| {
            Some(column_name(outcomes, of?.columns[slot? as usize]))
        };
        let name = |slots: &Slots| {
            let name = slot(before, then, slots.before).or_else(|| slot(after, now, slots.after));
            name.expect("a column with slots has one on either side")
        };
        source.columns = groups[source.group].key.columns.iter().map(name).collect();
    }
}

fn outcomes_of<'a>(
    before: &'a Outcomes,
    after: &'a Outcomes,
    sides: [Option<u32>; 2],
) -> [Option<&'a SourceOutcomes>; 2] {
    let [then, now] = sides;
    [then.map(|at| &before.sources()[at as usize]), now.map(|at| &after.sources()[at as usize])]
}

fn column_name(outcomes: &Outcomes, column: ColumnIx) -> &str {
    &outcomes.snapshot().columns[column.get()].name
}

/// Returns the columns of one source that have a mask on either side: those of before in order, then those of after only.
fn matched_slots(
    before: &Outcomes,
    then: &SourceOutcomes,
    after: &Outcomes,
    now: &SourceOutcomes,
) -> Box<[Slots]> {
    let slots_now = (0..).zip(&now.columns).map(|(slot, column)| (column_name(after, *column), slot));
    let mut slots_now: FastMap<&str, u32> = slots_now.collect();
    let mut columns: Vec<_> = (0..)
        .zip(&then.columns)
        .map(|(slot, column)| Slots {
            before: Some(slot),
            after: slots_now.remove(column_name(before, *column)),
        })
        .collect();
    let mut alone: Vec<u32> = slots_now.into_values().collect();
    alone.sort_unstable();
    columns.extend(alone.into_iter().map(|slot| Slots { before: None, after: Some(slot) }));
    columns.into()
}
